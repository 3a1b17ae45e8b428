// The sums that a row needs at all temperatures, from one pass over its logits.
//
// exp((z - max) / 16) is squared three times, exp(z - max) four times.  Squaring doubles the
// relative error: from 1/16 up to 16 it would grow by 256, this way by 8 and by 16.
#pragma once

#include "scores/job.hpp"
#include "vector/sums.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// An exponential below e^floor is 0; lowest stands for a logit of -inf.
template <class C> struct Range;
template <> struct Range<float> {
    static constexpr float floor = -86.5f, lowest = -0x1p+100f;
};
template <> struct Range<double> {
    static constexpr double floor = -707, lowest = -0x1p+1000;
};

template <class C> NEGLOG_INLINE Vec<C> times_power_of_2(Vec<C> x, Vec<C> power) {
    return bit_cast<Vec<C>>(bit_cast<Bits<C>>(x) +
                            (bit_cast<Bits<C>>(power) << ExpTable<C>::mantissa));
}
// exp(x + low) for x <= 0.
template <class C> NEGLOG_INLINE Vec<C> exp_below(Vec<C> x, Vec<C> low) {
    using E = ExpTable<C>;
    const Vec<C> power = power_of<C>(x), n = power - E::magic;
    const Vec<C> r = less_ln2<C>(x, n) + fused(n, splat(-E::ln2_lo), low);
    const Vec<C> e = times_power_of_2<C>(exp_polynomial<C>(r), power);
    return (x < Range<C>::floor) ? Vec<C>{} : e;
}
// The same where a relative error of 2e-7 will do, for float32: a shorter polynomial (Remez, 1e-7).
NEGLOG_INLINE Vec<float> exp_roughly(Vec<float> x) {
    using E = ExpTable<float>;
    constexpr float c[] = {0.49999231493892120f, 0.16667114639228783f, 0.041890156988511320f,
                           0.0083125210880309950f};
    const Vec<float> power = power_of<float>(x), n = power - E::magic;
    const Vec<float> r = fused(n, splat(-0.693147180559945f), x);
    Vec<float> q = fused(splat(c[3]), r, splat(c[2]));
    q = fused(q, r, splat(c[1]));
    q = fused(q, r, splat(c[0]));
    q = fused(fused(q, r, splat(1.0f)), r, splat(1.0f));
    return (x < Range<float>::floor) ? Vec<float>{} : times_power_of_2<float>(q, power);
}
NEGLOG_INLINE Vec<double> exp_roughly(Vec<double> x) { return exp_below<double>(x, Vec<double>{}); }

// -sum log(1 - p) of float32 probabilities up to 1/2 needs no logarithm for each: it is a sum over
// powers of p of which five are sums at other temperatures.  The error is below 7.6e-8 of the
// result.  (Without the sixth power 7.4e-7.)
constexpr int kMorePowers = 3;  // the 3rd, 5th and 6th
constexpr float kPowers[] = {1,           0.49999085f, 0.3336724f,  0.24614479f,
                             0.21593367f, 0.16352883f, 0.44078564f, 2.06678926f};
// That sum, from the sums of the powers 1, 2, 4, 8 and 16 of e and of the 3rd, 5th and 6th, where
// p = share e.
NEGLOG_INLINE Vec<float> minus_log_complement(const Vec<float> (&doubled)[5],
                                              const Vec<float> (&more)[kMorePowers],
                                              Vec<float> share) {
    const Vec<float> s2 = share * share, s3 = s2 * share, s4 = s2 * s2, s8 = s4 * s4;
    Vec<float> sum = s8 * s8 * doubled[4] * kPowers[7];
    sum = fused(s8 * kPowers[6], doubled[3], sum);
    sum = fused(s3 * s3 * kPowers[5], more[2], sum);
    sum = fused(s3 * s2 * kPowers[4], more[1], sum);
    sum = fused(s4 * kPowers[3], doubled[2], sum);
    sum = fused(s3 * kPowers[2], more[0], sum);
    sum = fused(s2 * kPowers[1], doubled[1], sum);
    return fused(share, doubled[0], sum);
}

// Sums of e = exp(beta (z - max)) and of e (max - z) for each beta, without the maximum's own, in
// each lane; and, for a polynomial in float32, of its products.
template <class C, bool products = true> struct Curve {
    static constexpr bool kPolynomial = products && sizeof(C) == 4;
    Vec<C> others[kBetas] = {}, gaps[kBetas] = {}, more[kMorePowers] = {};

    // Adds N vectors of logits; the maximum's place holds -inf.  Leaves their exponentials in e.
    template <int N> NEGLOG_INLINE void add(const Vec<C> (&z)[N], Vec<C> max, Vec<C> (&e)[N]) {
        Vec<C> x[N], root[N], power[N];
        for (int i = 0; i < N; ++i) {
            const Pair<C> d = subtract<C>(z[i], max);
            x[i] = larger(d.high, splat(Range<C>::lowest));
            root[i] = exp_roughly(x[i] * static_cast<C>(1.0 / 16));
            power[i] = e[i] = exp_below<C>(x[i], d.low);
        }
#pragma GCC unroll 16
        for (int k = 0; k < kAtOne; ++k) {
            add_to<N>(k, root, x);
            for (int i = 0; i < N; ++i) root[i] *= root[i];
        }
#pragma GCC unroll 16
        for (int k = kAtOne; k < kBetas; ++k) {
            add_to<N>(k, power, x);
            if constexpr (kPolynomial) {
                if (k == kAtOne + 1) add_products<N>(0, e, power);
                if (k == kAtOne + 2) add_products<N>(1, e, power);
            }
            for (int i = 0; i < N; ++i) power[i] *= power[i];
        }
    }

private:
    template <int N> NEGLOG_INLINE static Vec<C> sum_of(const Vec<C> (&x)[N]) {
        Vec<C> sum = x[0];
        if constexpr (N == 4)
            sum = (x[0] + x[1]) + (x[2] + x[3]);
        else
            for (int i = 1; i < N; ++i) sum += x[i];
        return sum;
    }
    template <int N> NEGLOG_INLINE void add_to(int k, const Vec<C> (&e)[N], const Vec<C> (&x)[N]) {
        Vec<C> gap = e[0] * x[0];
        for (int i = 1; i < N; ++i) gap = fused(e[i], x[i], gap);
        others[k] += sum_of<N>(e);
        gaps[k] -= gap;
    }
    // e times its second power, and the square of that; or e times its fourth.
    template <int N>
    NEGLOG_INLINE void add_products(int k, const Vec<C> (&e)[N], const Vec<C> (&power)[N]) {
        Vec<C> product[N], square[N];
        for (int i = 0; i < N; ++i) product[i] = e[i] * power[i];
        more[k] += sum_of<N>(product);
        if (k) return;
        for (int i = 0; i < N; ++i) square[i] = product[i] * product[i];
        more[2] += sum_of<N>(square);
    }
};

}  // namespace
}  // namespace neglog::NEGLOG_ISA
