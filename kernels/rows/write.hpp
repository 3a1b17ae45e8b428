// The output of the size of the logits: gradient, softmax or log_softmax, one part of a row per
// call.
#pragma once

#include "rows/finish.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// A kept exponential times c 2^-shift: as one factor, or as two (first = c) if c 2^-shift is
// outside the range of the type.
template <class C> constexpr double kSmallest =
    (sizeof(C) == 4 ? 0x1p-126 : 0x1p-1022) * static_cast<double>(ExpTable<C>::up);
template <class C> struct Factor {
    C first, second;
    explicit Factor(double c) {
        const bool fits = __builtin_fabs(c) >= kSmallest<C> || c == 0;
        first = static_cast<C>(fits ? c * static_cast<double>(ExpTable<C>::down) : c);
        second = fits ? C{1} : ExpTable<C>::down;
    }
};
template <class C> inline double unscaled(C e) {
    return static_cast<double>(e) * static_cast<double>(ExpTable<C>::down);
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
struct Line {
    Doubles factor, level, slope;
};
NEGLOG_INLINE Line line_of(Doubles total, Doubles slope, Doubles share, Doubles inverse_t) {
    constexpr double farthest = 1100;  // at a larger (max - z) / T an exponential is 0
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

template <class T, class E> inline void write_scaled(T* to, int64_t n, double factor, E e) {
    using C = Compute<T>;
    const Factor<C> c(factor);
    const Vec<C> first = splat(c.first), second = splat(c.second);
    if (c.second == 1)
        fill(to, n, [&](int64_t j) { return e(j) * first; });
    else
        fill(to, n, [&](int64_t j) { return e(j) * first * second; });
}

template <class T>
inline void write_gradient(T* to, const T* z, const Compute<T>* e, int64_t begin, int64_t n,
                           const Compute<T>* q, const TileState& r, int i, double share) {
    using C = Compute<T>;
    const auto write = [&](double factor, auto exponential) {
        if (!q || r.dense_grad[i] == 0) return write_scaled(to, n, factor, exponential);
        const Factor<C> c(factor);
        const Vec<C> first = splat(c.first), second = splat(c.second),
                     b = splat(static_cast<C>(r.dense_grad[i]));
        const Reader<C> probs(q, n);
        fill(to, n, [&](int64_t j) { return exponential(j) * first * second - b * probs(j); });
    };
    const auto kept = [e](int64_t j) { return load(e + j); };
    Line line{splat(r.total[i] * share), {}, {}};
    if (r.slope[i] != 0)
        line = line_of(splat(r.total[i]), splat(r.slope[i]), splat(share), splat(r.inverse_t[i]));
    if (line.slope[0] == 0) {
        write(line.factor[0], kept);
    } else {
        const Vec<C> max = splat(static_cast<C>(r.max[i])),
                     level = splat(static_cast<C>(line.level[0])),
                     slope = splat(static_cast<C>(line.slope[0]));
        const Reader<T> logits(z, n);
        write(line.factor[0],
              [&](int64_t j) { return times<C>(kept(j), fused(slope, max - logits(j), level)); });
    }
    const int64_t y = r.target[i] - begin, arg = r.arg[i] - begin;
    if (0 <= y && y < n && y != arg)
        put(to + y,
            gradient_at_target(r, i, unscaled(e[y]), share, q ? static_cast<double>(q[y]) : 0));
    if (0 <= arg && arg < n) put(to + arg, r.at_max[i]);
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

// The exponentials of a part of a row; null if they were not kept.
template <class C> struct Exponentials {
    const C* at;
    double max, row_scale;  // what they are relative to
};

// Computes exponentials that were not kept, with the same bits.
template <class T>
inline Exponentials<Compute<T>> exponentials_again(const Job& job, const T* z, int64_t n,
                                                   Inverse it, Compute<T>* spare) {
    const RowState part = mode_of(job) & kScaled ? reduce<kScaled, T>(z, n, nullptr, it, spare)
                                                 : reduce<0, T>(z, n, nullptr, {1, 0}, spare);
    return {spare, part.max, part.row_scale};
}

// The output of one part of one row.
template <class T>
inline void write_part(const Job& job, int64_t row, int64_t begin, int64_t n,
                       Exponentials<Compute<T>> e, const TileState& r, int i, Compute<T>* spare,
                       T* to) {
    const T* z = logits_of<T>(job, row) + begin;
    if (r.skipped[i]) return fill(to, n, [](int64_t) { return Vec<Compute<T>>{}; });
    if (job.output == Output::log_softmax) return write_log_softmax<T>(to, z, begin, n, r, i);
    if (!e.at) e = exponentials_again<T>(job, z, n, inverse_of(r, i), spare);
    const double share =
        gap_between(r.max[i], e.max, inverse_of(r, i)).factor * r.inverse_sum[i] * e.row_scale;
    if (job.output == Output::gradient)
        return write_gradient<T>(to, z, e.at, begin, n,
                                 job.probs ? probs_of<T>(job, row) + begin : nullptr, r, i, share);
    write_scaled(to, n, share, [e](int64_t j) { return load(e.at + j); });
    const int64_t arg = r.arg[i] - begin;
    if (0 <= arg && arg < n) put(to + arg, r.inverse_sum[i]);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
