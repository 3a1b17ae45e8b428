// Short rows, first half.  Each lane of a vector holds one row, and the classes follow one another:
// a row of ten logits on its own would leave most of a vector empty and pay three times for folding
// it.
#pragma once

#include "rows/long_rows.hpp"
#include "vector/transpose.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// Classes per transposition; rows with fewer are read and written past their ends.
template <class C> constexpr int64_t kBlock = 16 / static_cast<int64_t>(sizeof(C));

// Rows side by side, [class][lane], and the flat rows that they are read from and written to.
template <class C> struct Tile {
    static constexpr int size = (kFewClasses + 1) * kLanes<C>;
    alignas(kVecBytes) C z[size], e[size], q[size],
        flat[size];  // `flat` has room after the last row
};

template <class T> inline void to_compute(const T* from, int64_t n, Compute<T>* to) {
    fill(to, n, [&](int64_t j) {
        constexpr int W = kLanes<Compute<T>>;
        if (j + W <= n) return load(from + j);
        const Tail<T, W> tail(from + j, n - j, T{});
        return load(tail.at);
    });
}

// `count` rows, at most one per lane, side by side; the remaining lanes repeat the last row.
template <class T> inline void gather(const T* from, int64_t stride, int count, int64_t V,
                                      Compute<T>* flat, Compute<T>* to) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    if constexpr (sizeof(T) == sizeof(C)) {
        if (count == W && (V >= kBlock<C>)) return transpose_to_lanes(from, stride, V, to);
    }
    if (stride == V)
        to_compute<T>(from, count * V, flat);
    else
        for (int i = 0; i < count; ++i) to_compute<T>(from + i * stride, V, flat + i * V);
    for (int i = count; i < W; ++i)
        __builtin_memcpy(flat + i * V, flat + (count - 1) * V, static_cast<size_t>(V) * sizeof(C));
    transpose_to_lanes(flat, V, V, to);
}

// The maxima of the rows, their first places, and the logits at the targets.
template <class C> inline void find_max_short(const Tile<C>& tile, int64_t V, TileState& r) {
    constexpr int W = kLanes<C>;
    const IVec<C> target = load_narrow<C>(r.target);
    Vec<C> max = splat(minus_infinity<C>()), target_logit{};
    IVec<C> arg{};
    for (int64_t j = 0; j < V; ++j) {
        const Vec<C> z = load(tile.z + j * W);
        const IVec<C> here = splat_int<C>(static_cast<Int<C>>(j));
        arg = (z > max) ? here : arg;
        max = (z > max) ? z : max;
        target_logit = (target == here) ? z : target_logit;
    }
    store_wide(r.max, max);
    store_wide(r.arg, arg);
    store_wide(r.target_logit, target_logit);
}

template <int M, class C> inline Scale<C> scale_short(const TileState& r) {
    constexpr int W = kLanes<C>;
    alignas(kVecBytes) double floor[W], high[W], low[W];
    for (int i = 0; i < W; i += kLanes<double>) {
        const Doubles max = load(r.max + i), it = load(r.inverse_t + i);
        store(floor + i, floor_below<C>(max, M & (kScaled | kFar) ? ExpTable<C>::floor / it
                                                                  : splat(ExpTable<C>::floor)));
        store(high + i, it);
        store(low + i, (it - round_to<C>(it)) + load(r.inverse_low + i));
    }
    return scale_to<M, C>(load_narrow<C>(r.max), load_narrow<C>(floor), load_narrow<C>(high),
                          load_narrow<C>(low));
}

template <int M, class C> inline void reduce_short(Tile<C>& tile, int64_t V, TileState& r) {
    constexpr int W = kLanes<C>;
    const Scale<C> scale = scale_short<M, C>(r);
    const IVec<C> arg = load_narrow<C>(r.arg), target = load_narrow<C>(r.target);
    Vec<C> target_exp{}, target_prob{}, top_exp{};
    Sum<C> others, gaps, cross, mass;
    Vec<C> mass_arg{};
    const auto add = [&](int64_t j, Vec<C>& e_sum, Vec<C>& gap_sum, Vec<C>& cross_sum,
                         Vec<C>& mass_sum) __attribute__((always_inline)) {
        const Vec<C> z = load(tile.z + j * W), e = exponential<M, C>(z, scale);
        store(tile.e + j * W, e);
        const IVec<C> here = splat_int<C>(static_cast<Int<C>>(j)), is_arg = arg == here;
        target_exp = (target == here) ? e : target_exp;
        top_exp = is_arg ? e : top_exp;
        e_sum += is_arg ? Vec<C>{} : e;
        if constexpr (M & kEntropy) gap_sum += times<C>(e, scale.max - z);
        if constexpr (M & kDense) {
            const Vec<C> q = load(tile.q + j * W);
            cross_sum += times<C>(q, scale.max - z);
            mass_sum += is_arg ? Vec<C>{} : q;
            mass_arg = is_arg ? q : mass_arg;
            target_prob = (target == here) ? q : target_prob;
        }
    };
    // Two classes are added up before the wider sum takes them.
    for (int64_t j = 0; j < V; j += 2) {
        Vec<C> e_sum{}, gap_sum{}, cross_sum{}, mass_sum{};
        add(j, e_sum, gap_sum, cross_sum, mass_sum);
        if (j + 1 < V) add(j + 1, e_sum, gap_sum, cross_sum, mass_sum);
        others.add(e_sum);
        if constexpr (M & kEntropy) gaps.add(gap_sum);
        if constexpr (M & kDense) {
            cross.add(cross_sum);
            mass.add(mass_sum);
        }
    }
    alignas(kVecBytes) double n[W];
    store_wide(n, scale.power - ExpTable<C>::magic);
    for (int i = 0; i < W; i += kLanes<double>)
        store(r.row_scale + i, row_scale_of<M, C>(load(r.max + i), load(r.inverse_t + i),
                                                  load(r.inverse_low + i), load(n + i)));
    alignas(kVecBytes) double factor[W];
    for (int i = 0; i < W; ++i) factor[i] = r.row_scale[i] * static_cast<double>(ExpTable<C>::down);
    others.lanes(r.others, factor);
    if constexpr (M & kEntropy) gaps.lanes(r.gaps, factor);
    store_wide(r.target_exp, target_exp);
    store_wide(r.top_exp, top_exp);
    if constexpr (M & kDense) {
        for (int i = 0; i < W; ++i) factor[i] = 1;
        cross.lanes(r.cross, factor);
        mass.lanes(r.mass, factor);
        store_wide(r.mass_arg, mass_arg);
        store_wide(r.target_prob, target_prob);
    }
}

// Repeats rows whose maximum is infinite or far from 0; the other rows stay as they are.
template <int M, class C> inline void mend_far(int64_t V, int count, Tile<C>& tile, TileState& r) {
    constexpr int W = kLanes<C>;
    Indices any{};
    for (int i = 0; i < W; i += kLanes<double>) {
        const Doubles x = load(r.max + i) * load(r.inverse_t + i);
        any |= ~((x <= ExpTable<C>::near) & (x >= -ExpTable<C>::near));
    }
    if (!any_lane(any)) [[likely]]
        return;
    Tile<C> other = tile;
    TileState r_far = r;
    reduce_short<(M & kDense) | kEntropy | kFar, C>(other, V, r_far);
    for (int i = 0; i < count; ++i) {
        if (!is_far(r.max[i], r.inverse_t[i], ExpTable<C>::near)) continue;
        for (int64_t j = 0; j < V; ++j) tile.e[j * W + i] = other.e[j * W + i];
        RowState p{r_far.max[i],       r_far.others[i], r_far.gaps[i],
                   r_far.cross[i],     r_far.mass[i],   r_far.mass_arg[i],
                   r_far.row_scale[i], r_far.power[i],  r_far.arg[i]};
        r.target_exp[i] = r_far.target_exp[i];
        r.top_exp[i] = r_far.top_exp[i];
        if (__builtin_isinf(p.max)) p = reduce_special<M, C>(tile.z + i, V, tile.q + i, W, p);
        set_sums(r, i, p);
    }
}

template <int M, class C>
inline void reduce_tile(int64_t V, int count, Tile<C>& tile, TileState& r) {
    find_max_short<C>(tile, V, r);
    reduce_short<M, C>(tile, V, r);
    mend_far<M, C>(V, count, tile, r);
}

template <class C> inline void reduce_any(const Job& job, int count, Tile<C>& tile, TileState& r) {
    const int64_t V = job.classes;
    switch (mode_of(job)) {
        case 0:
            return reduce_tile<0, C>(V, count, tile, r);
        case kEntropy:
            return reduce_tile<kEntropy, C>(V, count, tile, r);
        case kScaled:
            return reduce_tile<kScaled, C>(V, count, tile, r);
        case kDense:
            return reduce_tile<kDense, C>(V, count, tile, r);
        case kEntropy | kScaled:
            return reduce_tile<kEntropy | kScaled, C>(V, count, tile, r);
        default:
            return reduce_tile<kEntropy | kScaled | kDense, C>(V, count, tile, r);
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
