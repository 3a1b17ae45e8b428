// The large entries of a gradient picked out, the others summed.
#pragma once

#include "sparse/job.hpp"
#include "vector/sums.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

template <class C> inline size_t compress_bytes(const CompressJob& job) {
    const int64_t tile = least(job.to.rows, kBand) * least(job.to.classes, kPanel);
    const int64_t entries = tile + kLanes<C>;  // a whole vector is written at the end
    return static_cast<size_t>(entries) * (sizeof(C) + sizeof(uint16_t));
}

// The largest number of the compute type that is not above the threshold.
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
// One bit per lane.
template <class C> NEGLOG_INLINE uint32_t bits_of(IVec<C> mask) {
    [[maybe_unused]] constexpr bool wide = sizeof(C) == sizeof(double);
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

// The entries of a tile, in scratch memory of the thread.
template <class C> struct Picked {
    C* values;
    uint16_t* columns;
    int64_t count = 0;

#if defined(__AVX512F__)
    // Writes whole vectors; the next one overwrites what lies beyond the count.
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

// Sums of the magnitudes that are left out, for each sign: of the row in here, by class in the
// arrays. There are two sums per row, because each addition waits for the previous one.
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
    // For numbers of one sign, as nearly everywhere in p - y.
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

// The vectors of a row with entries to keep, and their lanes.
template <class C> struct Found {
    uint16_t columns[kPanel / kLanes<C> + 1], lanes[kPanel / kLanes<C> + 1];
    int64_t count = 0;

    NEGLOG_INLINE void add(uint32_t kept, int64_t column) {
        columns[count] = static_cast<uint16_t>(column);
        lanes[count] = static_cast<uint16_t>(kept);
        count += kept != 0;
    }
};

// Entries to keep are first noted and then picked out: a branch at each vector would be
// mispredicted so often that it took as long as everything else.
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

}  // namespace
}  // namespace neglog::NEGLOG_ISA
