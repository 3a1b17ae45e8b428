// Which level of x86-64 this CPU has.
#pragma once

namespace neglog {

// The highest level of the x86-64 psABI, 1 to 4, all of whose instructions the CPU and the
// operating system offer; 0 on another CPU.
int cpu_level();

}  // namespace neglog
