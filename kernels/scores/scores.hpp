// Rows to scores: short rows side by side, long ones one after another, in tiles of as many rows as
// a vector has lanes.
#pragma once

#include "rows/short_reduce.hpp"
#include "scores/bins.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

inline double weight_of(const ScoresJob& job, int64_t row) {
    return job.weight ? job.weight[row] : 1;
}
inline int64_t target_of(const ScoresJob& job, int64_t row) {
    return job.target_is_64 ? static_cast<const int64_t*>(job.target)[row]
                            : static_cast<const int32_t*>(job.target)[row];
}
inline bool is_class(const ScoresJob& job, int64_t y) { return 0 <= y && y < job.classes; }

template <class T> inline const T* logits_of(const ScoresJob& job, int64_t row) {
    return static_cast<const T*>(job.logits) + row * job.step;
}

// What the i-th row needs once its maximum is known; `own` is its logit at the target, nan where
// the target is no class.
template <class C> inline void set_row(ScoredRows<C>& r, int i, int64_t top, C max, C own) {
    r.top[i] = top;
    r.is_top[i] = r.target[i] == top;
    r.gap[i] = own == max ? C{0} : max - own;
}

// ---- short rows

template <class C> struct ScoresTile {
    static constexpr int size = (kFewClasses + 2) * kLanes<C>;
    alignas(kVecBytes) C z[size], e[size], flat[size];
};

template <class C> inline void read_short(const ScoresJob& job, ScoredRows<C>& r,
                                          ScoresTile<C>& tile) {
    constexpr int W = kLanes<C>;
    const int64_t V = job.classes;
    IVec<C> unused;
    bool any = false;
    for (int i = 0; i < W; ++i) {
        r.weight[i] = i < r.count ? weight_of(job, r.row[i]) : 0;
        unused[i] = r.weight[i] == 0 ? -1 : 0;
        r.target[i] = r.weight[i] != 0 ? target_of(job, r.row[i]) : 0;
        any |= r.weight[i] == 0;
    }
    if (any)
        for (int64_t j = 0; j < V; ++j)
            store(tile.z + j * W, unused ? Vec<C>{} : load(tile.z + j * W));
}

template <class C> inline void reduce_short_scores(const ScoresJob& job, ScoredRows<C>& r,
                                                   ScoresTile<C>& tile) {
    constexpr int W = kLanes<C>;
    const int64_t V = job.classes;
    Vec<C> max = splat(minus_infinity<C>()), own;
    IVec<C> top{}, rank{}, target;
    for (int64_t j = 0; j < V; ++j) {
        const Vec<C> z = load(tile.z + j * W);
        top = (z > max) ? splat_int<C>(static_cast<Int<C>>(j)) : top;
        max = (z > max) ? z : max;
    }
    for (int i = 0; i < W; ++i) {
        const int64_t y = r.target[i];
        own[i] = is_class(job, y) ? tile.z[y * W + i] : static_cast<C>(__builtin_nan(""));
        target[i] = static_cast<Int<C>>(y);
    }
    for (int64_t j = 0; j < V; ++j) {
        const Vec<C> z = load(tile.z + j * W);
        const IVec<C> before = splat_int<C>(static_cast<Int<C>>(j)) < target;
        rank -= (z > own) | ((z == own) & before);
    }
    for (int i = 0; i < W; ++i) {
        tile.z[top[i] * W + i] = minus_infinity<C>();
        set_row<C>(r, i, top[i], max[i], own[i]);
        if (i < r.count) job.rank[r.row[i]] = rank[i];
    }
    store(tile.z + V * W, splat(minus_infinity<C>()));
    Curve<C> curve;
    for (int64_t j = 0; j < V; j += 2) {
        const Vec<C> z[2] = {load(tile.z + j * W), load(tile.z + (j + 1) * W)};
        Vec<C> e[2];
        curve.template add<2>(z, max, e);
        store(tile.e + j * W, e[0]);
        store(tile.e + (j + 1) * W, e[1]);
    }
    for (int i = 0; i < W; ++i) {
        tile.z[top[i] * W + i] = max[i];
        tile.e[top[i] * W + i] = 1;
        r.target_exp[i] = is_class(job, r.target[i]) ? tile.e[r.target[i] * W + i] : C{0};
    }
    for (int k = 0; k < kBetas; ++k) {
        store(r.others[k], curve.others[k]);
        store(r.gaps[k], curve.gaps[k]);
    }
    for (int k = 0; k < kMorePowers; ++k) store(r.more[k], curve.more[k]);
}

// -log(1 - p) of each probability, for float64; the first maximum and the target are left out.
template <class C, class E> inline C complement_of(const ScoresJob& job, const ScoredRows<C>& r,
                                                   int i, E e) {
    constexpr int W = kLanes<double>;
    Sum<double> sum;
    for (int64_t j = 0; j < job.classes; j += W) {
        Vec<double> p{};
        for (int k = 0; k < W && j + k < job.classes; ++k)
            if (j + k != r.top[i] && j + k != r.target[i])
                p[k] = static_cast<double>(e(j + k)) * static_cast<double>(r.share[i]);
        sum.add(log1p(p / (1 - p), 1 - p));
    }
    return static_cast<C>(sum.total());
}

template <class T> void score_short_rows(const ScoresJob& job, int64_t begin, int64_t end,
                                         const ScoreSums& sums) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    ScoresTile<C> tile;
    ScoredRows<C> r;
    TemperedSums<C> tempered;
    for (int64_t row = begin; row < end; row += W) {
        r.count = static_cast<int>(end - row < W ? end - row : W);
        for (int i = 0; i < W; ++i) r.row[i] = row + i;
        gather<T>(logits_of<T>(job, row), job.step, r.count, job.classes, tile.flat, tile.z);
        read_short<C>(job, r, tile);
        reduce_short_scores<C>(job, r, tile);
        finish_share(r);
        if constexpr (!Curve<C>::kPolynomial)
            for (int i = 0; i < W; ++i)
                r.rest[i] = complement_of(job, r, i, [&](int64_t j) { return tile.e[j * W + i]; });
        finish_scores<C>(job, r, tempered,
                         [&](int i, int64_t j) { return static_cast<double>(tile.z[j * W + i]); });
        add_short<C>(r, job.classes, tile.e, sums.classes);
    }
    tempered.total(sums.tempered);
}

// ---- long rows

template <class C> inline int64_t padded_classes(int64_t V) {
    constexpr int64_t step = 4 * kLanes<C>;
    return pieces(V, step) * step;
}
// As many rows as a vector has lanes, unless their exponentials would not stay in a cache.
template <class C> inline int rows_at_once(int64_t V) {
    const int64_t fit =
        (int64_t{1} << 19) / (padded_classes<C>(V) * static_cast<int64_t>(sizeof(C)));
    return static_cast<int>(fit < 1 ? 1 : fit < kLanes<C> ? fit : kLanes<C>);
}
template <class C> inline size_t scores_bytes(int64_t V) {
    if (V <= kFewClasses) return 0;
    return static_cast<size_t>(rows_at_once<C>(V) * padded_classes<C>(V)) * sizeof(C);
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
    void add(const Curve<C>& curve) {
        for (int k = 0; k < kBetas; ++k) {
            others[k] += total(curve.others[k]);
            gaps[k] += total(curve.gaps[k]);
        }
        for (int k = 0; k < kMorePowers; ++k) more[k] += total(curve.more[k]);
    }
    void store_to(ScoredRows<C>& r, int i) const {
        for (int k = 0; k < kBetas; ++k) {
            r.others[k][i] = static_cast<C>(others[k]);
            r.gaps[k][i] = static_cast<C>(gaps[k]);
        }
        for (int k = 0; k < kMorePowers; ++k) r.more[k][i] = static_cast<C>(more[k]);
    }
};
constexpr int64_t kShortSum = 64;  // steps

template <class T>
inline void reduce_long_scores(const ScoresJob& job, ScoredRows<Compute<T>>& r, int i,
                               Compute<T>* to) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const T* z = logits_of<T>(job, r.row[i]);
    const int64_t V = job.classes, steps = V / kStep<C>, whole = steps * kStep<C>;
    const Tail<T, kStep<C>> tail(z + whole, V - whole, minus_infinity<T>());
    const Maximum<C> found = find_max<T>(z, V, tail.at);
    const Vec<C> max = splat(found.value);
    int64_t top = 0;
    Curve<C> curve;
    CurveTotal<C> total;
    const auto add = [&](const T* at, int64_t step) __attribute__((always_inline)) {
        Vec<C> v[4], e[4];
        for (int k = 0; k < 4; ++k) v[k] = load(at + k * W);
        if (step == found.step) {
            int first = 0;
            while (first < kStep<C> - 1 && v[first / W][first % W] != found.value) ++first;
            v[first / W][first % W] = minus_infinity<C>();
            top = step * kStep<C> + first;
        }
        curve.template add<4>(v, max, e);
        for (int k = 0; k < 4; ++k) store(to + step * kStep<C> + k * W, e[k]);
    };
    for (int64_t s = 0; s < steps; ++s) {
        add(z + s * kStep<C>, s);
        if (s % kShortSum != kShortSum - 1) continue;
        total.add(curve);
        curve = {};
    }
    if (whole < V) add(tail.at, steps);
    total.add(curve);
    total.store_to(r, i);
    top = top < V ? top : 0;  // a nan hid the maximum
    to[top] = 1;
    const int64_t y = r.target[i];
    const bool known = is_class(job, y);
    const C own = static_cast<C>(known ? value_of(z + y) : __builtin_nan(""));
    set_row<C>(r, i, top, found.value, own);
    r.target_exp[i] = known ? to[y] : C{0};
    job.rank[r.row[i]] =
        known ? count_above<T>(z, y, own, true) + count_above<T>(z + y, V - y, own, false) : 0;
}

template <class T> void score_long_rows(const ScoresJob& job, int64_t begin, int64_t end,
                                        const ScoreSums& sums, char* memory) {
    using C = Compute<T>;
    const int64_t V = job.classes, pitch = padded_classes<C>(V);
    C* e = reinterpret_cast<C*>(memory);
    ScoredRows<C> r;
    TemperedSums<C> tempered;
    const auto finish = [&] {
        finish_share(r);
        if constexpr (!Curve<C>::kPolynomial)
            for (int i = 0; i < r.count; ++i)
                r.rest[i] = complement_of(job, r, i, [&](int64_t j) { return e[i * pitch + j]; });
        finish_scores<C>(job, r, tempered, [&](int i, int64_t j) {
            return value_of(logits_of<T>(job, r.row[i]) + j);
        });
        if (is_binned(job))
            add_long<C>(r, V, e, pitch, sums.classes);
        else
            add_unbinned<C>(r, V, e, pitch, sums.classes);
        r = {};
    };
    for (int64_t row = begin; row < end; ++row) {
        const double weight = weight_of(job, row);
        if (weight == 0) {
            job.rank[row] = 0;
            job.one_vs_rest[row] = 0;
            continue;
        }
        const int i = r.count++;
        r.row[i] = row;
        r.weight[i] = weight;
        r.target[i] = target_of(job, row);
        reduce_long_scores<T>(job, r, i, e + i * pitch);
        if (r.count == rows_at_once<C>(V)) finish();
    }
    if (r.count) finish();
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
