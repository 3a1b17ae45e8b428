// float16 and bfloat16: half a register of them fills a register of float32, and back, rounded to
// the nearest, ties to even.
#pragma once

#include "vector/vec.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

typedef uint16_t Bits16 __attribute__((vector_size(kVecBytes / 2)));
using Bits32 = Vec<uint32_t>;

inline Bits32 load_bits(const void* from) {
    Bits16 v;
    __builtin_memcpy(&v, from, sizeof v);
    return __builtin_convertvector(v, Bits32);
}
inline void store_bits(void* to, Bits32 bits) {
    const Bits16 v = __builtin_convertvector(bits, Bits16);
    __builtin_memcpy(to, &v, sizeof v);
}

inline Vec<float> load(const bfloat* from) { return bit_cast<Vec<float>>(load_bits(from) << 16); }

inline void store(bfloat* to, Vec<float> v) {
    const Bits32 u = bit_cast<Bits32>(v);
    const Bits32 even = u + 0x7fff + ((u >> 16) & 1);  // to nearest, ties to even
    store_bits(to, ((v == v) ? even : (u | 0x400000)) >> 16);
}

#if defined(__F16C__)

inline Vec<float> load(const half* from) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#else
    return (Vec<float>)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#endif
}
inline void store(half* to, Vec<float> v) {
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
#if defined(__AVX512F__)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph((__m512)v, nearest));
#else
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph((__m256)v, nearest));
#endif
}

#else

// Shift the 15 bits into place as a float32 whose exponent is 112 too small, and let a product
// put that right: it also makes the subnormal halves normal.
inline Vec<float> load(const half* from) {
    const Bits32 h = load_bits(from);
    const Bits32 magnitude = (h & 0x7fff) << 13;
    const Bits32 scaled = bit_cast<Bits32>(bit_cast<Vec<float>>(magnitude) * 0x1p112f);
    const Bits32 special = magnitude | 0x7f800000;
    const Bits32 value = (magnitude >= 0x0f800000) ? special : scaled;
    return bit_cast<Vec<float>>(value | ((h & 0x8000) << 16));
}
inline void store(half* to, Vec<float> v) {
    const Bits32 u = bit_cast<Bits32>(v);
    const Bits32 magnitude = u & 0x7fffffff;
    // Subnormal halves: adding 0.5 aligns their last bit with the last bit of the sum.
    const Bits32 small = bit_cast<Bits32>(bit_cast<Vec<float>>(magnitude) + 0.5f) - 0x3f000000;
    const Bits32 normal = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    const Bits32 infinite = Bits32{} + 0x7c00;
    const Bits32 nan = Bits32{} + 0x7e00;
    Bits32 bits = (magnitude < 0x38800000) ? small : normal;
    bits = (magnitude >= 0x477ff000) ? infinite : bits;
    bits = (magnitude > 0x7f800000) ? nan : bits;
    store_bits(to, bits | ((u >> 16) & 0x8000));
}

#endif

}  // namespace
}  // namespace neglog::NEGLOG_ISA
