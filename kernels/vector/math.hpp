// exp and log1p on vectors, with the accuracy that rows need.
#pragma once

#include "vector/vec.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

using Doubles = Vec<double>;
using Indices = IVec<double>;

inline bool any_lane(Indices mask) {
    int64_t any = 0;
    for (int i = 0; i < kLanes<double>; ++i) any |= mask[i];
    return any != 0;
}
// Rounded to the compute type, as float64.
template <class C> NEGLOG_INLINE Doubles round_to(Doubles x) {
    typedef C Same __attribute__((vector_size(kLanes<double> * sizeof(C))));
    return __builtin_convertvector(__builtin_convertvector(x, Same), Doubles);
}

// exp(x) = 2^n e^r with x = n ln2 + r, |r| <= ln2 / 2.  `magic` is added so that n stands, as an
// integer, in the low bits of the sum.  x - n ln2_hi is exact: in one instruction where the CPU
// multiplies and adds in one, else as long as n has no more digits than ln2_hi has zeros at its
// end; `near` is the largest |x| for which that holds and ln2_lo is exact enough.  The polynomials
// are near-minimax (Remez) for (e^r - 1 - r) / r^2; their relative errors in e^r are 3.1e-9 and
// 6.4e-18.
//
// Results are multiplied by 2^shift, so that an exponential down to 2^(smallest normal - shift)
// keeps all its digits until the row's factor has been multiplied in; `floor` (a logarithm) is
// where they end.
template <class C> struct ExpTable;
template <> struct ExpTable<float> {
    static constexpr float log2e = 0x1.715476p+0f, magic = 0x1.8p+23f;
    static constexpr float ln2_hi = 0x1.62e4p-1f, ln2_lo = 1.42860682e-6f;
    static constexpr int bias = 127, mantissa = 23, shift = 64;
    static constexpr float up = 0x1p+64f, down = 0x1p-64f;
    static constexpr double floor = -131.6;  // (-126 - 64 + 0.1) ln2
    static constexpr double near = kFused ? 65536 : 200;
    static constexpr float c[] = {0.50000000957045491784f, 0.16666518306154118015f,
                                  0.041666204126187615712f, 0.0083689535013379869671f,
                                  0.001395060308574658294f};
};
template <> struct ExpTable<double> {
    static constexpr double log2e = 0x1.71547652b82fep+0, magic = 0x1.8p+52;
    static constexpr double ln2_hi = 0x1.62e42fefa3800p-1, ln2_lo = 5.497923018708371174712e-14;
    static constexpr int bias = 1023, mantissa = 52, shift = 512;
    static constexpr double up = 0x1p+512, down = 0x1p-512;
    static constexpr double floor = -1063.2;  // (-1022 - 512 + 0.1) ln2
    static constexpr double near = kFused ? 65536 : 350;
    static constexpr double c[] = {0.50000000000000103169,     0.16666666666666674601,
                                   0.041666666666520945381,    0.0083333333333221269097,
                                   0.0013888888948140006032,   0.00019841269886836391551,
                                   0.000024801486965350888705, 2.7557242059340425888e-6,
                                   2.7632791582662333938e-7,   2.5110154340462049191e-8};
};

template <class C> NEGLOG_INLINE Vec<C> exp_polynomial(Vec<C> r) {
    using E = ExpTable<C>;
    constexpr int terms = static_cast<int>(sizeof(E::c) / sizeof(C));
    Vec<C> q = splat(E::c[terms - 1]);
#pragma GCC unroll 16
    for (int i = terms - 2; i >= 0; --i) q = fused(q, r, splat(E::c[i]));
    return 1 + fused(r * r, q, r);
}

// n of x, in the low bits of the sum that it is read from; and 2^(n + shift - reference) from it.
template <class C> NEGLOG_INLINE Vec<C> power_of(Vec<C> x) {
    return fused(x, splat(ExpTable<C>::log2e), splat(ExpTable<C>::magic));
}
template <class C> NEGLOG_INLINE Bits<C> reference_bits(Vec<C> power) {
    using E = ExpTable<C>;
    constexpr typename UnsignedOf<C>::type one = E::bias + E::shift;
    return (one << E::mantissa) - (bit_cast<Bits<C>>(power) << E::mantissa);
}

// x - n ln2_hi, exactly.
template <class C> NEGLOG_INLINE Vec<C> less_ln2(Vec<C> x, Vec<C> n) {
    return fused(n, splat(-ExpTable<C>::ln2_hi), x);
}

// exp(x + low) 2^(shift - n of the reference).  Wrong below the floor, where the exponent wraps:
// the caller sets those to 0.
template <class C> NEGLOG_INLINE Vec<C> exp_scaled(Vec<C> x, Vec<C> low, Bits<C> reference) {
    using E = ExpTable<C>;
    const Vec<C> power = power_of<C>(x);
    const Vec<C> n = power - E::magic;
    const Vec<C> r = less_ln2<C>(x, n) + fused(n, splat(-E::ln2_lo), low);
    const Bits<C> exponent = (bit_cast<Bits<C>>(power) << E::mantissa) + reference;
    return exp_polynomial<C>(r) * bit_cast<Vec<C>>(exponent);
}
template <class C> NEGLOG_INLINE Vec<C> exp_scaled(Vec<C> x, Bits<C> reference) {
    using E = ExpTable<C>;
    const Vec<C> power = power_of<C>(x);
    const Vec<C> n = power - E::magic;
    const Vec<C> r = fused(n, splat(-E::ln2_lo), less_ln2<C>(x, n));
    const Bits<C> exponent = (bit_cast<Bits<C>>(power) << E::mantissa) + reference;
    return exp_polynomial<C>(r) * bit_cast<Vec<C>>(exponent);
}

// exp(x) for x <= 0, 0 from -708 down, of float32 from -87.
template <class C> NEGLOG_INLINE Vec<C> exp_negative(Vec<C> x) {
    using E = ExpTable<C>;
    constexpr C least = sizeof(C) == 4 ? -87 : -708;
    const Vec<C> e = exp_scaled<C>(x, reference_bits<C>(splat(E::magic)));
    return (x < least) ? Vec<C>{} : e * E::down;
}

// a - b = high + low exactly (Knuth's TwoSum).
template <class C> struct Pair {
    Vec<C> high, low;
};
template <class C> NEGLOG_INLINE Pair<C> subtract(Vec<C> a, Vec<C> b) {
    const Vec<C> high = a - b;
    const Vec<C> a_back = high + b;
    const Vec<C> b_back = a_back - high;
    return {high, (a - a_back) + (b_back - b)};
}

// The rounding error of the product a * b (= product).
template <class C> NEGLOG_INLINE Vec<C> product_error(Vec<C> a, Vec<C> b, Vec<C> product) {
    if constexpr (kFused) return fused(a, b, -product);
    // Dekker: cut both factors in halves whose products are exact.
    constexpr Int<C> keep = sizeof(C) == 4 ? Int<C>(-1) << 12 : Int<C>(-1) << 27;
    const Vec<C> ah = bit_cast<Vec<C>>(bit_cast<IVec<C>>(a) & keep), al = a - ah;
    const Vec<C> bh = bit_cast<Vec<C>>(bit_cast<IVec<C>>(b) & keep), bl = b - bh;
    return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
}

// log(1 + x) for x >= 0, within 1 ulp in float64 and 2 in float32.  With u = 1 + x rounded
// and c what the rounding lost, log(1 + x) = log(u) + c / u, and u = 2^k (1 + f) with 1 + f near
// 1.  With s = f / (2 + f), log(1 + f) = 2 s + s R(s^2); as 2 s = f - s f, the sum is arranged so
// that f, which is exact, is added last.
template <class C> struct LogTable;
template <> struct LogTable<double> {
    static constexpr double R[] = {0.66666666666667097188, 0.39999999999517797068,
                                   0.28571428729876374022, 0.22222199018964388171,
                                   0.18183575740023799952, 0.15313047492686381877,
                                   0.1481176649211338889};
    static constexpr double huge = 0x1p+1000;
};
template <> struct LogTable<float> {
    static constexpr float R[] = {0.66666693928820820f, 0.39994508125166630f, 0.28876746082897964f,
                                  0.17616667985433046f};
    static constexpr float huge = 0x1p+120f;
};
template <class C> NEGLOG_INLINE Vec<C> log1p_of(Vec<C> x, Vec<C> inverse_of_1_plus_x) {
    using E = ExpTable<C>;
    using L = LogTable<C>;
    using U = typename UnsignedOf<C>::type;
    const Vec<C> u = 1 + x;
    const Vec<C> x_back = u - 1;
    const Vec<C> c = (x - x_back) + (1 - (u - x_back));
    // The mantissa is taken from sqrt(1/2) to sqrt(2), so that k = 0 near u = 1.
    constexpr C root = static_cast<C>(0.70710678118654752440);
    const U half_root = bit_cast<U>(root), one = U{E::bias} << E::mantissa;
    const Bits<C> bits = bit_cast<Bits<C>>(u) + (one - half_root);
    const Vec<C> k =  // a small exponent from 0 up, converted through the low bits of a sum
        bit_cast<Vec<C>>((bits >> E::mantissa) - E::bias + bit_cast<U>(E::magic)) - E::magic;
    const Vec<C> f = bit_cast<Vec<C>>((bits & ((U{1} << E::mantissa) - 1)) + half_root) - 1;
    const Vec<C> s = f / (2 + f);
    const Vec<C> z = s * s;
    constexpr int last = static_cast<int>(sizeof(L::R) / sizeof(C)) - 1;
    Vec<C> r = splat(L::R[last]);
#pragma GCC unroll 8
    for (int i = last - 1; i >= 0; --i) r = fused(r, z, splat(L::R[i]));
    const Vec<C> half_square = static_cast<C>(0.5) * f * f;
    const Vec<C> low = fused(k, splat(E::ln2_lo), c * inverse_of_1_plus_x);
    const Vec<C> tail = fused(s, fused(z, r, half_square), low);
    const Vec<C> log = fused(k, splat(E::ln2_hi), f - (half_square - tail));
    return (x < L::huge) ? log : x;  // inf and nan pass through
}
NEGLOG_INLINE Vec<double> log1p(Vec<double> x, Vec<double> inverse_of_1_plus_x) {
    return log1p_of<double>(x, inverse_of_1_plus_x);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
