// The output of the size of the logits: gradient, softmax or log_softmax, one part of a row per
// call.
#pragma once

#include "rows/finish.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

template <class C> inline double unscaled(C e) {
    return static_cast<double>(e) * static_cast<double>(ExpTable<C>::down);
}

// What becomes of a kept exponential: c 2^-shift times it; but the maximum and its twins, those
// with the same exponential, get `value`, which is rounded once.
template <class C> struct Top {
    Vec<C> exponential, value;
};
template <class C> NEGLOG_INLINE Vec<C> unless_top(const Top<C>& top, Vec<C> e, Vec<C> result) {
    return (e == top.exponential) ? top.value : result;
}
// So that no smaller exponential gets more, the factor gives way by a number or two where the
// roundings of both ask for it.  (Clamping each result costs an operation, and a bias.)
template <class C> NEGLOG_INLINE Vec<C> kept_below(const Top<C>& top, Vec<C> first, Vec<C> second) {
    const auto size = [](Vec<C> x) { return (x < 0) ? -x : x; };
    const auto closer_to_0 = [](Vec<C> x) { return bit_cast<Vec<C>>(bit_cast<IVec<C>>(x) - 1); };
    const Vec<C> next = closer_to_0(top.exponential);
    for (int i = 0; i < 2; ++i)
        first = (size(next * first * second) > size(top.value)) ? closer_to_0(first) : first;
    return first;
}

// 2^n for whole n: 0 below the smallest normal number, inf above the largest.
inline double power_of_two(double n) {
    if (n < -1022) return 0;
    if (n > 1023) return kInfinity;
    return bit_cast<double>(static_cast<uint64_t>(static_cast<int64_t>(n) + 1023) << 52);
}

// c 2^-shift as one factor or, where that is outside the range of the type, as two.
template <class C> class Factor {
    static constexpr double up = static_cast<double>(ExpTable<C>::up);
    static constexpr double wide = sizeof(C) == 4 ? 0x1p+32 : 0x1p+256;
    static constexpr double smallest = sizeof(C) == 4 ? 0x1p-126 : 0x1p-1022;
    double wide_c() const {
        return second == 1 ? static_cast<double>(first) * up * wide : static_cast<double>(first);
    }
    struct Wide {
        double c;
    };
    explicit Factor(Wide x) {
        const bool fits = __builtin_fabs(x.c) >= smallest * up * wide || x.c == 0;
        first = static_cast<C>(fits ? x.c / (up * wide) : x.c);
        second = static_cast<C>(fits ? 1.0 : 1 / (up * wide));
    }

public:
    C first, second;
    explicit Factor(double c) : Factor(Wide{c * wide}) {}
    Factor below(const Top<C>& top) const {
        Factor less = *this;
        less.first = kept_below<C>(top, splat(first), splat(second))[0];
        return less;
    }
    // For exponentials relative to a power of two that is 2^n of the row's: nothing is rounded.
    Factor relative_to(double n) const {
        return n == 0 ? *this : Factor(Wide{wide_c() * power_of_two(n)});
    }
};

// The exponentials of a part of a row, relative to 2^power of what the row's are relative to.
template <class C> struct Exponentials {
    const C* at;
    double power, row_scale;
    C top;  // that of the row's maximum, as if it were among them
};
template <class C> inline Top<C> top_of(const Exponentials<C>& e, double value) {
    return {splat(static_cast<C>(static_cast<double>(e.top) * power_of_two(-e.power))),
            splat(static_cast<C>(value))};
}
// `value` is what it makes of the row's maximum.
template <class C> inline Factor<C> factor_of(double c, double value, const Exponentials<C>& e) {
    const Top<C> top{splat(e.top), splat(static_cast<C>(value))};
    return Factor<C>(c).below(top).relative_to(e.power);
}

template <class T> inline void put(T* to, double value) {
    T all[kLanes<Compute<T>>];
    store(all, splat(static_cast<Compute<T>>(value)));
    __builtin_memcpy(static_cast<void*>(to), all, sizeof(T));
}

// to[j] = f(j) for j < n, vector by vector.  f may compute past n; nothing is written there.
template <class T, class F> inline void fill(T* to, int64_t n, F f) {
    constexpr int W = kLanes<Compute<T>>;
    int64_t j = 0;
    for (; j + W <= n; j += W) store(to + j, f(j));
    if (j < n) {
        T last[W];
        store(last, f(j));
        __builtin_memcpy(static_cast<void*>(to + j), last, static_cast<size_t>(n - j) * sizeof(T));
    }
}

// The vector of n numbers that begins at the j-th; the last one is filled up.
template <class T> class Reader {
    static constexpr int W = kLanes<Compute<T>>;
    const T* from_;
    int64_t n_;
    Tail<T, W> tail_;

public:
    Reader(const T* from, int64_t n) : from_(from), n_(n), tail_(from + (n - n % W), n % W, T{}) {}
    Vec<Compute<T>> operator()(int64_t j) const { return load(j + W <= n_ ? from_ + j : tail_.at); }
};

// share (total + slope (max - z)) as factor (level + slope (max - z)): what is in brackets is never
// above 4 where an exponential is not 0, and so is too small for the type only where the product
// with the exponential is, too.  The factor is a power of two, with which nothing is rounded.
constexpr double farthest = 1100;  // at a larger (max - z) / T an exponential is 0
struct Line {
    Doubles factor, level, slope;
};
NEGLOG_INLINE Line line_of(Doubles total, Doubles slope, Doubles share, Doubles inverse_t) {
    const auto size = [](Doubles x) { return (x < 0) ? -x : x; };
    const Doubles most = farthest * size(slope) / inverse_t, here = size(total);
    const Doubles largest = share * ((here < most) ? most : here);
    const Doubles factor = bit_cast<Doubles>(bit_cast<Indices>(largest) & int64_t{0x7ff} << 52);
    const Indices flat = (slope == 0) | (factor == 0) | (total != total);
    return {flat ? total * share : factor, flat ? splat(1.0) : total * share / factor,
            flat ? Doubles{} : slope * share / factor};
}

// The gradient at a target that is not the maximum, where p <= 1/2; `e` is its exponential.
inline double gradient_at_target(const TileState& r, int i, double e, double share, double q) {
    double total = r.total[i];
    if (r.slope[i] != 0 && share * e != 0) total += r.slope[i] * (r.max[i] - r.target_logit[i]);
    const double g = total * share * e - r.nll_grad[i];
    return r.dense_grad[i] != 0 ? g - r.dense_grad[i] * q : g;
}

template <class T> inline void write_scaled(T* to, int64_t n, double c, double at_top,
                                            const Exponentials<Compute<T>>& e) {
    using C = Compute<T>;
    const Top<C> top = top_of(e, at_top);
    const Factor<C> f = factor_of(c, at_top, e);
    const Vec<C> first = splat(f.first), second = splat(f.second);
    const auto kept = [&](int64_t j) { return load(e.at + j); };
    // In most rows the product is the maximum's value as well, and nothing is to be chosen: rows of
    // 1000 classes take 5 % less time.
    const Vec<C> product = top.exponential * first;
    if (f.second == 1 && product[0] == top.value[0])
        fill(to, n, [&](int64_t j) { return kept(j) * first; });
    else if (f.second == 1)
        fill(to, n, [&](int64_t j) { return unless_top<C>(top, kept(j), kept(j) * first); });
    else
        fill(to, n,
             [&](int64_t j) { return unless_top<C>(top, kept(j), kept(j) * first * second); });
}

template <class T>
inline void write_gradient(T* to, const T* z, const Exponentials<Compute<T>>& e, int64_t begin,
                           int64_t n, const Compute<T>* q, const TileState& r, int i) {
    using C = Compute<T>;
    const double share = r.inverse_sum[i] * e.row_scale, at_top = r.total[i] * r.inverse_sum[i];
    const bool dense = q && r.dense_grad[i] != 0;
    Line line{splat(r.total[i] * share), {}, {}};
    if (r.slope[i] != 0)
        line = line_of(splat(r.total[i]), splat(r.slope[i]), splat(share), splat(r.inverse_t[i]));
    const bool flat = line.slope[0] == 0;
    if (flat && !dense) {
        write_scaled(to, n, line.factor[0], at_top, e);
    } else {
        const Top<C> top = top_of(e, at_top);
        const Factor<C> f = flat ? factor_of(line.factor[0], at_top, e)
                                 : Factor<C>(line.factor[0]).relative_to(e.power);
        const Vec<C> first = splat(f.first), second = splat(f.second),
                     max = splat(static_cast<C>(r.max[i])),
                     level = splat(static_cast<C>(line.level[0])),
                     slope = splat(static_cast<C>(line.slope[0])),
                     b = splat(static_cast<C>(r.dense_grad[i]));
        const Reader<C> probs(dense ? q : e.at, n);
        const auto less_probs = [&](int64_t j, Vec<C> g) { return dense ? g - b * probs(j) : g; };
        const auto scaled = [&](Vec<C> x) { return x * first * second; };
        if (flat) {
            fill(to, n, [&](int64_t j) {
                const Vec<C> x = load(e.at + j);
                return less_probs(j, unless_top<C>(top, x, scaled(x)));
            });
        } else {
            const Reader<T> logits(z, n);
            fill(to, n, [&](int64_t j) {
                const Vec<C> gap = max - logits(j), x = load(e.at + j);
                const Vec<C> g = scaled(times<C>(x, fused(slope, gap, level)));
                return less_probs(j, (gap == 0) ? top.value : g);
            });
        }
    }
    const int64_t y = r.target[i] - begin, arg = r.arg[i] - begin;
    if (0 <= y && y < n && y != arg)
        put(to + y, gradient_at_target(r, i, unscaled(e.at[y]), share * power_of_two(e.power),
                                       q ? static_cast<double>(q[y]) : 0));
    if (0 <= arg && arg < n && stands_alone(r, i)) put(to + arg, r.at_max[i]);
}

// log p = (z - max) - log(sum), two numbers of one sign.
template <class C> NEGLOG_INLINE Vec<C> log_softmax(Vec<C> z, Vec<C> max, Vec<C> log_sum) {
    const Pair<C> d = subtract<C>(z, max);
    return d.high + ((d.low == d.low ? d.low : Vec<C>{}) - log_sum);  // -inf leaves nan behind
}
template <class T>
inline void write_log_softmax(T* to, const T* z, int64_t begin, int64_t n, const TileState& r,
                              int i) {
    using C = Compute<T>;
    const Vec<C> max = splat(static_cast<C>(r.max[i])),
                 log_sum = splat(static_cast<C>(r.log_sum[i]));
    const Reader<T> logits(z, n);
    fill(to, n, [&](int64_t j) { return log_softmax<C>(logits(j), max, log_sum); });
    const int64_t arg = r.arg[i] - begin;
    if (0 <= arg && arg < n) put(to + arg, -r.log_sum[i]);
}

// The exponentials of a part of a row that were kept when it was summed; null if they were not.
template <class C> struct Kept {
    const C* at;
    double max, power;  // what they are relative to
};

// Whether they have the bits that they would have relative to the row's maximum, but for a power
// of two.  A large factor could lift some above 0 that are 0 relative to the row's maximum.
template <class C> inline bool fits_row(const Kept<C>& kept, const TileState& r, int i) {
    if (!kept.at || kept.max == r.max[i]) return kept.at;
    const auto far = [&](double max) { return is_far(max, r.inverse_t[i], ExpTable<C>::near); };
    const double most =
        __builtin_fabs(r.total[i]) + farthest * __builtin_fabs(r.slope[i]) / r.inverse_t[i];
    return !far(kept.max) && !far(r.max[i]) && most < static_cast<double>(ExpTable<C>::up) / 16;
}

template <int M, class T>
inline Exponentials<Compute<T>> exponentials_of(const T* z, int64_t n, double max, Inverse it,
                                                Compute<T>* to) {
    using C = Compute<T>;
    const Scale<C> scale = scale_of<M, C>(max, it);
    const Reader<T> logits(z, n);
    fill(to, n, [&](int64_t j) {
        fetch_ahead(z, j * static_cast<int64_t>(sizeof(T)) / 64, 1);
        return exponential<M, C>(logits(j), scale);
    });
    return {to, 0, row_scale_of<M, C>(max, it, reference_of<C>(scale)),
            exponential<M, C>(scale.max, scale)[0]};
}

// Computes exponentials that were not kept, with the same bits.
template <class T>
inline Exponentials<Compute<T>> exponentials_again(const Job& job, const T* z, int64_t n,
                                                   const TileState& r, int i, Compute<T>* spare) {
    const Inverse it = inverse_of(r, i);
    if (is_far(r.max[i], it.high, ExpTable<Compute<T>>::near))
        return exponentials_of<kFar, T>(z, n, r.max[i], it, spare);
    if (mode_of(job) & kScaled) return exponentials_of<kScaled, T>(z, n, r.max[i], it, spare);
    return exponentials_of<0, T>(z, n, r.max[i], it, spare);
}

// The output of one part of one row.
template <class T>
inline void write_part(const Job& job, int64_t row, int64_t begin, int64_t n, Kept<Compute<T>> kept,
                       const TileState& r, int i, Compute<T>* spare, T* to) {
    using C = Compute<T>;
    const T* z = logits_of<T>(job, row) + begin;
    if (r.skipped[i]) return fill(to, n, [](int64_t) { return Vec<C>{}; });
    if (job.output == Output::log_softmax) return write_log_softmax<T>(to, z, begin, n, r, i);
    const Exponentials<C> e = fits_row(kept, r, i)
                                  ? Exponentials<C>{kept.at, kept.power - r.power[i],
                                                    r.row_scale[i], static_cast<C>(r.top_exp[i])}
                                  : exponentials_again<T>(job, z, n, r, i, spare);
    if (job.output == Output::gradient)
        return write_gradient<T>(to, z, e, begin, n,
                                 job.probs ? probs_of<T>(job, row) + begin : nullptr, r, i);
    write_scaled(to, n, r.inverse_sum[i] * e.row_scale, r.inverse_sum[i], e);
    const int64_t arg = r.arg[i] - begin;
    if (0 <= arg && arg < n) put(to + arg, r.inverse_sum[i]);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
