// Short rows stand side by side, one per lane, and the classes follow one another.
#pragma once

#include "rows/short_reduce.hpp"
#include "scores/bins.hpp"
#include "scores/tails.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

inline double weight_of(const ScoresJob& job, int64_t row) {
    return job.weight ? job.weight[row] : 1;
}
inline int64_t target_of(const ScoresJob& job, int64_t row) {
    return job.target_is_64 ? static_cast<const int64_t*>(job.target)[row]
                            : static_cast<const int32_t*>(job.target)[row];
}

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

template <class C> struct ScoresTile {
    static constexpr int size = (kFewClasses + 2) * kLanes<C>;
    alignas(kVecBytes) C z[size], e[size], flat[size];
};

// Weights and targets; a row that is not to be read becomes a row of zeros.
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
            store(tile.z + j * W, (unused != 0) ? Vec<C>{} : load(tile.z + j * W));
}

// Maxima, ranks and the logits at the targets.  Leaves -inf at the first maximum of each row, which
// is returned.
template <class C> inline Vec<C> rank_short(const ScoresJob& job, ScoredRows<C>& r,
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
    return max;
}

template <class C> inline void reduce_short_scores(const ScoresJob& job, ScoredRows<C>& r,
                                                   ScoresTile<C>& tile) {
    constexpr int W = kLanes<C>;
    const int64_t V = job.classes;
    const Vec<C> max = rank_short<C>(job, r, tile);
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
        tile.z[r.top[i] * W + i] = max[i];
        tile.e[r.top[i] * W + i] = 1;
        r.target_exp[i] = is_class(job, r.target[i]) ? tile.e[r.target[i] * W + i] : C{0};
    }
    for (int k = 0; k < kBetas; ++k) {
        store(r.others[k], curve.others[k]);
        store(r.gaps[k], curve.gaps[k]);
    }
    for (int k = 0; k < kMorePowers; ++k) store(r.more[k], curve.more[k]);
}

// The sums over the classes that are no likelier than the target.
template <class C>
inline void tails_of_short(const ScoresJob& job, ScoredRows<C>& r, ScoresTile<C>& tile,
                           UnlikelyRows* to) {
    constexpr int W = kLanes<C>;
    if (!any_unlikely<C>(r)) return;
    Vec<C> own{};
    for (int i = 0; i < W; ++i)
        if (r.unlikely[i]) {
            own[i] = tile.z[r.target[i] * W + i];
            tile.z[r.target[i] * W + i] = minus_infinity<C>();
        }
    TailCurve<C> curve;
    for (int64_t j = 0; j < job.classes; j += 2) {
        const Vec<C> z[2] = {not_above<C>(load(tile.z + j * W), own),
                             not_above<C>(load(tile.z + (j + 1) * W), own)};
        Vec<C> e[2];
        curve.template add<2>(z, own, e);
    }
    CurveSums<C> tails;
    for (int k = 0; k < kBetas; ++k) {
        store(tails.others[k], curve.others[k]);
        store(tails.gaps[k], curve.gaps[k]);
    }
    add_unlikely<C>(r, tails, *to);
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
        add_targets<C>(job, r, sums.classes);
        tails_of_short<C>(job, r, tile, sums.unlikely);
    }
    tempered.total(sums.tempered);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
