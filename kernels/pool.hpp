// A plain thread pool.  The calling thread works too; a free thread takes the next range.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace neglog {

// What was set; else what the calling thread's library uses, within the quota; else the initial
// number; else the CPUs that the process may run on, within the quota.
int num_threads();

// 0 is none; the first two return what they replace.
int set_num_threads(int n);
int set_callers_threads(int n);  // of the calling thread alone
void set_initial_threads(int n, int cpu_quota);

enum class Outcome { done, interrupted, no_memory };

// Calls work(begin, end, scratch) for ranges of at most `grain` that cover 0 .. units.  The calling
// thread calls `interrupted` about twenty times a second; after a true no further range is begun.
// A second caller at the same time, and work of a single range, stay on the calling thread.
Outcome parallel_for(int64_t units, int64_t grain, size_t scratch_bytes,
                     const std::function<void(int64_t, int64_t, char*)>& work,
                     const std::function<bool()>& interrupted);

}  // namespace neglog
