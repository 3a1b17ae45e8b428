// How a logit becomes its exponential, relative to the maximum of its row or part of a row.
#pragma once

#include "rows/job.hpp"
#include "vector/sums.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// Optional steps of a pass.  Each costs time, so each combination in use is compiled separately.
constexpr int kEntropy = 1, kScaled = 2, kDense = 4, kFar = 8;

// The smallest compiled combination that has what the job needs.  Kept and recomputed exponentials
// use the same one, because different formulas may round differently.
inline int mode_of(const Job& job) {
    const int asked = (job.entropy || job.entropy_coef ? kEntropy : 0) | (job.probs ? kDense : 0) |
                      (job.temperatures || job.temperature != 1 ? kScaled : 0);
    const bool single = (asked & (asked - 1)) == 0;
    return single ? asked : asked | kEntropy | kScaled;
}

// 1 / temperature = high + low: with `high` alone a gap of 30 costs 16 ulp of exp.
struct Inverse {
    double high, low;
};
inline Inverse inverse_of(double temperature) {
    const double high = 1 / temperature;
    return {high, __builtin_fma(-high, temperature, 1.0) * high};
}
inline Inverse inverse_of(const Job& job, int64_t row) {
    return inverse_of(job.temperatures ? job.temperatures[row] : job.temperature);
}
inline Inverse inverse_of(const TileState& r, int i) { return {r.inverse_t[i], r.inverse_low[i]}; }

// From a logit to its exponential, without z - max: the rounding error of that difference (for
// logits of 3e4 ten of the 24 bits of the exponential) would have to be carried along, at the cost
// of nine more operations.  exp(z) itself is 2^n e^r, and n is what is taken relative to the
// maximum, an exact subtraction of whole numbers.  Only where the maximum is so far from 0 that n
// ln2 is no longer exact are max and error subtracted first (kFar; the error is not 0 on a CPU
// without fused operations alone, where far begins at 200).
template <class C> struct Scale {
    Vec<C> max, floor, inverse_high, inverse_low;
    Vec<C> power;       // holds n of the maximum
    Bits<C> reference;  // the same, as exponent bits
};
template <int M, class C> NEGLOG_INLINE Scale<C> scale_to(Vec<C> max, Vec<C> floor,
                                                          Vec<C> inverse_high, Vec<C> inverse_low) {
    Vec<C> power = splat(ExpTable<C>::magic);
    if constexpr (!(M & kFar)) power = power_of<C>(M & kScaled ? max * inverse_high : max);
    return {max, floor, inverse_high, inverse_low, power, reference_bits<C>(power)};
}
// Below this an exponential is 0; never -inf, so that a logit of -inf always is.
template <class C> NEGLOG_INLINE Doubles floor_below(Doubles max, Doubles floor) {
    constexpr double lowest = sizeof(C) == 4 ? -0x1.fffffep+127 : -0x1.fffffffffffffp+1023;
    return larger(max + floor, splat(lowest));
}
// The scale of one row, or of one part of it.
template <int M, class C> inline Scale<C> scale_of(double max, Inverse it) {
    const C high = static_cast<C>(it.high);
    const C low = static_cast<C>((it.high - static_cast<double>(high)) + it.low);
    const double floor = floor_below<C>(splat(max), splat(ExpTable<C>::floor / it.high))[0];
    return scale_to<M, C>(splat(static_cast<C>(max)), splat(static_cast<C>(floor)), splat(high),
                          splat(low));
}
// n of the maximum, which exponentials are relative to.
template <class C> inline double reference_of(const Scale<C>& s) {
    return static_cast<double>(s.power[0]) - static_cast<double>(ExpTable<C>::magic);
}
template <int M, class C> NEGLOG_INLINE Vec<C> exponential(Vec<C> z, const Scale<C>& s) {
    Vec<C> e;
    if constexpr (M & (kScaled | kFar)) {
        Pair<C> d{z, Vec<C>{}};
        if constexpr (M & kFar) d = subtract<C>(z, s.max);
        const Vec<C> x = d.high * s.inverse_high;
        const Vec<C> low = product_error<C>(d.high, s.inverse_high, x) +
                           fused(d.high, s.inverse_low, d.low * s.inverse_high);
        e = exp_scaled<C>(x, low, s.reference);
    } else {
        e = exp_scaled<C>(z, s.reference);
    }
    return (z < s.floor) ? Vec<C>{} : e;  // also a logit of -inf; a nan stays
}

// What turns the above, less its 2^shift, into exp((z - max) / T): exp(n ln2 - max / T), n that of
// `power`.
template <int M, class C> NEGLOG_INLINE Vec<double> row_scale_of(Doubles max, Doubles inverse_t,
                                                                 Doubles inverse_low,
                                                                 Vec<double> n) {
    if constexpr (M & kFar) return splat(1.0);
    const Doubles x = max * inverse_t;
    const Doubles low = fused(max, inverse_low, product_error<double>(max, inverse_t, x));
    return exp_polynomial<double>(n * ExpTable<double>::ln2_lo - (less_ln2<double>(x, n) + low));
}
template <int M, class C> inline double row_scale_of(double max, Inverse it, double n) {
    return row_scale_of<M, C>(splat(max), splat(it.high), splat(it.low), splat(n))[0];
}

inline bool is_far(double max, double inverse_t, double near) {
    return !(__builtin_fabs(max * inverse_t) <= near);
}

// Where the exponential is 0 the exponent may be -inf; where the probability is 0, too.
template <class C> NEGLOG_INLINE Vec<C> times(Vec<C> weight, Vec<C> x) {
    return (weight == 0) ? Vec<C>{} : weight * x;
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
