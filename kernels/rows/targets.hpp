// Integer targets: the first that is not a class, and the number of ignored ones.
#pragma once

#include "rows/job.hpp"
#include "vector/math.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

template <class I> TargetScan scan_as(const I* y, int64_t n, int64_t classes,
                                      int64_t ignore_index) {
    typedef I V __attribute__((vector_size(kVecBytes)));
    constexpr int W = kVecBytes / static_cast<int>(sizeof(I));
    const auto ignored = [&](I v) { return static_cast<int64_t>(v) == ignore_index; };
    const auto bad = [&](I v) {
        return (v < 0 || static_cast<int64_t>(v) >= classes) && !ignored(v);
    };
    // Classes or an index beyond the range of the type: no target can equal them.
    const int64_t top = static_cast<int64_t>((~uint64_t{0} >> 1) >> (64 - 8 * sizeof(I)));
    const I limit = static_cast<I>(classes - 1 < top ? classes - 1 : top);
    const bool can_ignore = static_cast<int64_t>(static_cast<I>(ignore_index)) == ignore_index;
    const I skip = can_ignore ? static_cast<I>(ignore_index) : I{-1};
    int64_t i = 0, count = 0;
    constexpr int64_t block =
        8 * W;  // one test per block: folding a vector costs as much as four compares
    for (; i + block <= n; i += block) {
        V odd{};
        for (int k = 0; k < block; k += W) {
            V v;
            __builtin_memcpy(&v, y + i + k, sizeof v);
            odd |= (v < 0) | (v > limit) | (v == skip);
        }
        if (!any_lane(bit_cast<Indices>(odd))) [[likely]]
            continue;
        for (int64_t k = i; k < i + block; ++k) {
            if (bad(y[k])) return {k, count};
            count += ignored(y[k]);
        }
    }
    for (; i < n; ++i) {
        if (bad(y[i])) return {i, count};
        count += ignored(y[i]);
    }
    return {-1, count};
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
