// What a report reads of every class of a row, beyond its loss: plain data, the same everywhere.
#pragma once

#include "rows/job.hpp"

namespace neglog {

// Rows are tempered at beta = 1 / temperature = 2^-4, 2^-3, ..., 2^4.
constexpr int kBetas = 9, kAtOne = 4;
static inline double beta_of(int k) {
    return k < kAtOne ? 1.0 / (1 << (kAtOne - k)) : 1 << (k - kAtOne);
}

// Bins of a probability, and up to how many classes each class has its own.
constexpr int kBins = 128;
constexpr int64_t kMostBinned = 1000;

// A row of weight 0 is not read, its target included: its rank and one_vs_rest are 0.
struct ScoresJob {
    int64_t rows, classes;
    DType dtype;
    const void* logits;
    int64_t step;  // from row to row
    const void* target;
    bool target_is_64;
    const double* weight;  // or null: all 1
    int64_t* rank;
    double* one_vs_rest;
};

// Sums over some of the rows; the kernels add to them.
struct ScoreSums {
    double* tempered;  // (kBetas, 3): w nll, w d, w^2 d^2 with d = nll - entropy
    double* classes;   // (classes, kBins, 2): w and w p by bin; or (classes): w p
};
static inline bool is_binned(const ScoresJob& job) { return job.classes <= kMostBinned; }
static inline int64_t numbers_of_classes(const ScoresJob& job) {
    return job.classes * (is_binned(job) ? 2 * kBins : 1);
}

}  // namespace neglog
