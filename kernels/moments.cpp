#include "moments.hpp"

#include <algorithm>

namespace neglog {
namespace {

struct Terms {
    double x, b;
};

inline void add(double* to, Terms t) {
    to[0] += 1;
    to[1] += t.x;
    to[2] += t.b;
    to[3] += t.x * t.x;
    to[4] += t.x * t.b;
    to[5] += t.b * t.b;
}

template <bool weighted, bool per> inline Terms terms(const MomentsJob& job, int64_t i) {
    const double w = weighted ? job.weight[i] : 1;
    return {w * job.x[i], per ? w * job.per[i] : w};
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
                add(sums[lane], terms<weighted, per>(job, i + lane));
        for (; i < end; ++i) add(sums[0], terms<weighted, per>(job, i));
        for (int k = 0; k < kMoments; ++k)
            job.sums[k] += (sums[0][k] + sums[1][k]) + (sums[2][k] + sums[3][k]);
    }
}

template <bool weighted, bool per> void add_rows(const MomentsJob& job) {
    if (!job.group) return add_all<weighted, per>(job);
    for (int64_t i = 0; i < job.rows; ++i)
        add(job.sums + kMoments * job.group[i], terms<weighted, per>(job, i));
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
