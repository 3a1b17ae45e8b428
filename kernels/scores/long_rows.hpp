// Rows of more classes than fit side by side: one after another, their results a tile at a time.
#pragma once

#include "scores/short_rows.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

template <class C> inline int64_t padded_classes(int64_t V) {
    constexpr int64_t step = 4 * kLanes<C>;
    return pieces(V, step) * step;
}
// Rows whose exponentials are held until their classes are added up: those that stay in a cache.
template <class C> inline int rows_held(int64_t V) {
    constexpr int64_t bytes = int64_t{1} << 17;
    const int64_t fit = bytes / (padded_classes<C>(V) * static_cast<int64_t>(sizeof(C)));
    return static_cast<int>(fit < 1 ? 1 : fit < LongRows<C>::most ? fit : LongRows<C>::most);
}
template <class C> inline size_t scores_bytes(int64_t V) {
    if (V <= kFewClasses) return 0;
    return static_cast<size_t>(rows_held<C>(V) * padded_classes<C>(V)) * sizeof(C);
}

// How many of z[0 .. n] are larger than `own`, or as large if `ties` count.
template <class T> inline int64_t count_above(const T* z, int64_t n, Compute<T> own, bool ties) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    IVec<C> count{};
    const Vec<C> limit = splat(own);
    const int64_t whole = n - n % W;
    const Tail<T, W> tail(z + whole, n - whole, minus_infinity<T>());
    const auto all = [&](auto is_above) {
        for (int64_t j = 0; j < whole; j += W) count -= is_above(load(z + j));
        for (int i = 0; i < n - whole; ++i) count[i] -= is_above(load(tail.at))[i];
    };
    if (ties)
        all([&](Vec<C> v) { return v >= limit; });
    else
        all([&](Vec<C> v) { return v > limit; });
    int64_t total = 0;
    for (int i = 0; i < W; ++i) total += count[i];
    return total;
}

// The lanes of a curve added up, in float64: float32 sums stay short.
template <class C> struct CurveTotal {
    double others[kBetas] = {}, gaps[kBetas] = {}, more[kMorePowers] = {};
    static double total(Vec<C> v) {
        if constexpr (sizeof(C) == 4) {
            const Wide wide = widen(v);
            return fold<double>(wide.low + wide.high, [](auto a, auto b) { return a + b; });
        } else {
            return fold<double>(v, [](auto a, auto b) { return a + b; });
        }
    }
    template <bool products> void add(const Curve<C, products>& curve) {
        for (int k = 0; k < kBetas; ++k) {
            others[k] += total(curve.others[k]);
            gaps[k] += total(curve.gaps[k]);
        }
        for (int k = 0; k < kMorePowers; ++k) more[k] += total(curve.more[k]);
    }
    void store_to(CurveSums<C>& r, int i) const {
        for (int k = 0; k < kBetas; ++k) {
            r.others[k][i] = static_cast<C>(others[k]);
            r.gaps[k][i] = static_cast<C>(gaps[k]);
        }
        for (int k = 0; k < kMorePowers; ++k) r.more[k][i] = static_cast<C>(more[k]);
    }
};
constexpr int64_t kShortSum = 64;  // steps

// Puts -inf in the place of the first lane that holds the value, and returns that place.
template <class C> inline int remove_first(Vec<C> (&v)[4], C value) {
    constexpr int W = kLanes<C>;
    int first = 0;
    while (first < kStep<C> - 1 && v[first / W][first % W] != value) ++first;
    v[first / W][first % W] = minus_infinity<C>();
    return first;
}

// Adds up the curve of a row: `add(curve, at, step)` adds kStep logits.
template <bool products, class T, class Add>
inline void sum_steps(const T* z, int64_t V, const T* tail, CurveSums<Compute<T>>& to, int i,
                      Add add) {
    using C = Compute<T>;
    const int64_t steps = V / kStep<C>, whole = steps * kStep<C>;
    Curve<C, products> curve;
    CurveTotal<C> total;
    for (int64_t s = 0; s < steps; ++s) {
        add(curve, z + s * kStep<C>, s);
        if (s % kShortSum != kShortSum - 1) continue;
        total.add(curve);
        curve = {};
    }
    if (whole < V) add(curve, tail, steps);
    total.add(curve);
    total.store_to(to, i);
}
template <class T> using LongTail = Tail<T, kStep<Compute<T>>>;
template <class T> inline LongTail<T> tail_of(const T* z, int64_t V) {
    const int64_t left = V % kStep<Compute<T>>;
    return {z + V - left, left, minus_infinity<T>()};
}

// The sums of a row over its classes; leaves the exponentials and returns the first maximum, whose
// `step` is its class.
template <class T>
inline Maximum<Compute<T>> sum_long(const T* z, int64_t V, ScoredRows<Compute<T>>& r, int i,
                                    Compute<T>* to) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const LongTail<T> tail = tail_of(z, V);
    const Maximum<C> found = find_max<T>(z, V, tail.at);
    const Vec<C> max = splat(found.value);
    int64_t top = 0;
    const auto add = [&](Curve<C>& curve, const T* at, int64_t step)
                         __attribute__((always_inline)) {
                             Vec<C> v[4], e[4];
                             for (int k = 0; k < 4; ++k) v[k] = load(at + k * W);
                             if (step == found.step)
                                 top = step * kStep<C> + remove_first<C>(v, found.value);
                             curve.template add<4>(v, max, e);
                             for (int k = 0; k < 4; ++k) store(to + step * kStep<C> + k * W, e[k]);
                         };
    sum_steps<true>(z, V, tail.at, r, i, add);
    top = top < V ? top : 0;  // a nan hid the maximum
    to[top] = 1;
    return {found.value, top};
}

template <class T>
inline void reduce_long_scores(const ScoresJob& job, ScoredRows<Compute<T>>& r, int i,
                               Compute<T>* to) {
    using C = Compute<T>;
    const T* z = logits_of<T>(job, r.row[i]);
    const int64_t V = job.classes;
    const Maximum<C> found = sum_long<T>(z, V, r, i, to);
    const int64_t y = r.target[i];
    const bool known = is_class(job, y);
    const C own = static_cast<C>(known ? value_of(z + y) : __builtin_nan(""));
    set_row<C>(r, i, found.step, found.value, own);
    r.target_exp[i] = known ? to[y] : C{0};
    job.rank[r.row[i]] =
        known ? count_above<T>(z, y, own, true) + count_above<T>(z + y, V - y, own, false) : 0;
}

// The sums over the classes that are no likelier than the target.
template <class T>
inline void sum_tail(const T* z, int64_t V, int64_t target, CurveSums<Compute<T>>& to, int i) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const LongTail<T> tail = tail_of(z, V);
    const Vec<C> own = splat(static_cast<C>(value_of(z + target)));
    const int64_t held_by = target / kStep<C>;
    const auto add = [&](TailCurve<C>& curve, const T* at, int64_t step)
                         __attribute__((always_inline)) {
                             Vec<C> v[4], e[4];
                             for (int k = 0; k < 4; ++k) v[k] = not_above<C>(load(at + k * W), own);
                             if (step == held_by) {
                                 const int64_t place = target % kStep<C>;
                                 v[place / W][place % W] = minus_infinity<C>();
                             }
                             curve.template add<4>(v, own, e);
                         };
    sum_steps<false>(z, V, tail.at, to, i, add);
}

template <class T>
inline void tails_of_long(const ScoresJob& job, ScoredRows<Compute<T>>& r, UnlikelyRows* to) {
    using C = Compute<T>;
    if (!any_unlikely<C>(r)) return;
    CurveSums<C> tails;
    for (int i = 0; i < r.count; ++i)
        if (r.unlikely[i])
            sum_tail<T>(logits_of<T>(job, r.row[i]), job.classes, r.target[i], tails, i);
    add_unlikely<C>(r, tails, *to);
}

template <class T>
inline void finish_long(const ScoresJob& job, const Compute<T>* e, ScoredRows<Compute<T>>& r,
                        TemperedSums<Compute<T>>& tempered, LongRows<Compute<T>>& held,
                        const ScoreSums& sums) {
    using C = Compute<T>;
    finish_share(r);
    if constexpr (!Curve<C>::kPolynomial)
        for (int i = 0; i < r.count; ++i)
            r.rest[i] = complement_of(job, r, i, [&](int64_t j) { return e[i * held.pitch + j]; });
    finish_scores<C>(job, r, tempered,
                     [&](int i, int64_t j) { return value_of(logits_of<T>(job, r.row[i]) + j); });
    if (is_binned(job)) add_targets<C>(job, r, sums.classes);
    tails_of_long<T>(job, r, sums.unlikely);
    for (int i = 0; i < r.count; ++i) {
        held.share[held.count] = r.share[i];
        held.weight[held.count++] = r.weight[i];
    }
    r = {};
}

template <class T> void score_long_rows(const ScoresJob& job, int64_t begin, int64_t end,
                                        const ScoreSums& sums, char* memory) {
    using C = Compute<T>;
    const int64_t V = job.classes, pitch = padded_classes<C>(V);
    const int most = rows_held<C>(V);
    C* e = reinterpret_cast<C*>(memory);
    ScoredRows<C> r;
    TemperedSums<C> tempered;
    LongRows<C> held{e, pitch, {}, {}, 0};
    for (int64_t row = begin; row < end || r.count || held.count; ++row) {
        const double weight = row < end ? weight_of(job, row) : 0;
        if (row < end && weight == 0) {
            job.rank[row] = 0;
            job.one_vs_rest[row] = 0;
        }
        C* first = e + held.count * pitch;
        if (weight != 0) {
            const int i = r.count++;
            r.row[i] = row;
            r.weight[i] = weight;
            r.target[i] = target_of(job, row);
            reduce_long_scores<T>(job, r, i, first + i * pitch);
        }
        const bool full = held.count + r.count == most || row >= end;
        if (r.count == kLanes<C> || full) finish_long<T>(job, first, r, tempered, held, sums);
        if (!full) continue;
        is_binned(job) ? add_long<C>(held, V, sums.classes)
                       : add_unbinned<C>(held, V, sums.classes);
        held.count = 0;
    }
    tempered.total(sums.tempered);
}

template <class T> void score_rows(const ScoresJob& job, int64_t begin, int64_t end,
                                   const ScoreSums& sums, char* memory) {
    if (job.classes <= kFewClasses)
        score_short_rows<T>(job, begin, end, sums);
    else
        score_long_rows<T>(job, begin, end, sums, memory);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
