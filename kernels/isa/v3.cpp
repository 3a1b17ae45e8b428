#define NEGLOG_ISA v3
#define NEGLOG_NAME "x86-64-v3"
#include "isa/table.hpp"
