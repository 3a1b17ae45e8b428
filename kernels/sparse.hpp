// The large entries of a gradient picked out, and their products with what made it.
#pragma once

#include "math.hpp"
#include "sums.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// ---- picking out ----------------------------------------------------------------------------

template <class C> inline size_t compress_bytes(const CompressJob& job) {
    const int64_t tile = least(job.to.rows, kBand) * least(job.to.classes, kPanel);
    const int64_t entries = tile + kLanes<C>;  // a whole vector is written at the end
    return static_cast<size_t>(entries) * (sizeof(C) + sizeof(uint16_t));
}

// Below or at the threshold as a number of the compute type is so as a float64, too.
template <class C> inline C rounded_down(double x) {
    if (!(x > 0)) return 0;  // a nan, or below 0: only zeros are left out
    const C near = static_cast<C>(x);
    if (static_cast<double>(near) <= x) return near;
    return bit_cast<C>(static_cast<Int<C>>(bit_cast<Int<C>>(near) - 1));
}

template <class C> inline Vec<C> magnitude(Vec<C> v) {
    constexpr Int<C> sign = static_cast<Int<C>>(Int<C>{1} << (8 * sizeof(C) - 1));
    return bit_cast<Vec<C>>(bit_cast<IVec<C>>(v) & ~splat_int<C>(sign));
}
// One bit a lane.
template <class C> NEGLOG_INLINE uint32_t bits_of(IVec<C> mask) {
    constexpr bool wide = sizeof(C) == sizeof(double);
#if defined(__AVX512F__)
    return wide ? _mm512_movepi64_mask((__m512i)mask) : _mm512_movepi32_mask((__m512i)mask);
#elif defined(__AVX2__)
    return static_cast<uint32_t>(wide ? _mm256_movemask_pd((__m256d)mask)
                                      : _mm256_movemask_ps((__m256)mask));
#elif defined(__x86_64__)
    return static_cast<uint32_t>(wide ? _mm_movemask_pd((__m128d)mask)
                                      : _mm_movemask_ps((__m128)mask));
#else
    uint32_t bits = 0;
    for (int i = 0; i < kLanes<C>; ++i) bits |= (mask[i] & 1u) << i;
    return bits;
#endif
}

// The entries of a tile, in a place of the thread's own.
template <class C> struct Picked {
    C* values;
    uint16_t* columns;
    int64_t count = 0;

#if defined(__AVX512F__)
    // Whole vectors are written; what is beyond the count is overwritten by the next.
    NEGLOG_INLINE void add(Vec<C> v, uint32_t kept, int64_t column) {
        const int first = static_cast<int>(column);
        if constexpr (sizeof(C) == sizeof(double)) {
            const __m512i lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
            const __m512i at = _mm512_add_epi64(lanes, _mm512_set1_epi64(first));
            const __mmask8 mask = static_cast<__mmask8>(kept);
            store(values + count, (Vec<C>)_mm512_maskz_compress_pd(mask, (__m512d)v));
            const __m128i packed = _mm512_cvtepi64_epi16(_mm512_maskz_compress_epi64(mask, at));
            __builtin_memcpy(columns + count, &packed, sizeof packed);
        } else {
            const __m512i lanes =
                _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            const __m512i at = _mm512_add_epi32(lanes, _mm512_set1_epi32(first));
            const __mmask16 mask = static_cast<__mmask16>(kept);
            store(values + count, (Vec<C>)_mm512_maskz_compress_ps(mask, (__m512)v));
            const __m256i packed = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, at));
            __builtin_memcpy(columns + count, &packed, sizeof packed);
        }
        count += __builtin_popcount(kept);
    }
#else
    NEGLOG_INLINE void add(Vec<C> v, uint32_t kept, int64_t column) {
        const C* lanes = reinterpret_cast<const C*>(&v);
        for (; kept; kept &= kept - 1) {
            const int lane = __builtin_ctz(kept);
            values[count] = lanes[lane];
            columns[count++] = static_cast<uint16_t>(column + lane);
        }
    }
#endif
};

inline void add_to(double* to, Vec<double> v) { store(to, load(to) + v); }

// What a row leaves out: the magnitudes of each sign, by row in here and by class where they point.
// Two sums by row, for an addition waits for the one before it.
template <class C> struct Left {
    double *plus, *minus;  // by class
    Vec<double> row_plus[2] = {}, row_minus[2] = {};

    NEGLOG_INLINE void add(Vec<double> v, int64_t j, int half) {
        const Vec<double> up = larger(v, Vec<double>{}), down = up - v;
        row_plus[half] += up;
        row_minus[half] += down;
        add_to(plus + j, up);
        add_to(minus + j, down);
    }
    // All of one sign, as nearly everywhere in p - y.
    NEGLOG_INLINE void add_plus(Vec<double> v, int64_t j, int half) {
        row_plus[half] += v;
        add_to(plus + j, v);
    }
    NEGLOG_INLINE void add_all(Vec<C> v, int64_t j) {
        const bool mixed = bits_of<C>(v < 0) != 0;
        if constexpr (sizeof(C) == sizeof(double)) {
            mixed ? add(v, j, 0) : add_plus(v, j, 0);
        } else {
            const Wide wide = widen(v);
            const int64_t k = j + kLanes<double>;
            if (mixed)
                add(wide.low, j, 0), add(wide.high, k, 1);
            else
                add_plus(wide.low, j, 0), add_plus(wide.high, k, 1);
        }
    }
};

// Which vectors of a row hold entries to keep, and which lanes of them.
template <class C> struct Found {
    uint16_t columns[kPanel / kLanes<C> + 1], lanes[kPanel / kLanes<C> + 1];
    int64_t count = 0;

    NEGLOG_INLINE void add(uint32_t kept, int64_t column) {
        columns[count] = static_cast<uint16_t>(column);
        lanes[count] = static_cast<uint16_t>(kept);
        count += kept != 0;
    }
};

// Entries to keep are noted first and picked out then: a branch at each vector would be guessed
// wrong so often that it takes as long as all the rest.
template <class T>
inline void pick_row(const T* grad, const T* next, int64_t n, Compute<T> threshold,
                     Picked<Compute<T>>& picked, Left<Compute<T>>& left) {
    using C = Compute<T>;
    constexpr int W = kLanes<C>;
    const Vec<C> limit = splat(threshold);
    Found<C> found;
    const auto look = [&](Vec<C> v, int64_t j) {
        const IVec<C> small = magnitude<C>(v) <= limit;  // not so for a nan
        found.add(bits_of<C>(~small), j);
        left.add_all(bit_cast<Vec<C>>(bit_cast<IVec<C>>(v) & small), j);
    };
    const int64_t whole = n - n % W;
    for (int64_t j = 0; j < whole; j += W) {
        __builtin_prefetch(next + j);
        look(load(grad + j), j);
    }
    const Tail<T, W> last(grad + whole, n - whole, T{});
    if (whole < n) look(load(last.at), whole);
    for (int64_t i = 0; i < found.count; ++i) {
        const int64_t j = found.columns[i];
        picked.add(load(j < whole ? grad + j : last.at), found.lanes[i], j);
    }
}

// A tile's sums by class.
struct alignas(64) ClassSums {
    double plus[kPanel], minus[kPanel];
};

inline double total(Vec<double> v) {
    double sum = 0;
    for (int i = 0; i < kLanes<double>; ++i) sum += v[i];
    return sum;
}

template <class T>
inline void pick_tile(const CompressJob& job, int64_t band, int64_t panel,
                      Picked<Compute<T>>& picked, ClassSums& sums) {
    using C = Compute<T>;
    const Entries& to = job.to;
    const int64_t end = least((band + 1) * kBand, to.rows), first = panel * kPanel;
    const int64_t n = least(kPanel, to.classes - first);
    for (int64_t row = band * kBand; row < end; ++row) {
        const T* grad = static_cast<const T*>(job.grad) + row * job.step + first;
        Left<C> left{sums.plus, sums.minus};
        pick_row(grad, grad + job.step, n, rounded_down<C>(job.threshold[row]), picked, left);
        to.ends[panel * to.rows + row] = static_cast<uint32_t>(picked.count);
        job.row_sums[2 * panel * to.rows + row] = total(left.row_plus[0] + left.row_plus[1]);
        job.row_sums[(2 * panel + 1) * to.rows + row] =
            total(left.row_minus[0] + left.row_minus[1]);
    }
    double* by_class = job.class_sums + 2 * band * to.classes + first;
    const size_t bytes = static_cast<size_t>(n) * sizeof(double);
    __builtin_memcpy(by_class, sums.plus, bytes);
    __builtin_memcpy(by_class + to.classes, sums.minus, bytes);
}

template <class T>
inline void compress(const CompressJob& job, int64_t begin, int64_t end, char* memory) {
    using C = Compute<T>;
    const Entries& to = job.to;
    const int64_t panels = panels_of(to.classes);
    const int64_t tile = least(to.rows, kBand) * least(to.classes, kPanel) + kLanes<C>;
    for (int64_t u = begin; u < end; ++u) {
        if (__atomic_load_n(job.used, __ATOMIC_RELAXED) > to.capacity) return;
        C* values = reinterpret_cast<C*>(memory);
        Picked<C> picked{values, reinterpret_cast<uint16_t*>(values + tile)};
        ClassSums sums{};
        pick_tile<T>(job, u / panels, u % panels, picked, sums);
        const int64_t at = __atomic_fetch_add(job.used, picked.count, __ATOMIC_RELAXED);
        if (at + picked.count > to.capacity) return;
        const size_t count = static_cast<size_t>(picked.count);
        to.starts[u] = at;
        __builtin_memcpy(static_cast<C*>(to.values) + at, picked.values, count * sizeof(C));
        __builtin_memcpy(to.columns + at, picked.columns, count * sizeof(uint16_t));
    }
}

// ---- products -------------------------------------------------------------------------------

// Where the entries of a row in a panel lie in the pool.
struct Run {
    int64_t begin, end;
};
inline Run run_of(const Entries& e, int64_t row, int64_t panel) {
    const uint32_t* ends = e.ends + panel * e.rows + row;
    const int64_t start = e.starts[row / kBand * panels_of(e.classes) + panel];
    return {start + (row % kBand ? ends[-1] : 0), start + ends[0]};
}

// A slice of some rows of a factor, copied to where its vectors cross no border of a cache line,
// which costs the second cache half of its speed; as the compute type, filled up with zeros.
template <class T>
inline void pack_row(const T* from, int64_t n, Compute<T>* to) {
    constexpr int W = kLanes<Compute<T>>;
    int64_t j = 0;
    for (; j + W <= n; j += W) store(to + j, load(from + j));
    if (j == n) return;
    const Tail<T, W> last(from + j, n - j, T{});
    store(to + j, load(last.at));
}

// Asks for memory that is used some hundred cycles later.
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

// to[0 .. n] += the terms.  As many sums at once as registers hold and the width has.
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

// A slice of those of a panel's classes that have entries in these rows.
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
