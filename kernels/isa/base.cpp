// A CPU other than x86-64, with the baseline of the compiler.
#define NEGLOG_ISA base
#define NEGLOG_NAME "baseline"
#include "isa/table.hpp"
