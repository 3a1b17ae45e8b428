// Class-major rows, such as the pixels of an image: they already stand side by side.
#pragma once

#include "rows/short_rows.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// Rows per strip, which is read class after class in runs of sixteen cache lines.  Single lines at
// distances of a power of two arrive late and displace each other.
template <class C> constexpr int64_t kStrip = 1024 / static_cast<int64_t>(sizeof(C));

// The numbers of a strip, [class][row], and room for one vector after the last.
template <class C> constexpr int64_t strip_size(int64_t classes) {
    return classes * kStrip<C> + kLanes<C>;
}
template <class T> inline size_t class_major_bytes(int64_t classes) {
    using C = Compute<T>;
    return 2 * sizeof(C) * static_cast<size_t>(strip_size<C>(classes));
}

// f(i, n, start) for each run of n rows that lie in one block, i of them after `row`, from `start`.
template <class F> inline void each_run(const Layout& at, int64_t row, int64_t count, F f) {
    for (int64_t i = 0; i < count;) {
        const int64_t left = at.columns - (row + i) % at.columns;
        const int64_t n = left < count - i ? left : count - i;
        f(i, n, start_of(at, row + i));
        i += n;
    }
}

template <class T> inline void read_strip(const T* from, const Layout& at, int64_t row,
                                          int64_t count, int64_t V, Compute<T>* strip) {
    each_run(at, row, count, [&](int64_t i, int64_t n, int64_t start) {
        for (int64_t j = 0; j < V; ++j)
            to_compute<T>(from + start + j * at.step, n, strip + j * kStrip<Compute<T>> + i);
    });
}

template <class T> inline void write_strip(const Job& job, int64_t row, int64_t count,
                                           const Compute<T>* strip) {
    constexpr int64_t pitch = kStrip<Compute<T>>;
    each_run(job.out_at, row, count, [&](int64_t i, int64_t n, int64_t start) {
        for (int64_t j = 0; j < job.classes; ++j) {
            alignas(kVecBytes) T staging[pitch];
            T* to = static_cast<T*>(job.out) + start + j * job.out_at.step;
            fill(job.stream ? staging : to, n,
                 [&](int64_t k) { return load(strip + j * pitch + i + k); });
            if (job.stream)
                stream(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(staging),
                       n * static_cast<int64_t>(sizeof(T)));
        }
    });
}

// Lanes after the last row of a strip hold values of an earlier strip.
template <class C> inline void load_tile(const C* strip, int64_t V, C* tile) {
    for (int64_t j = 0; j < V; ++j) store(tile + j * kLanes<C>, load(strip + j * kStrip<C>));
}
template <class C> inline void store_tile(const C* tile, int64_t V, C* strip) {
    for (int64_t j = 0; j < V; ++j) store(strip + j * kStrip<C>, load(tile + j * kLanes<C>));
}

template <class T>
void run_class_major(const Job& job, int64_t begin, int64_t end, char* memory) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const int64_t V = job.classes;
    C *z = reinterpret_cast<C*>(memory), *q = z + strip_size<C>(V);
    const bool own_probs = job.probs && !shares_probs(job);
    Tile<C> tile;
    share_probs<C>(job, tile);
    TileState r = first_tile(job);
    for (int64_t row = begin; row < end; row += kStrip<C>) {
        const int64_t rows = end - row < kStrip<C> ? end - row : kStrip<C>;
        read_strip<T>(static_cast<const T*>(job.logits), job.logits_at, row, rows, V, z);
        if (own_probs)
            read_strip<C>(static_cast<const C*>(job.probs), job.probs_at, row, rows, V, q);
        for (int64_t i = 0; i < rows; i += W) {
            load_tile<C>(z + i, V, tile.z);
            if (own_probs) load_tile<C>(q + i, V, tile.q);
            work_on<C>(job, row + i, static_cast<int>(rows - i < W ? rows - i : W), tile, r);
            if (job.output == Output::none) continue;
            write_tile<C>(job, tile, r);
            store_tile<C>(tile.z, V, z + i);
        }
        if (job.output != Output::none) write_strip<T>(job, row, rows, z);
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
