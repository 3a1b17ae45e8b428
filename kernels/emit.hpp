// The output as large as the logits: gradient, softmax or log_softmax, a part of a row at a time.
#pragma once

#include "finish.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// A kept exponential times c 2^-shift: in one factor, or in two (first = c) where c 2^-shift would
// leave the type's range.
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

// to[j] = f(j) for j < n, a vector at a time; f may compute past n, but nothing is written there.
template <class T, class F> inline void write(T* to, int64_t n, F f) {
    constexpr int W = kLanes<Compute<T>>;
    int64_t j = 0;
    for (; j + W <= n; j += W) store(to + j, f(j));
    if (j < n) {
        T last[W];
        store(last, f(j));
        __builtin_memcpy(static_cast<void*>(to + j), last, static_cast<size_t>(n - j) * sizeof(T));
    }
}

// The gradient at a target that is not the maximum, where p <= 1/2; `e` is its exponential.
inline double gradient_at_target(const Rows& r, int i, double e, double share, double q) {
    const double g = r.total[i] * share * e - r.nll_grad[i];
    return r.dense_grad[i] != 0 ? g - r.dense_grad[i] * q : g;
}

template <class T>
inline void emit_scaled(T* to, const Compute<T>* e, int64_t n, double factor) {
    using C = Compute<T>;
    const Factor<C> c(factor);
    const Vec<C> first = splat(c.first), second = splat(c.second);
    if (c.second == 1)
        write(to, n, [&](int64_t j) { return load(e + j) * first; });
    else
        write(to, n, [&](int64_t j) { return load(e + j) * first * second; });
}

template <class T>
inline void emit_gradient(T* to, const Compute<T>* e, int64_t begin, int64_t n, const Compute<T>* q,
                          const Rows& r, int i, double share) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const double total = r.total[i];
    if (q && r.dense_grad[i] != 0) {
        const Factor<C> c(total * share);
        const Vec<C> first = splat(c.first), second = splat(c.second),
                     b = splat(static_cast<C>(r.dense_grad[i]));
        const int64_t whole = n - n % W;
        const Tail<C, W> q_tail(q + whole, n - whole, C{0});
        write(to, whole, [&](int64_t j) { return load(e + j) * first * second - b * load(q + j); });
        write(to + whole, n - whole,
              [&](int64_t) { return load(e + whole) * first * second - b * load(q_tail.at); });
    } else {
        emit_scaled(to, e, n, total * share);
    }
    const int64_t y = r.target[i] - begin, arg = r.arg[i] - begin;
    if (0 <= y && y < n && y != arg)
        put(to + y,
            gradient_at_target(r, i, unscaled(e[y]), share, q ? static_cast<double>(q[y]) : 0));
    if (0 <= arg && arg < n) put(to + arg, r.at_max[i]);
}

// log p = (z - max) - log(sum), two numbers of one sign.
template <class T>
inline void emit_log_softmax(T* to, const T* z, int64_t begin, int64_t n, const Rows& r, int i) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const Vec<C> max = splat(static_cast<C>(r.max[i])),
                 log_sum = splat(static_cast<C>(r.log_sum[i]));
    const auto at = [&](const T* from) {
        const Pair<C> d = subtract<C>(load(from), max);
        return d.high + ((d.low == d.low ? d.low : Vec<C>{}) - log_sum);  // -inf leaves nan behind
    };
    const int64_t whole = n - n % W;
    const Tail<T, W> tail(z + whole, n - whole, T{});
    write(to, whole, [&](int64_t j) { return at(z + j); });
    write(to + whole, n - whole, [&](int64_t) { return at(tail.at); });
    const int64_t arg = r.arg[i] - begin;
    if (0 <= arg && arg < n) put(to + arg, -r.log_sum[i]);
}

// One part of one row, from its exponentials `e`; null means that they were not kept and are
// computed again, to the same bits, into `spare`.
template <class T>
inline void emit_part(const Job& job, int64_t row, int64_t begin, int64_t n, double part_max,
                      double unit, const Rows& r, int i, const Compute<T>* e, Compute<T>* spare,
                      T* to) {
    const T* z = logits_of<T>(job, row) + begin;
    if (r.skipped[i]) return write(to, n, [](int64_t) { return Vec<Compute<T>>{}; });
    if (job.emit == Emit::log_softmax) return emit_log_softmax<T>(to, z, begin, n, r, i);
    if (!e) {
        if (mode_of(job) & kScaled)
            reduce<kScaled, T>(z, n, nullptr, inverse_of(r, i), spare);
        else
            reduce<0, T>(z, n, nullptr, {1, 0}, spare);
        e = spare;
    }
    const double share =
        gap_between(r.max[i], part_max, inverse_of(r, i)).factor * r.inverse_sum[i] * unit;
    if (job.emit == Emit::gradient)
        return emit_gradient<T>(to, e, begin, n,
                                job.probs ? probs_of<T>(job, row) + begin : nullptr, r, i, share);
    emit_scaled(to, e, n, share);
    const int64_t arg = r.arg[i] - begin;
    if (0 <= arg && arg < n) put(to + arg, r.inverse_sum[i]);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
