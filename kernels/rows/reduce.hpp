// The sums over a row or over a part of a long row, in two passes; the second reads from the cache.
#pragma once

#include "rows/merge.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// A row is cut into parts of 32 KiB of the compute type: the pass that finds the maximum of a part
// leaves it in the L1 cache for the pass that sums.  The cut depends on V alone, so results do not
// depend on the assignment of parts to threads.
template <class C> constexpr int64_t kPart = 32768 / static_cast<int64_t>(sizeof(C));
template <class C> constexpr int kStep = 4 * kLanes<C>;  // elements per iteration

// What is read after this part comes into the second cache while this part is worked on: on its own
// the first reading of a part waits for memory half of its time.  Each step asks for as many lines
// as it reads, a quarter of them in the first reading, which has less to do: (1024, 131072) took
// 0.40 ns an element with all of them in the second, 0.37 with half, and takes 0.33. (Searching the
// next part inside the loop that sums this one: 0.47.)
template <class T>
constexpr int64_t kLines = kStep<Compute<T>> * static_cast<int64_t>(sizeof(T)) / 64;
template <class T> constexpr int64_t kFirst = (kLines<T> + 2) / 4;
template <class T> constexpr int64_t kSecond = kLines<T> - kFirst<T>;
template <class T> NEGLOG_INLINE void fetch_ahead(const T* part, int64_t line, int64_t lines) {
    const char* ahead = reinterpret_cast<const char*>(part + kPart<Compute<T>>) + 64 * line;
    for (int64_t i = 0; i < lines; ++i) __builtin_prefetch(ahead + 64 * i, 0, 2);
}

template <class C> struct Maximum {
    C value;
    int64_t step;
};

// The maximum and the step in which it is first met.
template <class T> inline Maximum<Compute<T>> find_max(const T* z, int64_t n, const T* tail) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    Vec<C> max = splat(minus_infinity<C>());
    IVec<C> where{};
    const auto look = [&](const T* at, Int<C> step) __attribute__((always_inline)) {
        fetch_ahead(z, step * kFirst<T>, kFirst<T>);
        const Vec<C> here =
            larger(larger(load(at), load(at + W)), larger(load(at + 2 * W), load(at + 3 * W)));
        where = (here > max) ? splat_int<C>(step) : where;
        max = larger(here, max);
    };
    const Int<C> steps = static_cast<Int<C>>(n / kStep<C>);
    for (Int<C> s = 0; s < steps; ++s) look(z + s * kStep<C>, s);
    if (n % kStep<C>) look(tail, steps);
    const C value = largest<C>(max);
    Int<C> first = steps;
    for (int i = 0; i < W; ++i) first = (max[i] == value && where[i] < first) ? where[i] : first;
    return {value, first};
}

// `exponentials`, if any, receives what `row_scale` turns into exp((z - max) / T), in whole steps.
template <int M, class T>
inline RowState sum_part(const T* z, int64_t n, const Compute<T>* q, Inverse it,
                         Maximum<Compute<T>> found, const T* tail, Compute<T>* exponentials) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const int64_t steps = n / kStep<C>, rest = n % kStep<C>;
    const double top = static_cast<double>(found.value);
    const Vec<C> max = splat(found.value);
    const Scale<C> scale = scale_of<M, C>(top, it);
    IVec<C> lane;
    for (int i = 0; i < W; ++i) lane[i] = i;

    Sum<C> others, gaps, cross, mass;
    int arg = 0;
    const auto add = [&](const T* at, const C* q_at, int64_t step) __attribute__((always_inline)) {
        fetch_ahead(z, steps * kFirst<T> + step * kSecond<T>, kSecond<T>);
        Vec<C> v[4], e[4], w[4], x[4];
        for (int k = 0; k < 4; ++k) {
            v[k] = load(at + k * W);
            e[k] = exponential<M, C>(v[k], scale);
            if (exponentials) store(exponentials + step * kStep<C> + k * W, e[k]);
            if constexpr (M & kDense) w[k] = load(q_at + k * W);
            if constexpr (M & (kEntropy | kDense)) x[k] = max - v[k];
        }
        if constexpr (M & kEntropy)
            gaps.add((times<C>(e[0], x[0]) + times<C>(e[1], x[1])) +
                     (times<C>(e[2], x[2]) + times<C>(e[3], x[3])));
        if constexpr (M & kDense)
            cross.add((times<C>(w[0], x[0]) + times<C>(w[1], x[1])) +
                      (times<C>(w[2], x[2]) + times<C>(w[3], x[3])));
        if (step == found.step) {  // the maximum itself is left out of the other sums
            IVec<C> first = splat_int<C>(kStep<C>);
            for (int k = 3; k >= 0; --k) first = (v[k] == max) ? lane + k * W : first;
            arg = kStep<C>;
            for (int i = 0; i < W; ++i) arg = first[i] < arg ? static_cast<int>(first[i]) : arg;
            for (int k = 0; k < 4; ++k) {
                const auto is_arg = lane + k * W == splat_int<C>(static_cast<Int<C>>(arg));
                e[k] = is_arg ? Vec<C>{} : e[k];
                if constexpr (M & kDense) w[k] = is_arg ? Vec<C>{} : w[k];
            }
        }
        others.add((e[0] + e[1]) + (e[2] + e[3]));
        if constexpr (M & kDense) mass.add((w[0] + w[1]) + (w[2] + w[3]));
    };
    for (int64_t s = 0; s < steps; ++s) add(z + s * kStep<C>, q + s * kStep<C>, s);
    if (rest) {
        if constexpr (M & kDense)
            add(tail, Tail<C, kStep<C>>(q + steps * kStep<C>, rest, C{0}).at, steps);
        else
            add(tail, nullptr, steps);
    }
    int64_t at = found.step * kStep<C> + arg;
    at = at < n ? at : 0;  // there is none where a nan hid the maximum
    const double power = reference_of<C>(scale), row_scale = row_scale_of<M, C>(top, it, power);
    const double down = static_cast<double>(ExpTable<C>::down);
    return {top,
            others.total() * down * row_scale,
            gaps.total() * down * row_scale,
            cross.total(),
            mass.total(),
            M & kDense ? static_cast<double>(q[at]) : 0.0,
            row_scale,
            power,
            at};
}

// A part whose maximum is infinite.  +inf, once: the probability is 1 there.  All -inf: the part
// weighs nothing.  Otherwise (a nan, two of +inf) nan.
template <int M, class T> inline RowState reduce_special(const T* z, int64_t n, const Compute<T>* q,
                                                         int64_t step, RowState found) {
    int64_t infinite = 0, nans = 0, arg = 0;
    CarefulSum mass;
    for (int64_t j = 0; j < n; ++j) {
        const double v = value_of(z + j * step);
        nans += v != v;
        if (v == kInfinity && infinite++ == 0) arg = j;
        if constexpr (M & kDense) mass.add(static_cast<double>(q[j * step]));
    }
    found.arg = arg;
    if constexpr (M & kDense) {
        found.mass_arg = static_cast<double>(q[arg * step]);
        mass.add(-found.mass_arg);
        found.mass = mass.total();
    }
    found.gaps = 0;
    found.cross = found.mass != 0 && found.max > 0 ? kInfinity : 0;
    found.others = nans > 0 || infinite > 1 ? __builtin_nan("") : found.max < 0 ? -1 : 0;
    return found;
}

template <int M, class T>
inline RowState reduce(const T* z, int64_t n, const Compute<T>* q, Inverse it,
                       Compute<T>* exponentials) {
    using C = Compute<T>;
    const int64_t whole = n - n % kStep<C>;
    const Tail<T, kStep<C>> tail(z + whole, n - whole, minus_infinity<T>());
    const Maximum<C> found = find_max<T>(z, n, tail.at);
    if (is_far(static_cast<double>(found.value), it.high, ExpTable<C>::near)) [[unlikely]] {
        const RowState p =
            sum_part<(M & kDense) | kEntropy | kFar, T>(z, n, q, it, found, tail.at, exponentials);
        return __builtin_isinf(p.max) ? reduce_special<M, T>(z, n, q, 1, p) : p;
    }
    return sum_part<M, T>(z, n, q, it, found, tail.at, exponentials);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
