// The sums behind weighted means, for all rows or by group, in one pass over the rows' numbers.
#pragma once

#include <cstdint>

namespace neglog {

constexpr int kMoments = 6;  // 1, w x, w b, (w x)^2, w x w b, (w b)^2

struct MomentsJob {
    int64_t rows, groups;
    const double* x;       // one per row, as the others
    const double* weight;  // null: 1
    const double* per;     // b; null: 1
    const int64_t* group;  // null: all rows are one group
    double* sums;          // groups x kMoments, 0 before
};

// Whether every group is one of the groups; if not, nothing is added.
bool add_moments(const MomentsJob& job);

}  // namespace neglog
