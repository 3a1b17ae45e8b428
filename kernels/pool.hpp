// A plain thread pool: the calling thread works too, ranges are handed out as threads get free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace neglog {

int default_threads();  // as many as the process may run on
int num_threads();
void set_num_threads(int n);

enum class Outcome { done, interrupted, no_memory };

// work(begin, end, scratch) for ranges of at most `grain` that cover 0 .. units.  `interrupted`
// is asked by the calling thread about twenty times a second; once it says yes no further range
// is begun.  A second caller at the same time, and a range too small to share, stay on their own
// thread.
Outcome parallel_for(int64_t units, int64_t grain, size_t scratch_bytes,
                     const std::function<void(int64_t, int64_t, char*)>& work,
                     const std::function<bool()>& interrupted);

}  // namespace neglog
