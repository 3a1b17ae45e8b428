// Few classes: as many rows as the vector has lanes stand side by side, one class after another.
// A row of ten logits would leave most of a vector empty and pay for folding it three times.
#pragma once

#include "rows/long_rows.hpp"
#include "vector/transpose.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// So many classes are transposed at a time; with fewer, rows are read and written past their ends.
template <class C> constexpr int64_t kBlock = 16 / static_cast<int64_t>(sizeof(C));

// Rows that stand side by side: [class][lane], and the flat rows they are made of and become.
template <class C> struct Tile {
    static constexpr int size = (kFewClasses + 1) * kLanes<C>;
    alignas(kVecBytes) C z[size], e[size], q[size], flat[size];  // rows again, and room behind them
};

template <class T> inline void to_compute(const T* from, int64_t n, Compute<T>* to) {
    fill(to, n, [&](int64_t j) {
        constexpr int W = kLanes<Compute<T>>;
        if (j + W <= n) return load(from + j);
        const Tail<T, W> tail(from + j, n - j, T{});
        return load(tail.at);
    });
}

// `count` rows (at most as many as lanes), side by side; the lanes behind them repeat the last.
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

// The rows' maxima and where they are first met, and the targets' logits.
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
    Vec<C> target_exp{}, target_prob{};
    Sum<C> others, gaps, cross, mass;
    Vec<C> mass_arg{};
    const auto add = [&](int64_t j, Vec<C>& e_sum, Vec<C>& gap_sum, Vec<C>& cross_sum,
                         Vec<C>& mass_sum) __attribute__((always_inline)) {
        const Vec<C> z = load(tile.z + j * W), e = exponential<M, C>(z, scale);
        store(tile.e + j * W, e);
        const IVec<C> here = splat_int<C>(static_cast<Int<C>>(j)), is_arg = arg == here;
        target_exp = (target == here) ? e : target_exp;
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
    if constexpr (M & kDense) {
        for (int i = 0; i < W; ++i) factor[i] = 1;
        cross.lanes(r.cross, factor);
        mass.lanes(r.mass, factor);
        store_wide(r.mass_arg, mass_arg);
        store_wide(r.target_prob, target_prob);
    }
}

// Rows whose maximum is far from 0 or infinite are done again; their neighbours stay as they are.
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
        RowState p{r_far.max[i],  r_far.others[i],   r_far.gaps[i], r_far.cross[i],
                  r_far.mass[i], r_far.mass_arg[i], r_far.row_scale[i],   r_far.arg[i]};
        r.target_exp[i] = r_far.target_exp[i];
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

// The numbers that a tile's output is made with, one a row.
template <class C> struct ShortRows {
    alignas(kVecBytes) double first[kTile], second[kTile], level[kTile], slope[kTile], dense[kTile],
        at_max[kTile], at_target[kTile];
    bool two_factors = false;
};

template <bool Sloping, class C> inline ShortRows<C> prepare_short(const Job& job, const TileState& r) {
    constexpr int W = kLanes<C>;
    ShortRows<C> to;
    constexpr double down = static_cast<double>(ExpTable<C>::down);
    for (int i = 0; i < W; i += kLanes<double>) {
        const bool gradient = job.output == Output::gradient;
        const Doubles p = load(r.inverse_sum + i), share = p * load(r.row_scale + i),
                      target_exp = load(r.target_exp + i) * down;
        Doubles b = load(r.dense_grad + i), total = load(r.total + i),
                c = gradient ? total * share : share;
        if constexpr (Sloping) {
            const Doubles slope = load(r.slope + i),
                          gap = load(r.max + i) - load(r.target_logit + i);
            const Line line = line_of(total, slope, share, load(r.inverse_t + i));
            c = line.factor;
            store(to.level + i, line.level);
            store(to.slope + i, line.slope);
            total += unless_zero(target_exp * slope, slope * gap);
        }
        const Indices fits = (c >= kSmallest<C>) | (c <= -kSmallest<C>) | (c == 0);
        to.two_factors |= any_lane(~fits);
        store(to.first + i, fits ? c * down : c);
        store(to.second + i, fits ? splat(1.0) : splat(down));
        store(to.dense + i, b);
        store(to.at_max + i, gradient ? load(r.at_max + i) : p);
        store(to.at_target + i, total * share * target_exp - load(r.nll_grad + i) -
                                    unless_zero(b, b * load(r.target_prob + i)));
    }
    return to;
}

// tile.z becomes the output of the tile, still side by side; see finish.hpp for the formulas.
template <bool Sloping, class C>
inline void write_short(const Job& job, Tile<C>& tile, const TileState& r) {
    constexpr int W = kLanes<C>;
    const ShortRows<C> with = prepare_short<Sloping, C>(job, r);
    const Vec<C> first = load_narrow<C>(with.first), second = load_narrow<C>(with.second),
                 b = load_narrow<C>(with.dense);
    const Vec<C> max = load_narrow<C>(r.max), level = load_narrow<C>(with.level),
                 slope = load_narrow<C>(with.slope);
    const Vec<C> at_max = load_narrow<C>(with.at_max), at_target = load_narrow<C>(with.at_target);
    const bool gradient = job.output == Output::gradient, dense = gradient && job.probs;
    const IVec<C> arg = load_narrow<C>(r.arg), skipped = load_narrow<C>(r.skipped);
    const IVec<C> target = gradient ? load_narrow<C>(r.target) : splat_int<C>(-1);
    for (int64_t j = 0; j < job.classes; ++j) {
        Vec<C> g = load(tile.e + j * W);
        if constexpr (Sloping) g = times<C>(g, fused(slope, max - load(tile.z + j * W), level));
        g *= first;
        if (with.two_factors) g *= second;
        if (dense) g -= times<C>(b, load(tile.q + j * W));
        const IVec<C> here = splat_int<C>(static_cast<Int<C>>(j));
        g = (target == here) ? at_target : g;
        g = (arg == here) ? at_max : g;
        store(tile.z + j * W, (skipped != 0) ? Vec<C>{} : g);
    }
}

template <class C> inline void log_softmax_short(Tile<C>& tile, int64_t V, const TileState& r) {
    constexpr int W = kLanes<C>;
    const Vec<C> max = load_narrow<C>(r.max), log_sum = load_narrow<C>(r.log_sum);
    const IVec<C> arg = load_narrow<C>(r.arg);
    for (int64_t j = 0; j < V; ++j) {
        const Vec<C> log_p = log_softmax<C>(load(tile.z + j * W), max, log_sum);
        store(tile.z + j * W, (arg == splat_int<C>(static_cast<Int<C>>(j))) ? -log_sum : log_p);
    }
}

// All that is to be known of the `count` rows in a tile; then what is to be written of them.
template <class C>
void work_on(const Job& job, int64_t row, int count, Tile<C>& tile, TileState& r) {
    begin_tile(job, row, count, r);
    reduce_any<C>(job, count, tile, r);
    finish_tile(job, row, count, tile.z, 1, kLanes<C>, r);
}
template <class C> void write_tile(const Job& job, Tile<C>& tile, const TileState& r) {
    if (job.output == Output::log_softmax)
        log_softmax_short<C>(tile, job.classes, r);
    else if (job.entropy_coef)
        write_short<true, C>(job, tile, r);
    else
        write_short<false, C>(job, tile, r);
}

// `count` rows from `row` on as a tile, and back.
template <class T>
inline void gather_tile(const Job& job, int64_t row, int count, Tile<Compute<T>>& tile) {
    using C = Compute<T>;
    const int64_t V = job.classes;
    gather<T>(logits_of<T>(job, row), job.logits_at.first, count, V, tile.flat, tile.z);
    if (job.probs && !shares_probs(job))
        gather<C>(probs_of<T>(job, row), job.probs_at.first, count, V, tile.flat, tile.q);
}
template <class T>
inline void scatter_tile(const Job& job, int64_t row, int count, Tile<Compute<T>>& tile) {
    using C = Compute<T>;
    const int64_t V = job.classes, stride = job.out_at.first;
    T* out = out_of<T>(job, row);
    if constexpr (sizeof(T) == sizeof(C)) {
        if (count == kLanes<C> && !job.stream && (V >= kBlock<C>))
            return transpose_from_lanes(tile.z, V, out, stride);
    }
    transpose_from_lanes(tile.z, V, tile.flat, V);
    const auto copy = [&](T* to, const C* from, int64_t n) {
        fill(to, n, [&](int64_t j) { return load(from + j); });
    };
    if (job.stream && stride == V) {
        const T* rows = reinterpret_cast<const T*>(tile.flat);
        if constexpr (sizeof(T) != sizeof(C))
            copy(reinterpret_cast<T*>(tile.e), tile.flat, count * V),
                rows = reinterpret_cast<const T*>(tile.e);
        return stream(reinterpret_cast<char*>(out), reinterpret_cast<const char*>(rows),
                      count * V * static_cast<int64_t>(sizeof(T)));
    }
    if (stride == V)
        copy(out, tile.flat, count * V);
    else
        for (int i = 0; i < count; ++i) copy(out + i * stride, tile.flat + i * V, V);
}

// Probabilities that are the same for all rows stand in the tile before the first of them.
template <class C> inline void share_probs(const Job& job, Tile<C>& tile) {
    if (!job.probs || !shares_probs(job)) return;
    for (int64_t j = 0; j < job.classes; ++j)
        store(tile.q + j * kLanes<C>, splat(static_cast<const C*>(job.probs)[j]));
}

template <class T> void run_short_rows(const Job& job, int64_t begin, int64_t end, char*) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    Tile<C> tile;
    share_probs<C>(job, tile);
    TileState r = first_tile(job);
    // So many logarithms are written sooner row by row than transposed: they need no exponentials.
    const bool transposed = job.output != Output::log_softmax || job.classes < 32;
    for (int64_t row = begin; row < end; row += W) {
        const int count = static_cast<int>(end - row < W ? end - row : W);
        gather_tile<T>(job, row, count, tile);
        work_on<C>(job, row, count, tile, r);
        if (job.output == Output::none) continue;
        if (transposed) {
            write_tile<C>(job, tile, r);
            scatter_tile<T>(job, row, count, tile);
        } else {
            for (int i = 0; i < count; ++i)
                write_log_softmax<T>(out_of<T>(job, row + i), logits_of<T>(job, row + i), 0,
                                    job.classes, r, i);
        }
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
