#define NEGLOG_ISA v4
#define NEGLOG_NAME "x86-64-v4"
#include "isa/table.hpp"
