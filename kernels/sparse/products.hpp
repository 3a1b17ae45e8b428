// Products of the large entries of a gradient with classes and with hidden.
#pragma once

#include "sparse/compress.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// Where the entries of a row in a panel lie in the pool.
struct Run {
    int64_t begin, end;
};
inline Run run_of(const Entries& e, int64_t row, int64_t panel) {
    const uint32_t* ends = e.ends + panel * e.rows + row;
    const int64_t start = e.starts[row / kBand * panels_of(e.classes) + panel];
    return {start + (row % kBand ? ends[-1] : 0), start + ends[0]};
}

// Copies a slice of a row of a factor to a place where no vector crosses a cache line, which would
// halve the speed of the L2 cache; as the compute type, padded with zeros.
template <class T>
inline void pack_row(const T* from, int64_t n, Compute<T>* to) {
    constexpr int W = kLanes<Compute<T>>;
    int64_t j = 0;
    for (; j + W <= n; j += W) store(to + j, load(from + j));
    if (j == n) return;
    const Tail<T, W> last(from + j, n - j, T{});
    store(to + j, load(last.at));
}

// Prefetches memory that is used some hundred cycles later.
template <class T> inline void fetch(const T* from, int64_t n) {
    const char* at = reinterpret_cast<const char*>(from);
    for (int64_t i = 0; i < n * static_cast<int64_t>(sizeof(T)); i += 64)
        __builtin_prefetch(at + i);
}

template <class I, class C> struct Terms {
    const I* index;  // of the rows of `factor`
    const C* values;
    int64_t count;
    const C* factor;  // packed
    int64_t step;
};

// to[0 .. K vectors] += the terms there, in their order; the sums stay in registers.
template <int K, class I, class C>
NEGLOG_INLINE void add_vectors(const Terms<I, C>& terms, int64_t at, C* to) {
    constexpr int W = kLanes<C>;
    Vec<C> sum[K];
    for (int k = 0; k < K; ++k) sum[k] = load(to + at + k * W);
    for (int64_t e = 0; e < terms.count; ++e) {
        const Vec<C> value = splat(terms.values[e]);
        const C* from = terms.factor + terms.index[e] * terms.step + at;
        for (int k = 0; k < K; ++k) sum[k] = fused(value, load(from + k * W), sum[k]);
    }
    for (int k = 0; k < K; ++k) store(to + at + k * W, sum[k]);
}

// to[0 .. n] += the terms, with as many sums at once as the registers hold.
template <class I, class C> inline void add_terms(const Terms<I, C>& terms, int64_t n, C* to) {
    constexpr int W = kLanes<C>;
    int64_t at = 0;
    if constexpr (kVecBytes == 64)
        for (; at + 16 * W <= n; at += 16 * W) add_vectors<16>(terms, at, to);
    for (; at + 8 * W <= n; at += 8 * W) add_vectors<8>(terms, at, to);
    for (; at + 4 * W <= n; at += 4 * W) add_vectors<4>(terms, at, to);
    for (; at + W <= n; at += W) add_vectors<1>(terms, at, to);
    if (at == n) return;
    Terms<I, C> rest = terms;
    rest.factor += at;
    Tail<C, W> last(to + at, n - at, C{});
    add_vectors<1>(rest, 0, last.at);
    __builtin_memcpy(static_cast<void*>(to + at), last.at, static_cast<size_t>(n - at) * sizeof(C));
}

// f(chunk, row, run): the rows from `first` to `last` that have entries in the panel, in their
// order.
template <class F>
inline void each_run(const ProductJob& job, int64_t panel, int64_t first, int64_t last, F f) {
    int64_t start = 0;  // the chunk's first row
    for (int64_t c = 0; c < job.count; start += job.chunks[c++].rows) {
        const Entries& chunk = job.chunks[c];
        const int64_t stop = least(last, start + chunk.rows);
        for (int64_t row = first > start ? first : start; row < stop; ++row) {
            const Run run = run_of(chunk, row - start, panel);
            if (run.begin < run.end) f(chunk, row, run);
        }
    }
}

constexpr int64_t kAhead = 2;  // classes

// Packs a slice of the panel's classes that have entries in these rows.
template <class T>
inline void pack_classes(const ProductJob& job, int64_t panel, int64_t first, int64_t last,
                         int64_t column, int64_t n, Compute<T>* packed) {
    const T* from = static_cast<const T*>(job.factor) + panel * kPanel * job.factor_step + column;
    bool there[kPanel + kAhead] = {};
    each_run(job, panel, first, last, [&](const Entries& chunk, int64_t, Run run) {
        for (int64_t e = run.begin; e < run.end; ++e) there[chunk.columns[e]] = true;
    });
    for (int64_t c = 0; c < kPanel; ++c) {
        if (there[c + kAhead]) fetch(from + (c + kAhead) * job.factor_step, n);
        if (there[c]) pack_row(from + c * job.factor_step, n, packed + c * job.slice);
    }
}

template <class C> inline size_t classes_bytes(const ProductJob& job) {
    return static_cast<size_t>(least(kPanel, job.classes) * job.slice) * sizeof(C);
}

// A unit: a slice of the width for a part of the rows.  The slice of a panel's classes stays in the
// second cache while all these rows use it.
template <class T>
inline void times_classes(const ProductJob& job, int64_t begin, int64_t end, char* memory) {
    using C = Compute<T>;
    C* packed = reinterpret_cast<C*>(memory);
    const int64_t slices = slices_of(job);
    for (int64_t u = begin; u < end; ++u) {
        const int64_t first = u / slices * job.part, last = least(first + job.part, job.rows);
        const int64_t column = u % slices * job.slice, n = least(job.slice, job.width - column);
        for (int64_t panel = 0; panel < panels_of(job.classes); ++panel) {
            pack_classes<T>(job, panel, first, last, column, n, packed);
            each_run(job, panel, first, last, [&](const Entries& chunk, int64_t row, Run run) {
                const Terms<uint16_t, C> terms{chunk.columns + run.begin,
                                               static_cast<const C*>(chunk.values) + run.begin,
                                               run.end - run.begin, packed, job.slice};
                add_terms(terms, n, static_cast<C*>(job.out) + row * job.out_step + column);
            });
        }
    }
}

// The entries of some panels, each ordered by class, then by row; and a slice of hidden.
template <class C> struct ByClass {
    C* packed;       // (rows, slice)
    C* values;       // (entries)
    uint32_t* rows;  // (entries)
    uint32_t* ends;  // (panels, kPanel + 1): of class c at c + 1; the first is where a panel begins

    static size_t bytes(const ProductJob& job) {
        return static_cast<size_t>(job.rows * job.slice + job.most) * sizeof(C) +
               static_cast<size_t>(job.most + job.part * (kPanel + 1)) * sizeof(uint32_t);
    }
    ByClass(const ProductJob& job, char* memory)
        : packed(reinterpret_cast<C*>(memory)),
          values(packed + job.rows * job.slice),
          rows(reinterpret_cast<uint32_t*>(values + job.most)),
          ends(rows + job.most) {}
};

// Returns where the next panel's entries begin.
template <class C>
inline uint32_t order_by_class(const ProductJob& job, int64_t panel, uint32_t start, uint32_t* ends,
                               ByClass<C>& to) {
    uint32_t next[kPanel + 1] = {start};
    each_run(job, panel, 0, job.rows, [&](const Entries& chunk, int64_t, Run run) {
        for (int64_t e = run.begin; e < run.end; ++e) ++next[chunk.columns[e] + 1];
    });
    for (int64_t c = 0; c < kPanel; ++c) next[c + 1] += next[c];
    __builtin_memcpy(ends, next, sizeof next);
    each_run(job, panel, 0, job.rows, [&](const Entries& chunk, int64_t row, Run run) {
        const C* values = static_cast<const C*>(chunk.values);
        for (int64_t e = run.begin; e < run.end; ++e) {
            const uint32_t place = next[chunk.columns[e]]++;
            to.rows[place] = static_cast<uint32_t>(row);
            to.values[place] = values[e];
        }
    });
    return ends[kPanel];
}

// The classes of a panel, columns `column` to `column + n`.
template <class C>
inline void add_by_class(const ProductJob& job, int64_t panel, int64_t column, int64_t n,
                         const uint32_t* ends, const ByClass<C>& by) {
    C* out = static_cast<C*>(job.out) + panel * kPanel * job.out_step + column;
    const int64_t count = least(kPanel, job.classes - panel * kPanel);
    for (int64_t c = 0; c < count; ++c) {
        const uint32_t at = ends[c];
        const int64_t next = c + kAhead;
        if (next < count && ends[next] != ends[next + 1]) fetch(out + next * job.out_step, n);
        if (at == ends[c + 1]) continue;
        const Terms<uint32_t, C> terms{by.rows + at, by.values + at, ends[c + 1] - at, by.packed,
                                       job.slice};
        add_terms(terms, n, out + c * job.out_step);
    }
}

// A unit: a part of the panels.  A slice of all rows of hidden stays in the second cache while the
// classes use it.
template <class T>
inline void times_hidden(const ProductJob& job, int64_t begin, int64_t end, char* memory) {
    const T* hidden = static_cast<const T*>(job.factor);
    ByClass<Compute<T>> by(job, memory);
    for (int64_t u = begin; u < end; ++u) {
        const int64_t first = u * job.part;
        const int64_t panels = least(job.part, panels_of(job.classes) - first);
        uint32_t start = 0;
        for (int64_t p = 0; p < panels; ++p)
            start = order_by_class(job, first + p, start, by.ends + p * (kPanel + 1), by);
        for (int64_t column = 0; column < job.width; column += job.slice) {
            const int64_t n = least(job.slice, job.width - column);
            for (int64_t row = 0; row < job.rows; ++row)
                pack_row(hidden + row * job.factor_step + column, n, by.packed + row * job.slice);
            for (int64_t p = 0; p < panels; ++p)
                add_by_class(job, first + p, column, n, by.ends + p * (kPanel + 1), by);
        }
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
