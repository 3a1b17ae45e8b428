// Runs the sparse kernels on the instruction set in use and shares them among threads.
#pragma once

#include <memory>
#include <vector>

#include "run.hpp"

namespace neglog {

// Entries and the memory they lie in; the pool's pages are touched as far as they are used.
struct Kept {
    Entries at{};
    int64_t count = 0;  // above at.capacity: too many, and the entries are not all there
    std::unique_ptr<char[]> values;
    std::unique_ptr<uint16_t[]> columns;
    std::vector<int64_t> starts;
    std::vector<uint32_t> ends;

    Kept(int64_t rows, int64_t classes, bool wide, int64_t capacity);
};

// Picks entries of job.grad into `kept`.  Here job.row_sums is (2, rows) and job.class_sums
// (2, classes); they are set unless there are too many entries.
Outcome compress(CompressJob job, Kept& kept, const Interrupted& interrupted);

// job.out += the entries of job.chunks, `entries` in all, times the factor; the work is cut here.
Outcome add_times_classes(ProductJob job, int64_t entries, const Interrupted& interrupted);
Outcome add_times_hidden(ProductJob job, int64_t entries, const Interrupted& interrupted);

}  // namespace neglog
