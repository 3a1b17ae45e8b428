// One vector register of the instruction set this file is compiled for, and how the four number
// types enter and leave it.  Everything lives in namespace NEGLOG_ISA and is internal to its
// translation unit: a function compiled for AVX-512 that the linker could merge with its twin
// for an older CPU would crash there.  For the same reason nothing of the C++ library is used.
#pragma once

#include <cstdint>
#include <utility>  // index_sequence, which is a type alone

// For the pieces of an inner loop: a call would pass vectors through memory.
#define NEGLOG_INLINE [[gnu::always_inline]] inline

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace neglog::NEGLOG_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kVecBytes = 64;
#elif defined(__AVX2__)
constexpr int kVecBytes = 32;
#else
constexpr int kVecBytes = 16;
#endif

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool kFused = true;  // a product and a sum with one rounding
#else
constexpr bool kFused = false;
#endif

// Of numbers that are computed with, which halves are not.
template <class C>
    requires(sizeof(C) >= 4)
struct VecOf {
    typedef C type __attribute__((vector_size(kVecBytes)));
};
template <class C> using Vec = typename VecOf<C>::type;
template <class C> struct IntOf;
template <> struct IntOf<float> {
    using type = int32_t;
};
template <> struct IntOf<double> {
    using type = int64_t;
};
template <class C> using Int = typename IntOf<C>::type;
template <class C> using IVec = Vec<Int<C>>;
// Bits of the same size: arithmetic on exponents wraps around, which unsigned numbers may.
template <class C> struct UnsignedOf;
template <> struct UnsignedOf<float> {
    using type = uint32_t;
};
template <> struct UnsignedOf<double> {
    using type = uint64_t;
};
template <class C> using Bits = Vec<typename UnsignedOf<C>::type>;
template <class C> constexpr int kLanes = kVecBytes / static_cast<int>(sizeof(C));

// float16 and bfloat16 are stored in 16 bits and computed with as float32.
struct half {
    uint16_t bits;
};
struct bfloat {
    uint16_t bits;
};
template <class T> struct ComputeOf {
    using type = float;
};
template <> struct ComputeOf<double> {
    using type = double;
};
template <class T> using Compute = typename ComputeOf<T>::type;

template <class To, class From> inline To bit_cast(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

template <class C> inline Vec<C> splat(C x) { return x - Vec<C>{}; }  // x - 0 keeps the sign of -0
template <class C> inline IVec<C> splat_int(Int<C> x) { return x - IVec<C>{}; }

// The lanes of a and b that Index(0), Index(1), ... name; those of b follow those of a.
template <class C, int (*Index)(int), size_t... I>
NEGLOG_INLINE Vec<C> pick(Vec<C> a, Vec<C> b, std::index_sequence<I...>) {
    return __builtin_shufflevector(a, b, Index(static_cast<int>(I))...);
}
template <class C, int (*Index)(int)> NEGLOG_INLINE Vec<C> shuffle(Vec<C> a, Vec<C> b) {
    return pick<C, Index>(a, b, std::make_index_sequence<kLanes<C>>{});
}
// Lanes i and i ^ Step change places.
template <int Step> constexpr int partner(int i) { return i ^ Step; }
template <class C, int Step> NEGLOG_INLINE Vec<C> swap_lanes(Vec<C> v) {
    return shuffle<C, partner<Step>>(v, v);
}

// The larger of two lanes; a nan in `a` is passed over (the sum of the row finds it later).
inline Vec<float> larger(Vec<float> a, Vec<float> b) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (Vec<float>)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return a > b ? a : b;
#endif
}
inline Vec<double> larger(Vec<double> a, Vec<double> b) {
#if defined(__AVX512F__)
    return (Vec<double>)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
    return (Vec<double>)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
    return a > b ? a : b;
#endif
}

// a b + c, with a single rounding if the CPU has it.  Written out, because a compiler that is free
// to fuse gives the same formula different bits in different places.
NEGLOG_INLINE Vec<float> fused(Vec<float> a, Vec<float> b, Vec<float> c) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
    return (Vec<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    for (int i = 0; i < 4; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
}
NEGLOG_INLINE Vec<double> fused(Vec<double> a, Vec<double> b, Vec<double> c) {
#if defined(__AVX512F__)
    return (Vec<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
    return (Vec<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__aarch64__)
    for (int i = 0; i < 2; ++i) c[i] = __builtin_fma(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
}

// ---- float32 and float64 ------------------------------------------------------------------

template <class C> inline Vec<C> load(const C* from) {
    Vec<C> v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}
template <class C> inline void store(C* to, Vec<C> v) { __builtin_memcpy(to, &v, sizeof v); }

typedef float HalfVec __attribute__((vector_size(kVecBytes / 2)));

// The two halves of a register of float32 in float64.
struct Wide {
    Vec<double> low, high;
};
inline Wide widen(Vec<float> v) {
#if defined(__AVX512F__)
    return {(Vec<double>)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v)),
            (Vec<double>)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1))};
#elif defined(__AVX2__)
    return {(Vec<double>)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v)),
            (Vec<double>)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1))};
#else
    HalfVec half[2];
    __builtin_memcpy(half, &v, sizeof v);
    return {__builtin_convertvector(half[0], Vec<double>),
            __builtin_convertvector(half[1], Vec<double>)};
#endif
}

// Joins two half registers; through memory the load would wait for both stores.
NEGLOG_INLINE Vec<float> join(HalfVec low, HalfVec high) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_insertf32x8(_mm512_castps256_ps512((__m256)low), (__m256)high, 1);
#elif defined(__AVX2__)
    return (Vec<float>)_mm256_insertf128_ps(_mm256_castps128_ps256((__m128)low), (__m128)high, 1);
#else
    Vec<float> v;
    __builtin_memcpy(&v, &low, sizeof low);
    __builtin_memcpy(reinterpret_cast<char*>(&v) + sizeof low, &high, sizeof high);
    return v;
#endif
}
// Converts float64 numbers or int64 indices to lanes of the compute type.
NEGLOG_INLINE Vec<float> narrow(Vec<double> low, Vec<double> high) {
    return join(__builtin_convertvector(low, HalfVec), __builtin_convertvector(high, HalfVec));
}
template <class C> inline Vec<C> load_narrow(const double* from) {
    if constexpr (sizeof(C) == sizeof(double))
        return load(from);
    else
        return narrow(load(from), load(from + kLanes<double>));
}
template <class C> NEGLOG_INLINE IVec<C> load_narrow(const int64_t* from) {
    if constexpr (sizeof(C) == sizeof(double)) return load(from);
    typedef int32_t Half __attribute__((vector_size(kVecBytes / 2)));
    const Half low = __builtin_convertvector(load(from), Half);
    const Half high = __builtin_convertvector(load(from + kLanes<double>), Half);
    return bit_cast<IVec<C>>(join(bit_cast<HalfVec>(low), bit_cast<HalfVec>(high)));
}
inline void store_wide(int64_t* to, Vec<int64_t> v) { store(to, v); }
inline void store_wide(int64_t* to, Vec<int32_t> v) {
    typedef int32_t Half __attribute__((vector_size(kVecBytes / 2)));
    Half half[2];
    __builtin_memcpy(half, &v, sizeof v);
    store(to, __builtin_convertvector(half[0], Vec<int64_t>));
    store(to + kLanes<double>, __builtin_convertvector(half[1], Vec<int64_t>));
}
inline void store_wide(double* to, Vec<double> v) { store(to, v); }
inline void store_wide(double* to, Vec<float> v) {
    const Wide wide = widen(v);
    store(to, wide.low);
    store(to + kLanes<double>, wide.high);
}

// Copies to memory that is not read soon, without first loading it into the cache.
inline void stream(char* to, const char* from, int64_t bytes) {
#if defined(__x86_64__)
    int64_t head = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(to) & (kVecBytes - 1));
    head = head < bytes ? head : bytes;
    __builtin_memcpy(to, from, static_cast<size_t>(head));
    int64_t i = head;
    for (; i + kVecBytes <= bytes; i += kVecBytes) {
#if defined(__AVX512F__)
        _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_loadu_si512(from + i));
#elif defined(__AVX2__)
        _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i),
                            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)));
#else
        _mm_stream_si128(reinterpret_cast<__m128i*>(to + i),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
#endif
    }
    __builtin_memcpy(to + i, from + i, static_cast<size_t>(bytes - i));
#else
    __builtin_memcpy(to, from, static_cast<size_t>(bytes));
#endif
}

// Results below the smallest normal number become 0: making them subnormal takes the CPU
// some 150 cycles each, and nothing is promised below the smallest normal number.
class FlushSubnormals {
#if defined(__x86_64__)
    unsigned saved_ = _mm_getcsr();

public:
    FlushSubnormals() { _mm_setcsr((saved_ & ~0x6000u) | _MM_FLUSH_ZERO_ON); }
    ~FlushSubnormals() { _mm_setcsr(saved_); }
#else
public:
    FlushSubnormals() {}
    ~FlushSubnormals() {}
#endif
    FlushSubnormals(const FlushSubnormals&) = delete;
    FlushSubnormals& operator=(const FlushSubnormals&) = delete;
};

}  // namespace
}  // namespace neglog::NEGLOG_ISA
