// softcap: z' = c tanh(z / (T c)), row by row, in float64 for every dtype; the result is then an
// ordinary row of float64.  Few models use the option, so the code is simple rather than fast.
#pragma once

#include "rows/long_rows.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

struct Capped {
    Vec<double> value, slope;
};

// With a = |x| and t = exp(-2 a): tanh a = (1 - t) / (1 + t), tanh' = 4 t / (1 + t)^2.  Below
// a = 0.17, where 1 - t cancels, tanh a is its Taylor series (the term after the last is 2^-56 a).
inline Capped tanh(Vec<double> x) {
    constexpr double c[] = {1.0 / 3,
                            -2.0 / 15,
                            17.0 / 315,
                            -62.0 / 2835,
                            1382.0 / 155925,
                            -21844.0 / 6081075,
                            929569.0 / 638512875,
                            -6404582.0 / 10854718875,
                            443861162.0 / 1856156927625,
                            -18888466084.0 / 194896477400625};
    const Vec<double> a = (x < 0) ? -x : x;
    const Vec<double> t = exp_negative<double>(-2 * a);
    const Vec<double> z = a * a;
    Vec<double> r = splat(c[9]);
    for (int i = 8; i >= 0; --i) r = fused(r, z, splat(c[i]));
    const Vec<double> large = (1 - t) / (1 + t), small = a - a * z * r;
    const Vec<double> value = (a < 0.17) ? small : large;
    return {(x < 0) ? -value : value, 4 * t / ((1 + t) * (1 + t))};
}

// Four rows of scratch follow the scratch of the float64 row: the capped logits, their slope, the
// target probabilities and the gradient.
inline size_t softcap_bytes(int64_t classes) {
    return Scratch<double>::bytes(classes) +
           4 * static_cast<size_t>(padded<double>(classes)) * sizeof(double);
}

template <class T> inline void cap(const T* z, int64_t step, int64_t n, double softcap,
                                   double inverse_t, double* capped, double* slope) {
    for (int64_t j = 0; j < n; j += kLanes<double>) {
        alignas(kVecBytes) double x[kLanes<double>] = {};
        for (int i = 0; i < kLanes<double> && j + i < n; ++i)
            x[i] = value_of(z + (j + i) * step) * inverse_t;
        const Vec<double> v = load(x);
        const Capped t = tanh(v / softcap);
        store(capped + j, (v == splat(-kInfinity)) ? v : t.value * softcap);
        store(slope + j, t.slope * inverse_t);
    }
}

// The job of one float64 row, with the results of the original row.
inline Job only_row(const Job& job, int64_t row) {
    Job one = job;
    const auto at = [row](auto* p) { return p ? p + row : p; };
    one.rows = 1;
    one.dtype = DType::f64;
    one.logits_at = one.probs_at = one.out_at = {0, 0, 1};
    if (job.target)
        one.target = static_cast<const char*>(job.target) + row * (job.target_is_64 ? 8 : 4);
    one.nll_coef = at(job.nll_coef);
    one.dense_coef = at(job.dense_coef);
    one.lse_coef = at(job.lse_coef);
    one.square_coef = at(job.square_coef);
    one.entropy_coef = at(job.entropy_coef);
    one.temperatures = nullptr;
    one.temperature = 1;
    one.nll = at(job.nll);
    one.dense = at(job.dense);
    one.lse = at(job.lse);
    one.entropy = at(job.entropy);
    one.argmax = at(job.argmax);
    one.stream = false;
    return one;
}

template <class T> void run_softcap(const Job& job, int64_t begin, int64_t end, char* memory) {
    const int64_t V = job.classes, pitch = padded<double>(V);
    double* capped = reinterpret_cast<double*>(memory + Scratch<double>::bytes(V));
    double *slope = capped + pitch, *probs = slope + pitch, *gradient = probs + pitch;
    for (int64_t row = begin; row < end; ++row) {
        const bool skipped = is_skipped(job, row);
        if (!skipped) {
            const double inverse_t = inverse_of(job, row).high;
            cap<T>(logits_of<T>(job, row), job.logits_at.step, V, job.softcap, inverse_t, capped,
                   slope);
        }
        Job one = only_row(job, row);
        one.logits = capped;
        one.out = gradient;
        if (job.probs) {
            for (int64_t j = 0; j < V; ++j)
                probs[j] = static_cast<double>(probs_of<T>(job, row)[j * job.probs_at.step]);
            one.probs = probs;
        }
        run_long_rows<double>(one, 0, 1, memory);
        if (!job.out) continue;
        T* out = out_of<T>(job, row);
        for (int64_t j = 0; j < V; ++j)
            put(out + j * job.out_at.step,
                skipped || slope[j] == 0 ? 0 * gradient[j] : gradient[j] * slope[j]);
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
