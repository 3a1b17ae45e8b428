#include "moments.hpp"

#include <algorithm>

namespace neglog {
namespace {

// Of rows whose weight and divisor are 1, three of the sums are the number of rows and one is a
// copy: `few` leaves them for the end.
template <bool few> inline void add(double* to, double x, double b) {
    to[1] += x;
    to[3] += x * x;
    if (few) return;
    to[0] += 1;
    to[2] += b;
    to[4] += x * b;
    to[5] += b * b;
}

void fill_few(double* to, double rows) {
    to[0] += rows;
    to[2] += rows;
    to[4] = to[1];
    to[5] += rows;
}

template <bool weighted, bool per> inline void add_row(const MomentsJob& job, int64_t i,
                                                       double* to) {
    const double w = weighted ? job.weight[i] : 1;
    add<!weighted && !per>(to, w * job.x[i], per ? w * job.per[i] : w);
}

// Blocks keep the rounding of a sum near that of its blocks, and four sums at once the adder busy.
template <bool weighted, bool per> void add_all(const MomentsJob& job) {
    constexpr int64_t kBlock = 4096;
    constexpr int kLanes = 4;
    for (int64_t first = 0; first < job.rows; first += kBlock) {
        double sums[kLanes][kMoments] = {};
        const int64_t end = std::min(first + kBlock, job.rows);
        int64_t i = first;
        for (; i + kLanes <= end; i += kLanes)
            for (int lane = 0; lane < kLanes; ++lane)
                add_row<weighted, per>(job, i + lane, sums[lane]);
        for (; i < end; ++i) add_row<weighted, per>(job, i, sums[0]);
        for (int k = 0; k < kMoments; ++k)
            job.sums[k] += (sums[0][k] + sums[1][k]) + (sums[2][k] + sums[3][k]);
    }
    if (!weighted && !per) fill_few(job.sums, static_cast<double>(job.rows));
}

template <bool weighted, bool per> void add_rows(const MomentsJob& job) {
    if (!job.group) return add_all<weighted, per>(job);
    for (int64_t i = 0; i < job.rows; ++i) {
        double* to = job.sums + kMoments * job.group[i];
        add_row<weighted, per>(job, i, to);
        if (!weighted && !per) to[0] += 1;
    }
    if (!weighted && !per)
        for (int64_t g = 0; g < job.groups; ++g) {
            double* to = job.sums + kMoments * g;
            to[2] = to[5] = to[0];
            to[4] = to[1];
        }
}

}  // namespace

bool add_moments(const MomentsJob& job) {
    for (int64_t i = 0; job.group && i < job.rows; ++i)
        if (job.group[i] < 0 || job.group[i] >= job.groups) return false;
    if (job.weight)
        job.per ? add_rows<true, true>(job) : add_rows<true, false>(job);
    else
        job.per ? add_rows<false, true>(job) : add_rows<false, false>(job);
    return true;
}

}  // namespace neglog
