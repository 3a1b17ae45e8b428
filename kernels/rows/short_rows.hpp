// Short rows, second half: what is written of a tile of rows that stand side by side, and the loop
// over the tiles.
#pragma once

#include "rows/short_reduce.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// The factors of a tile's output, one per row.
template <class C> struct ShortRows {
    alignas(kVecBytes) double first[kTile], second[kTile], level[kTile], slope[kTile], dense[kTile],
        at_top[kTile], at_max[kTile], at_target[kTile];
    int64_t alone[kTile];  // `arg` of a row whose maximum stands alone, else -1
    bool two_factors = false, skipping = false;
};

template <bool Sloping, class C> inline ShortRows<C> prepare_short(const Job& job,
                                                                   const TileState& r) {
    constexpr int W = kLanes<C>;
    ShortRows<C> to;
    constexpr double down = static_cast<double>(ExpTable<C>::down);
    constexpr double smallest =
        (sizeof(C) == 4 ? 0x1p-126 : 0x1p-1022) * static_cast<double>(ExpTable<C>::up);
    for (int i = 0; i < W; i += kLanes<double>) {
        const bool gradient = job.output == Output::gradient;
        const Doubles p = load(r.inverse_sum + i), share = p * load(r.row_scale + i),
                      target_exp = load(r.target_exp + i) * down;
        Doubles b = load(r.dense_grad + i), total = load(r.total + i),
                c = gradient ? total * share : share;
        store(to.at_top + i, gradient ? total * p : p);
        if constexpr (Sloping) {
            const Doubles slope = load(r.slope + i),
                          gap = load(r.max + i) - load(r.target_logit + i);
            const Line line = line_of(total, slope, share, load(r.inverse_t + i));
            c = line.factor;
            store(to.level + i, line.level);
            store(to.slope + i, line.slope);
            total += unless_zero(target_exp * slope, slope * gap);
        }
        const Indices fits = (c >= smallest) | (c <= -smallest) | (c == 0);
        to.two_factors |= any_lane(~fits);
        store(to.first + i, fits ? c * down : c);
        store(to.second + i, fits ? splat(1.0) : splat(down));
        store(to.dense + i, b);
        store(to.at_max + i, gradient ? load(r.at_max + i) : p);
        store(to.at_target + i, total * share * target_exp - load(r.nll_grad + i) -
                                    unless_zero(b, b * load(r.target_prob + i)));
        const Indices y = load(r.target + i), arg = load(r.arg + i);
        const Indices alone = (load(r.others + i) < 1.0 / 3) | (gradient ? y == arg : Indices{});
        store(to.alone + i, alone ? arg : Indices{} - 1);
        to.skipping |= any_lane(load(r.skipped + i));
    }
    return to;
}

// tile.z becomes the output of the tile, still side by side; see finish.hpp for the formulas.
template <bool Sloping, class C>
inline void write_short(const Job& job, Tile<C>& tile, const TileState& r) {
    constexpr int W = kLanes<C>;
    const ShortRows<C> with = prepare_short<Sloping, C>(job, r);
    const Top<C> top{load_narrow<C>(r.top_exp), load_narrow<C>(with.at_top)};
    const Vec<C> second = load_narrow<C>(with.second), b = load_narrow<C>(with.dense);
    const Vec<C> max = load_narrow<C>(r.max), level = load_narrow<C>(with.level),
                 slope = load_narrow<C>(with.slope);
    Vec<C> first = load_narrow<C>(with.first);
    const Vec<C> below = kept_below<C>(top, first, second);
    first = (Sloping ? slope == 0 : splat_int<C>(-1)) ? below : first;
    const Vec<C> at_max = load_narrow<C>(with.at_max), at_target = load_narrow<C>(with.at_target);
    const bool gradient = job.output == Output::gradient, dense = gradient && job.probs;
    const IVec<C> alone = load_narrow<C>(with.alone);
    const IVec<C> target = gradient ? load_narrow<C>(r.target) : splat_int<C>(-1);
    for (int64_t j = 0; j < job.classes; ++j) {
        const Vec<C> e = load(tile.e + j * W);
        Vec<C> g = e * first;
        [[maybe_unused]] Vec<C> gap;
        if constexpr (Sloping) {
            gap = max - load(tile.z + j * W);
            g = times<C>(e, fused(slope, gap, level)) * first;
        }
        if (with.two_factors) g *= second;
        if constexpr (Sloping)
            g = (gap == 0) ? top.value : g;
        else
            g = unless_top<C>(top, e, g);
        if (dense) g -= times<C>(b, load(tile.q + j * W));
        const IVec<C> here = splat_int<C>(static_cast<Int<C>>(j));
        g = (target == here) ? at_target : g;
        g = (alone == here) ? at_max : g;
        store(tile.z + j * W, g);
    }
    if (with.skipping) {
        const IVec<C> skipped = load_narrow<C>(r.skipped);
        for (int64_t j = 0; j < job.classes; ++j)
            store(tile.z + j * W, (skipped != 0) ? Vec<C>{} : load(tile.z + j * W));
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

// The results of the `count` rows in a tile; then their output.
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

// Target probabilities shared by all rows are loaded into the tile once.
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
    // From 32 classes on log_softmax is faster row by row: it needs no exponentials, so nothing
    // else is transposed.
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
