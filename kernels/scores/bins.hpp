// Probabilities added to the sums of their classes, by bins or as a whole.
#pragma once

#include "scores/finish.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// The bin of a probability, times the bytes of one: four per octave of p from 2^-16 to 1/2, by the
// bits of float32, and the same mirrored by 1 - p.  A nan has one, too.
NEGLOG_INLINE Vec<int32_t> bin_of(Vec<float> p) {
    const Vec<float> q = 1 - p;
    Vec<float> m = (p < q) ? p : q;
    m = (m < 0.5f) ? m : splat(0.5f);
    Vec<int32_t> below = (bit_cast<Vec<int32_t>>(m) >> 21) - 443;
    below = (below > 0) ? below : Vec<int32_t>{};
    return ((p > 0.5f) ? kBins - 1 - below : below) << 4;
}

// Weights and weighted probabilities of W classes or rows, in pairs, as they are added to a bin.
// In each 16 bytes of a register even and odd lanes change places: no lane crosses a quarter.
typedef double Two __attribute__((vector_size(16), aligned(8), may_alias));
constexpr int evens(int i) { return i % 2 ? kLanes<double> + i - 1 : i; }
constexpr int odds(int i) { return evens(i) + 1; }
template <class C> struct Hits {
    static constexpr int W = kLanes<C>, L = kLanes<double>, steps = 16;
    static constexpr int place(int lane) {
        return lane / L * 2 * L + lane % 2 * L + lane % L / 2 * 2;
    }
    alignas(kVecBytes) double pairs[steps][2 * W];
    alignas(kVecBytes) int32_t at[steps][kLanes<float>];

    NEGLOG_INLINE void half(double* to, Vec<double> w, Vec<double> wp) {
        store(to, shuffle<double, evens>(w, wp));
        store(to + L, shuffle<double, odds>(w, wp));
    }
    // Lane i goes to the table of its class, which begins at offset[i].
    NEGLOG_INLINE void set(int step, Vec<C> p, Vec<double> w_low, Vec<double> w_high,
                           Vec<int32_t> offset) {
        if constexpr (sizeof(C) == 4) {
            const Wide wide = widen(p);
            half(pairs[step], w_low, w_low * wide.low);
            half(pairs[step] + 2 * L, w_high, w_high * wide.high);
            store(at[step], bin_of(p) + offset);
        } else {
            half(pairs[step], w_low, w_low * p);
            store(at[step], bin_of(narrow(p, Vec<double>{})) + offset);
        }
    }
    NEGLOG_INLINE void add(double* tables, int step, int lane) const {
        Two* to = reinterpret_cast<Two*>(reinterpret_cast<char*>(tables) + at[step][lane]);
        *to += *reinterpret_cast<const Two*>(pairs[step] + place(lane));
    }
};
constexpr int32_t kTableBytes = kBins * 2 * static_cast<int32_t>(sizeof(double));

// The weights of rows, by target and the bin of its probability.
template <class C>
inline void add_targets(const ScoresJob& job, const ScoredRows<C>& r, double* classes) {
    double* hits = classes + job.classes * 2 * kBins;
    const Vec<C> p = load(r.target_exp) * load(r.share);
    alignas(kVecBytes) int32_t at[kLanes<float>];
    if constexpr (sizeof(C) == 4)
        store(at, bin_of(p) >> 4);
    else
        store(at, bin_of(narrow(p, Vec<double>{})) >> 4);
    for (int i = 0; i < r.count; ++i)
        if (r.weight[i] != 0 && is_class(job, r.target[i]))
            hits[r.target[i] * kBins + at[i]] += r.weight[i];
}

// Exponentials [class][lane] of rows that stand side by side.  The classes of a row follow one
// another, because a sum that was changed just now is slow to read again.
template <class C>
inline void add_short(const ScoredRows<C>& r, int64_t V, const C* e, double* tables) {
    constexpr int W = kLanes<C>;
    Hits<C> hits;
    const Vec<C> share = load(r.share);
    const Vec<double> w_low = load(r.weight), w_high = load(r.weight + W - kLanes<double>);
    for (int64_t first = 0; first < V; first += Hits<C>::steps) {
        const int64_t left = V - first;
        const int n = static_cast<int>(left < Hits<C>::steps ? left : Hits<C>::steps);
        for (int s = 0; s < n; ++s) {
            const int32_t table = static_cast<int32_t>(first + s) * kTableBytes;
            hits.set(s, load(e + (first + s) * W) * share, w_low, w_high, Vec<int32_t>{} + table);
        }
        for (int i = 0; i < r.count; ++i)
            for (int s = 0; s < n; ++s) hits.add(tables, s, i);
    }
}

// Exponentials of rows one after another, `pitch` apart.
template <class C> struct LongRows {
    static constexpr int most = 32;
    const C* e;
    int64_t pitch;
    C share[most];
    double weight[most];
    int count = 0;
};
template <class C> inline void add_long(const LongRows<C>& r, int64_t V, double* tables) {
    constexpr int W = kLanes<C>;
    Hits<C> hits;
    Vec<int32_t> lanes;
    for (int i = 0; i < kLanes<float>; ++i) lanes[i] = i * kTableBytes;
    for (int64_t j = 0; j < V; j += W) {
        const Vec<int32_t> offset = lanes + static_cast<int32_t>(j) * kTableBytes;
        const int n = static_cast<int>(V - j < W ? V - j : W);
        for (int i = 0; i < r.count; ++i) {
            const Vec<double> w = splat(r.weight[i]);
            hits.set(0, load(r.e + i * r.pitch + j) * r.share[i], w, w, offset);
            if (n == W) {
#pragma GCC unroll 16
                for (int k = 0; k < W; ++k) hits.add(tables, 0, k);
            } else {
                for (int k = 0; k < n; ++k) hits.add(tables, 0, k);
            }
        }
    }
}

// The same without bins; sums[j] += w p.
template <class C> inline void add_unbinned(const LongRows<C>& r, int64_t V, double* sums) {
    constexpr int L = kLanes<double>;
    const auto add = [&](double* to, int64_t j) {
        Vec<double> sum = load(to);
        for (int i = 0; i < r.count; ++i) {
            const C* at = r.e + i * r.pitch + j;
            Vec<double> p;
            if constexpr (sizeof(C) == 8) {
                p = load(at) * r.share[i];
            } else {
                HalfVec half;
                __builtin_memcpy(&half, at, sizeof half);
                p = __builtin_convertvector(half * r.share[i], Vec<double>);
            }
            sum = fused(p, splat(r.weight[i]), sum);
        }
        store(to, sum);
    };
    int64_t j = 0;
    for (; j + L <= V; j += L) add(sums + j, j);
    if (j == V) return;
    Tail<double, L> last(sums + j, V - j, 0);
    add(last.at, j);
    __builtin_memcpy(sums + j, last.at, static_cast<size_t>(V - j) * sizeof(double));
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
