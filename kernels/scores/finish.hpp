// From the sums of a tile of rows to their results and to the sums over rows.
#pragma once

#include "scores/curve.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

inline bool is_class(const ScoresJob& job, int64_t y) { return 0 <= y && y < job.classes; }

// The curves of rows side by side, one row per lane.
template <class C> struct CurveSums {
    static constexpr int W = kLanes<C>;
    alignas(kVecBytes) C others[kBetas][W] = {}, gaps[kBetas][W] = {}, more[kMorePowers][W] = {};
};

// Rows side by side, one per lane; lanes without a row have weight 0 and finite numbers.
template <class C> struct ScoredRows : CurveSums<C> {
    static constexpr int W = kLanes<C>;
    alignas(kVecBytes) C gap[W] = {};         // max - z of the target
    alignas(kVecBytes) C target_exp[W] = {};  // exp(z - max) of the target
    alignas(kVecBytes) C is_top[W] = {};      // 1 where the target is the first maximum
    alignas(kVecBytes) C rest[W] = {};        // float64: -sum log(1 - p) but for these two
    alignas(kVecBytes) C share[W] = {};       // p = share exp(z - max)
    alignas(kVecBytes) double weight[W] = {};
    int64_t row[W] = {}, top[W] = {}, target[W] = {};
    bool unlikely[W] = {};
    int count = 0;
};

// The sums over rows, one row per lane.
template <class C> struct TemperedSums {
    static constexpr int D = kLanes<C> / kLanes<double>;
    Vec<double> at[kBetas][3][D] = {};

    NEGLOG_INLINE void add(int k, Vec<C> nll, Vec<C> d, const double* weight) {
        if constexpr (D == 2) {
            const Wide n = widen(nll), wide = widen(d);
            add_half(k, 0, n.low, wide.low, weight);
            add_half(k, 1, n.high, wide.high, weight + kLanes<double>);
        } else {
            add_half(k, 0, nll, d, weight);
        }
    }
    void total(double* to) const {
        const auto plus = [](Vec<double> a, Vec<double> b) { return a + b; };
        for (int k = 0; k < kBetas; ++k)
            for (int m = 0; m < 3; ++m) {
                Vec<double> sum = at[k][m][0];
                if constexpr (D == 2) sum += at[k][m][1];
                to[3 * k + m] += fold<double>(sum, plus);
            }
    }

private:
    NEGLOG_INLINE void add_half(int k, int i, Vec<double> nll, Vec<double> d,
                                const double* weight) {
        const Vec<double> w = load(weight), wd = w * d;
        at[k][0][i] = fused(w, nll, at[k][0][i]);
        at[k][1][i] += wd;
        at[k][2][i] = fused(wd, wd, at[k][2][i]);
    }
};

// log of the sum of exp(z - max) over all classes but `top`, where that sum is nearly 0: relative
// to the second largest logit.  `z(j)` is a logit.
template <class Z> double log_of_others(Z z, int64_t V, int64_t top, double max) {
    double second = -kInfinity, sum = 0;
    for (int64_t j = 0; j < V; ++j)
        if (j != top && z(j) > second) second = z(j);
    if (second == -kInfinity) return second;
    constexpr int W = kLanes<double>;
    for (int64_t j = 0; j < V; j += W) {
        Vec<double> x = splat(-kInfinity);
        for (int i = 0; i < W && j + i < V; ++i)
            if (j + i != top) x[i] = z(j + i) - second;
        const Vec<double> e = exp_negative<double>(x);
        for (int i = 0; i < W; ++i) sum += e[i];
    }
    const Vec<double> over = splat(sum - 1);
    return second - max + log1p(over, 1 / (1 + over))[0];
}

// Below, exponentials of which a sum consists may have been too small for the type.
template <class C> constexpr C kNearly0 =
    sizeof(C) == 4 ? static_cast<C>(0x1p-80) : static_cast<C>(0x1p-960);

// share, from which probabilities follow.
template <class C> NEGLOG_INLINE void finish_share(ScoredRows<C>& r) {
    store(r.share, 1 / (1 + load(r.others[kAtOne])));
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

// The sum over all classes but the first maximum and the target.
template <class C> NEGLOG_INLINE Vec<C> rest_of(const ScoredRows<C>& r) {
    if constexpr (Curve<C>::kPolynomial) {
        Vec<C> doubled[5], more[kMorePowers], own[5];
        for (int k = 0; k < 5; ++k) doubled[k] = load(r.others[kAtOne + k]);
        for (int k = 0; k < kMorePowers; ++k) more[k] = load(r.more[k]);
        const Vec<C> share = load(r.share), is_top = load(r.is_top);
        const Vec<C> all = minus_log_complement(doubled, more, share);
        // A target that is not the maximum costs log 2 or more: nothing cancels.
        own[0] = (is_top != 0) ? Vec<C>{} : load(r.target_exp);
        for (int k = 1; k < 5; ++k) own[k] = own[k - 1] * own[k - 1];
        more[0] = own[1] * own[0];
        more[1] = own[2] * own[0];
        more[2] = more[0] * more[0];
        return all - minus_log_complement(own, more, share);
    } else {
        return load(r.rest);
    }
}

// Results of the rows, and the sums over them.  `z(i, j)` is a logit of the i-th.
template <class C, class Z>
inline void finish_scores(const ScoresJob& job, ScoredRows<C>& r, TemperedSums<C>& sums, Z z) {
    constexpr int W = kLanes<C>;
    const Vec<C> gap = load(r.gap);
    IVec<C> unlikely{};
    for (int k = 0; k < kBetas; ++k) {
        const C beta = static_cast<C>(beta_of(k));
        const Vec<C> others = load(r.others[k]), inverse = 1 / (1 + others);
        const Vec<C> nll = gap * beta + log1p_of<C>(others, inverse);
        const Vec<C> d = (gap - load(r.gaps[k]) * inverse) * beta;
        sums.add(k, nll, d, r.weight);
        if (job.from_nll) unlikely |= nll >= splat(static_cast<C>(job.from_nll[k]));
    }
    unlikely &= gap < splat(-minus_infinity<C>());
    for (int i = 0; i < W; ++i)  // the tail of a target that is the maximum is 1
        r.unlikely[i] = i < r.count && unlikely[i] && r.is_top[i] == 0 && r.weight[i] != 0;
    // 1 - p of the maximum is others / (1 + others), and -log of that log(1 + 1 / others).
    const Vec<C> others = load(r.others[kAtOne]), share = load(r.share), is_top = load(r.is_top);
    const Vec<C> x = (is_top != 0) ? Vec<C>{} : 1 / others;
    const Vec<C> nll = gap + log1p_of<C>(others, share);
    alignas(kVecBytes) C result[W];
    store(result, nll + log1p_of<C>(x, 1 / (1 + x)) + rest_of<C>(r));
    for (int i = 0; i < r.count; ++i) {
        double one_vs_rest = static_cast<double>(result[i]);
        if (r.is_top[i] == 0 && others[i] < kNearly0<C> && r.gap[i] == r.gap[i]) {
            const double max = z(i, r.top[i]);
            const auto logit = [&](int64_t j) { return z(i, j); };
            one_vs_rest =
                (max - z(i, r.target[i])) - log_of_others(logit, job.classes, r.top[i], max);
        }
        const bool used = r.weight[i] != 0;
        job.one_vs_rest[r.row[i]] = used ? one_vs_rest : 0;
        if (!used) job.rank[r.row[i]] = 0;
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
