// The curvature of a row's loss times a vector of logits, in place.
#pragma once

#include "vector/sums.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// p.u: short sums in lanes of the type, which are added up in wider numbers.
template <class C> inline double dot(const C* p, const C* u, int64_t n) {
    constexpr int W = kLanes<C>, kStreams = 4;
    constexpr int64_t step = W * kStreams, block = 64 * step;
    Sum<C> total;
    int64_t j = 0;
    while (j + step <= n) {
        Vec<C> sums[kStreams] = {};
        const int64_t end = j + block < n ? j + block : n;
        for (; j + step <= end; j += step)
            for (int k = 0; k < kStreams; ++k)
                sums[k] = fused(load(p + j + k * W), load(u + j + k * W), sums[k]);
        total.add((sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
    for (; j + W <= n; j += W) total.add(load(p + j) * load(u + j));
    if (j < n)
        total.add(load(Tail<C, W>(p + j, n - j, 0).at) * load(Tail<C, W>(u + j, n - j, 0).at));
    return total.total();
}

template <class C> void run_curvature(const CurvatureJob& job, int64_t begin, int64_t end) {
    constexpr int W = kLanes<C>;
    const int64_t n = job.classes;
    for (int64_t row = begin; row < end; ++row) {
        const C* p = static_cast<const C*>(job.p) + row * job.p_step;
        C* u = static_cast<C*>(job.u) + row * job.u_step;
        const C mean = static_cast<C>(dot(p, u, n)), share = static_cast<C>(job.share[row]);
        const Vec<C> means = splat(mean), shares = splat(share);
        int64_t j = 0;
        for (; j + W <= n; j += W) store(u + j, (load(p + j) * shares) * (load(u + j) - means));
        for (; j < n; ++j) u[j] = (p[j] * share) * (u[j] - mean);
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
