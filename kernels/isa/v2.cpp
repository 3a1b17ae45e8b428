#define NEGLOG_ISA v2
#define NEGLOG_NAME "x86-64-v2"
#include "isa/table.hpp"
