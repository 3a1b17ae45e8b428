// A CPU that is not x86-64: what the compiler takes for granted there.
#define NEGLOG_ISA base
#define NEGLOG_NAME "baseline"
#include "isa/table.hpp"
