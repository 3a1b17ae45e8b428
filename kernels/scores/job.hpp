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
    // Or null: (kBetas) the nll from which on a row is unlikely at that temperature.
    const double* from_nll;
};

// Rows that are unlikely at any temperature, in their order, and their curves (4, kBetas).
struct UnlikelyRows {
    int64_t* row;
    float* curves;
    int64_t count;
};

// Sums over some of the rows; the kernels add to them.
struct ScoreSums {
    double* tempered;  // (kBetas, 3): w nll, w d, w^2 d^2 with d = nll - entropy
    // (classes, kBins, 2): w and w p by bin, then (classes, kBins): w of the rows whose target the
    // class is; or (classes): w p.
    double* classes;
    UnlikelyRows* unlikely;
};
static inline bool is_binned(const ScoresJob& job) { return job.classes <= kMostBinned; }
static inline int64_t numbers_of_classes(const ScoresJob& job) {
    return job.classes * (is_binned(job) ? 3 * kBins : 1);
}

}  // namespace neglog
