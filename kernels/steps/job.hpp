// A mini-batch of a linear softmax classifier: plain data, the same everywhere.
#pragma once

#include "rows/job.hpp"

namespace neglog {

// A row of the table is its dense features (float32, of which the first is 1), the places of its
// ones among the other features (int32), its target (int32) and its weight (float64), side by side.
struct BatchJob {
    const char* table;
    int64_t table_rows, row_bytes, dense, ones;
    const int64_t* places;  // of the rows of the batch in the table
    int64_t rows;
    const float* weights;  // (features, classes)
    float* gradient;       // the same
    int64_t features, classes;
};

struct BatchSums {
    double weight = 0;
    bool inside = true;  // whether all places, ones and targets exist; else nothing is written
};

}  // namespace neglog
