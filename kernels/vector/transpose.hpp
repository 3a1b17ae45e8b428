// Rows to lanes and back: a block of rows of logits transposed by 90 degrees, 16 bytes of each row
// at a time, in registers.
#pragma once

#include "vector/vec.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// Four floats from each of kLanes / 4 places, and back; in the order of the lanes.
constexpr int kQuads = kLanes<float> / 4;
NEGLOG_INLINE Vec<float> load_quads(const float* from, int64_t apart) {
#if defined(__AVX512F__)
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(from));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(from + apart), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(from + 2 * apart), 2);
    return (Vec<float>)_mm512_insertf32x4(v, _mm_loadu_ps(from + 3 * apart), 3);
#elif defined(__AVX2__)
    return (Vec<float>)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)),
                                            _mm_loadu_ps(from + apart), 1);
#else
    (void)apart;
    return load(from);
#endif
}
template <int Quad> NEGLOG_INLINE void store_quad(float* to, Vec<float> v) {
#if defined(__AVX512F__)
    _mm_storeu_ps(to, _mm512_extractf32x4_ps((__m512)v, Quad));
#elif defined(__AVX2__)
    _mm_storeu_ps(to, _mm256_extractf128_ps((__m256)v, Quad));
#else
    store(to, v);
#endif
}
// The same for pairs of doubles.
constexpr int kPairs = kLanes<double> / 2;
NEGLOG_INLINE Vec<double> load_pairs(const double* from, int64_t apart) {
#if defined(__AVX512F__)
    __m512d v = _mm512_castpd128_pd512(_mm_loadu_pd(from));
    v = _mm512_insertf64x2(v, _mm_loadu_pd(from + apart), 1);
    v = _mm512_insertf64x2(v, _mm_loadu_pd(from + 2 * apart), 2);
    return (Vec<double>)_mm512_insertf64x2(v, _mm_loadu_pd(from + 3 * apart), 3);
#elif defined(__AVX2__)
    return (Vec<double>)_mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(from)),
                                             _mm_loadu_pd(from + apart), 1);
#else
    (void)apart;
    return load(from);
#endif
}
template <int Pair> NEGLOG_INLINE void store_pair(double* to, Vec<double> v) {
#if defined(__AVX512F__)
    _mm_storeu_pd(to, _mm512_extractf64x2_pd((__m512d)v, Pair));
#elif defined(__AVX2__)
    _mm_storeu_pd(to, _mm256_extractf128_pd((__m256d)v, Pair));
#else
    store(to, v);
#endif
}

// Of a quad of lanes i / 4 in two vectors a and b: a0 b0 a1 b1, a2 b2 a3 b3, a0 a1 b0 b1, a2 a3 b2
// b3.
constexpr int low_halves(int i) { return i / 4 * 4 + i % 4 / 2 + i % 2 * kLanes<float>; }
constexpr int high_halves(int i) { return low_halves(i) + 2; }
constexpr int left_halves(int i) { return i / 4 * 4 + i % 2 + i % 4 / 2 * kLanes<float>; }
constexpr int right_halves(int i) { return left_halves(i) + 2; }

// Transposes four vectors of four floats in each quad: lane 4 q + k of vector c becomes lane 4 q +
// c of vector k.
NEGLOG_INLINE void transpose_quads(Vec<float> (&v)[4]) {
    const Vec<float> ab_low = shuffle<float, low_halves>(v[0], v[1]),
                     ab_high = shuffle<float, high_halves>(v[0], v[1]);
    const Vec<float> cd_low = shuffle<float, low_halves>(v[2], v[3]),
                     cd_high = shuffle<float, high_halves>(v[2], v[3]);
    v[0] = shuffle<float, left_halves>(ab_low, cd_low);
    v[1] = shuffle<float, right_halves>(ab_low, cd_low);
    v[2] = shuffle<float, left_halves>(ab_high, cd_high);
    v[3] = shuffle<float, right_halves>(ab_high, cd_high);
}

// Rows to lanes: to[j * W + i] = from[i * stride + j].  Four classes at a time, of which the last
// four overlap their neighbours; with fewer than four, what follows a row is read along with it.
inline void transpose_to_lanes(const float* from, int64_t stride, int64_t V, float* to) {
    constexpr int W = kLanes<float>;
    for (int64_t j = 0; j < V; j += 4) {
        j = j + 4 <= V || V < 4 ? j : V - 4;
        Vec<float> v[4];
        for (int k = 0; k < 4; ++k) v[k] = load_quads(from + k * stride + j, 4 * stride);
        transpose_quads(v);
        for (int k = 0; k < 4; ++k) store(to + (j + k) * W, v[k]);
    }
}
template <int Quad> NEGLOG_INLINE void store_rows(const Vec<float> (&v)[4], float* to,
                                                  int64_t stride) {
    for (int k = 0; k < 4; ++k) store_quad<Quad>(to + (4 * Quad + k) * stride, v[k]);
    if constexpr (Quad + 1 < kQuads) store_rows<Quad + 1>(v, to, stride);
}
// And back.  Rows are written in their order: with fewer than four classes each overwrites what
// the one before wrote past its end.
inline void transpose_from_lanes(const float* from, int64_t V, float* to, int64_t stride) {
    constexpr int W = kLanes<float>;
    for (int64_t j = 0; j < V; j += 4) {
        j = j + 4 <= V || V < 4 ? j : V - 4;
        Vec<float> v[4];
        for (int k = 0; k < 4; ++k) v[k] = load(from + (j + k) * W);
        transpose_quads(v);
        store_rows<0>(v, to + j, stride);
    }
}

// The same for float64, two classes at a time.
constexpr int left_of_pairs(int i) { return i / 2 * 2 + i % 2 * kLanes<double>; }
constexpr int right_of_pairs(int i) { return left_of_pairs(i) + 1; }
NEGLOG_INLINE void transpose_pairs(Vec<double> (&v)[2]) {
    const Vec<double> a = v[0], b = v[1];
    v[0] = shuffle<double, left_of_pairs>(a, b);
    v[1] = shuffle<double, right_of_pairs>(a, b);
}
inline void transpose_to_lanes(const double* from, int64_t stride, int64_t V, double* to) {
    constexpr int W = kLanes<double>;
    for (int64_t j = 0; j < V; j += 2) {
        j = j + 2 <= V || V < 2 ? j : V - 2;
        Vec<double> v[2] = {load_pairs(from + j, 2 * stride),
                            load_pairs(from + stride + j, 2 * stride)};
        transpose_pairs(v);
        store(to + j * W, v[0]);
        store(to + (j + 1) * W, v[1]);
    }
}
template <int Pair> NEGLOG_INLINE void store_rows(const Vec<double> (&v)[2], double* to,
                                                  int64_t stride) {
    store_pair<Pair>(to + 2 * Pair * stride, v[0]);
    store_pair<Pair>(to + (2 * Pair + 1) * stride, v[1]);
    if constexpr (Pair + 1 < kPairs) store_rows<Pair + 1>(v, to, stride);
}
inline void transpose_from_lanes(const double* from, int64_t V, double* to, int64_t stride) {
    constexpr int W = kLanes<double>;
    for (int64_t j = 0; j < V; j += 2) {
        j = j + 2 <= V || V < 2 ? j : V - 2;
        Vec<double> v[2] = {load(from + j * W), load(from + (j + 1) * W)};
        transpose_pairs(v);
        store_rows<0>(v, to + j, stride);
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
