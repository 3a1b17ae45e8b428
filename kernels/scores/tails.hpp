// Rows whose target is unlikely: the sums over the classes that are no likelier, at all
// temperatures, beside the sums over all classes.
#pragma once

#include "scores/finish.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

template <class C> using TailCurve = Curve<C, false>;

// Logits above the target's own count as -inf.  The own place, which a curve leaves out, is the
// caller's to mark.
template <class C> NEGLOG_INLINE Vec<C> not_above(Vec<C> z, Vec<C> own) {
    return (z > own) ? splat(minus_infinity<C>()) : z;
}

template <class C> inline bool any_unlikely(const ScoredRows<C>& r) {
    bool any = false;
    for (bool one : r.unlikely) any |= one;
    return any;
}

// log of a curve's sums, the one left out included, and its slope in log beta.
template <class C> struct LogSum {
    Vec<C> value, slope;
    LogSum(const CurveSums<C>& sums, int k) {
        const Vec<C> others = load(sums.others[k]), inverse = 1 / (1 + others);
        value = log1p_of<C>(others, inverse);
        slope = load(sums.gaps[k]) * inverse * static_cast<C>(-beta_of(k));
    }
};

// Appends the marked rows with A - B, its slope, B and its slope at all temperatures, where B is
// the log of the sum over all classes, relative to the maximum, and A that of the tail, relative to
// the target.
template <class C>
inline void add_unlikely(const ScoredRows<C>& r, const CurveSums<C>& tail, UnlikelyRows& to) {
    constexpr int W = kLanes<C>;
    float* place[W];
    for (int i = 0; i < r.count; ++i) {
        place[i] = to.curves + to.count * 4 * kBetas;
        if (r.unlikely[i]) to.row[to.count++] = r.row[i];
    }
    for (int k = 0; k < kBetas; ++k) {
        const LogSum<C> a(tail, k), b(r, k);
        alignas(kVecBytes) C all[4][W];
        store(all[0], a.value - b.value);
        store(all[1], a.slope - b.slope);
        store(all[2], b.value);
        store(all[3], b.slope);
        for (int i = 0; i < r.count; ++i)
            for (int m = 0; r.unlikely[i] && m < 4; ++m)
                place[i][m * kBetas + k] = static_cast<float>(all[m][i]);
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
