// Two classes, one logit: sigmoid, its logarithm, and the loss, element by element in float64.
//
// With t = exp(-|z|): log(1 + exp(-z)) = max(-z, 0) + log1p(t), and sigmoid(z) is 1 / (1 + t) or
// t / (1 + t), whichever side z is on, so that neither tail loses a digit.
#pragma once

#include "rows/write.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

struct Sides {
    Vec<double> p, not_p, minus_log_p, minus_log_not_p;
};

inline Sides sides(Vec<double> z) {
    const Vec<double> a = (z < 0) ? z : -z;
    const Vec<double> t = exp_negative<double>(a);
    const Vec<double> inverse = 1 / (1 + t);
    const Vec<double> near = inverse, far = t * inverse, log = log1p(t, inverse);
    return {(z < 0) ? far : near, (z < 0) ? near : far, (z < 0) ? log - z : log,
            (z < 0) ? log : log + z};
}

template <class T> inline Vec<double> load_wide(const T* z, int64_t n) {
    alignas(kVecBytes) double wide[kLanes<double>] = {};
    for (int64_t i = 0; i < n; ++i) wide[i] = value_of(z + i);
    return load(wide);
}
template <> inline Vec<double> load_wide(const double* z, int64_t n) {
    return n >= kLanes<double> ? load(z) : load(Tail<double, kLanes<double>>(z, n, 0).at);
}
template <> inline Vec<double> load_wide(const float* z, int64_t n) {
    HalfVec half{};
    if (n >= kLanes<double>)
        __builtin_memcpy(&half, z, sizeof half);
    else
        __builtin_memcpy(&half, z, static_cast<size_t>(n) * sizeof(float));
    return __builtin_convertvector(half, Vec<double>);
}
template <class T> inline void store_wide(T* to, Vec<double> v, int64_t n) {
    if constexpr (sizeof(T) == sizeof(double)) {
        if (n >= kLanes<double>) return store(to, v);
    }
    for (int64_t i = 0; i < n && i < kLanes<double>; ++i) put(to + i, v[i]);
}

// A weight of 0 gives 0, so that y = 0 or 1 never multiplies 0 by inf.
inline Vec<double> weighed(Vec<double> weight, Vec<double> value) {
    return (weight == 0) ? weight * 0 : weight * value;
}

template <class T> void run_binary(const BinaryJob& job, int64_t begin, int64_t end) {
    using C = Compute<T>;
    constexpr int W = kLanes<double>;
    const T* z = static_cast<const T*>(job.logits);
    const C* target = static_cast<const C*>(job.target);
    T* out = static_cast<T*>(job.out);
    for (int64_t i = begin; i < end; i += W) {
        const int64_t n = end - i < W ? end - i : W;
        const Sides s = sides(load_wide(z + i, n));
        if (!target) {
            store_wide(out + i, job.log ? -s.minus_log_p : s.p, n);
            continue;
        }
        Vec<double> yes = load_wide(target + i, n);
        const Vec<double> no = 1 - yes;
        if (job.pos_weight)
            for (int64_t k = 0; k < n; ++k) yes[k] *= job.pos_weight[(i + k) % job.classes];
        if (job.nll)
            store_wide(job.nll + i, weighed(yes, s.minus_log_p) + weighed(no, s.minus_log_not_p),
                       n);
        if (out) store_wide(out + i, (weighed(no, s.p) - weighed(yes, s.not_p)) * job.scale, n);
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
