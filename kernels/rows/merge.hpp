// The states of the parts of a row become the state of the row.
#pragma once

#include "rows/exponential.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// high - low and exp(-(high - low) / T), for the maxima of a row and of one of its parts.  The
// rounding errors of the subtraction and the product are put back: at a gap of 80 they are 60 ulp
// of exp.
struct Gap {
    double value, factor;
};
inline Gap gap_between(double high, double low, Inverse it) {
    if (high == low) return {0, 1};
    const double d = high - low, back = d + low;
    const double rest = (high - back) + ((back - d) - low);
    const double x = d * it.high;
    if (__builtin_isinf(d)) return {d, 0};
    const double lost = __builtin_fma(d, it.high, -x) + (rest * it.high + d * it.low);
    return {d, __builtin_exp(-x) * (1 - lost)};
}

// The states of the parts merged.  A part of nothing but -inf has others = -1, so it weighs 0.
inline RowState merge(const RowState* parts, int64_t count, Inverse it) {
    int64_t top = 0;
    for (int64_t p = 1; p < count; ++p) top = parts[p].max > parts[top].max ? p : top;
    RowState all = parts[top];
    CarefulSum others, gaps, cross, mass;
    others.add(all.others);
    for (int64_t p = 0; p < count; ++p) {
        if (p == top) continue;
        const RowState& low = parts[p];
        const Gap gap = gap_between(all.max, low.max, it);
        const double weight = low.others + 1, mass_here = low.mass + low.mass_arg;
        // A second +inf gives nan; so does a nan in any part, even one of weight 0.
        others.add(gap.value == 0 && all.max == kInfinity ? __builtin_nan("")
                                                          : weight * gap.factor);
        if (gap.factor > 0)
            gaps.add(gap.factor * (low.gaps + (gap.value != 0 ? weight * gap.value : 0)));
        cross.add(low.cross + (mass_here != 0 && gap.value != 0 ? mass_here * gap.value : 0));
        mass.add(mass_here);
    }
    all.others = others.total();
    all.gaps += gaps.total();
    all.cross += cross.total();
    all.mass += mass.total();
    return all;
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
