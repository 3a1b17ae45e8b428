// From the sums of a tile of rows to their results: a few operations per row.
#pragma once

#include "rows/reduce.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// One number per row, for a vector of rows from `i` on; rows beyond `count` get 0.
inline Doubles coefficient(const double* given, int64_t row, int i, int count, double missing) {
    if (!given) return splat(missing);
    if (count - i >= kLanes<double>) return load(given + row + i);
    Doubles v{};
    for (int k = 0; k < count - i; ++k) v[k] = given[row + i + k];
    return v;
}

inline bool has_coefficients(const Job& job) {
    return job.nll_coef || job.dense_coef || job.lse_coef || job.square_coef || job.entropy_coef;
}
// -1 for a row whose coefficients are all 0.
inline Indices skipped(const Job& job, int64_t row, int i, int count) {
    const auto counts = [=](const double* given, bool missing) {
        return coefficient(given, row, i, count, missing ? 1 : 0) != 0;
    };
    return ~(counts(job.nll_coef, job.target) | counts(job.dense_coef, job.probs) |
             counts(job.lse_coef, false) | counts(job.square_coef, false) |
             counts(job.entropy_coef, false));
}
inline bool is_skipped(const Job& job, int64_t row) {
    return has_coefficients(job) && skipped(job, row, 0, 1)[0] != 0;
}

template <class T> inline const T* logits_of(const Job& job, int64_t row) {
    return static_cast<const T*>(job.logits) + start_of(job.logits_at, row);
}
template <class T> inline const Compute<T>* probs_of(const Job& job, int64_t row) {
    return static_cast<const Compute<T>*>(job.probs) + start_of(job.probs_at, row);
}
inline bool shares_probs(const Job& job) {
    return job.probs_at.columns == 0 && job.probs_at.first == 0;
}
template <class T> inline T* out_of(const Job& job, int64_t row) {
    return static_cast<T*>(job.out) + start_of(job.out_at, row);
}

inline void load_targets(const Job& job, int64_t row, int count, TileState& r) {
    if (job.target_is_64)
        for (int i = 0; i < count; ++i)
            r.target[i] = static_cast<const int64_t*>(job.target)[row + i];
    else
        for (int i = 0; i < count; ++i)
            r.target[i] = static_cast<const int32_t*>(job.target)[row + i];
    for (int i = 0; i < kTile; i += kLanes<double>) {
        const Indices y = load(r.target + i);
        store(r.target + i, (y < 0 || y >= job.classes) ? Indices{} - 2 : y);
    }
}

// A tile before its first rows: the values that all rows share.
inline TileState first_tile(const Job& job) {
    TileState r{};
    for (int i = 0; i < kTile; ++i) {
        r.target[i] = -1;
        r.inverse_t[i] = inverse_of(job.temperature).high;
        r.inverse_low[i] = inverse_of(job.temperature).low;
    }
    return r;
}
// Targets, temperatures and coefficients of the rows; no logits are read.
inline void begin_tile(const Job& job, int64_t row, int count, TileState& r) {
    if (job.target) load_targets(job, row, count, r);
    if (job.temperatures)
        for (int i = 0; i < count; ++i) {
            const Inverse it = inverse_of(job.temperatures[row + i]);
            r.inverse_t[i] = it.high;
            r.inverse_low[i] = it.low;
        }
    if (has_coefficients(job))
        for (int i = 0; i < count; i += kLanes<double>)
            store(r.skipped + i, skipped(job, row, i, count));
}

inline void set_sums(TileState& r, int i, const RowState& p) {
    r.max[i] = p.max;
    r.others[i] = p.others;
    r.gaps[i] = p.gaps;
    r.cross[i] = p.cross;
    r.mass[i] = p.mass;
    r.mass_arg[i] = p.mass_arg;
    r.row_scale[i] = p.row_scale;
    r.power[i] = p.power;
    r.arg[i] = p.arg;
}

// The argmax of a row; if the row has a nan, the first nan, as in numpy.argmax.
template <class T>
inline int64_t argmax_of(const T* z, int64_t step, int64_t classes, const TileState& r, int i) {
    if (r.skipped[i]) return 0;
    if (r.others[i] == r.others[i]) [[likely]]
        return r.arg[i];
    for (int64_t j = 0; j < classes; ++j) {
        const double v = value_of(z + j * step);
        if (v != v) return j;
    }
    return r.arg[i];
}

// value where weight is not 0, else 0, so that 0 times inf or nan is 0.
NEGLOG_INLINE Doubles unless_zero(Doubles weight, Doubles value) {
    return (weight == 0) ? Doubles{} : value;
}

// Writes one number per row, 0 for a skipped row, for a vector of rows from `i` on.
inline void write_stat(const TileState& r, int i, int count, double* to, int64_t row,
                       Doubles value) {
    if (!to) return;
    value = (load(r.skipped + i) != 0) ? Doubles{} : value;
    to += row + i;
    if (count - i >= kLanes<double>) return store(to, value);
    for (int k = 0; k < count - i; ++k) to[k] = value[k];
}

// The gradient of the row's loss is  (P + k (max - z_j) / T) p_j - a [j = y] - b q_j  with a, b,
// h, k the derivatives of the loss by nll, dense, lse and entropy, P = a + b sum(q) + h - k S, and
// S the mean of (max - z) / T, which is entropy - log_sum.  At the row's maximum that would cancel
// if it is the target or has most of its probability, and is written with 1 - p = others / sum.
// With lse = inf every p is 0 or 1, and where it is 0 so is the gradient.
inline void gradients(const Job& job, int64_t row, int i, int count, TileState& r, Doubles lse) {
    const Doubles scale = load(r.inverse_t + i) * job.scale, p = load(r.inverse_sum + i),
                  rest = load(r.others + i) * p;
    const Indices y = load(r.target + i), hit = y == load(r.arg + i);
    Doubles a = coefficient(job.nll_coef, row, i, count, job.target ? 1 : 0) * scale;
    a = (y == -2) ? splat(__builtin_nan("")) : a;
    Doubles total = a, at_max = hit ? -a * rest : a * p;
    if (job.lse_coef || job.square_coef) {
        const Doubles coef = coefficient(job.square_coef, row, i, count, 0);
        const Doubles h = coefficient(job.lse_coef, row, i, count, 0) * scale +
                          unless_zero(coef, 2 * coef * lse * scale);
        total += h;
        at_max += h * p;
    }
    if (job.probs) {
        const Doubles b = coefficient(job.dense_coef, row, i, count, 1) * scale;
        const Doubles mass = load(r.mass + i), mass_arg = load(r.mass_arg + i);
        total += unless_zero(b, b * (mass + mass_arg));
        at_max += unless_zero(b, b * (mass * p - mass_arg * rest));
        store(r.dense_grad + i, b);
    }
    if (job.entropy_coef) {
        const Doubles slope =
            coefficient(job.entropy_coef, row, i, count, 0) * scale * load(r.inverse_t + i);
        const Doubles mean = unless_zero(slope, slope * load(r.gaps + i) * p);
        total -= mean;
        at_max -= mean * p;
        store(r.slope + i, slope);
    }
    if (!job.probs) at_max = hit ? at_max : total * p;  // the bits of its twins
    store(r.nll_grad + i, a);
    store(r.total + i, (total - total != 0 && total == total) ? Doubles{} : total);
    store(r.at_max + i, at_max);
}

// Whether the gradient at the maximum is at_max, rather than what other classes with its logit
// have: it is the target, or there is no other, and none whose gradient is near.
inline bool stands_alone(const TileState& r, int i) {
    return r.target[i] == r.arg[i] || r.others[i] < 1.0 / 3;
}

// nll = log(sum) + (max - z_y) / T: both parts are positive, so nothing cancels, and where the
// target is the maximum what is left is log1p(sum of the others).  lse - z_y loses all digits to a
// common offset.  `target_logit` of the rows is set already.
inline void finish_vector(const Job& job, int64_t row, int i, int count, TileState& r) {
    const Doubles max = load(r.max + i), it = load(r.inverse_t + i), nan = splat(__builtin_nan(""));
    const Doubles others = (max == -kInfinity) ? nan : load(r.others + i);
    const Doubles inverse = 1 / (1 + others), log_sum = log1p(others, inverse),
                  lse = max * it + log_sum;
    store(r.others + i, others);
    store(r.inverse_sum + i, inverse);
    store(r.log_sum + i, log_sum);
    if (job.nll) {
        const Indices y = load(r.target + i);
        const Doubles gap =
            (y == load(r.arg + i)) ? Doubles{} : (max - load(r.target_logit + i)) * it;
        write_stat(r, i, count, job.nll, row, (y < 0) ? nan : log_sum + gap);
    }
    if (job.dense) {
        const Doubles mass = load(r.mass + i) + load(r.mass_arg + i);
        write_stat(r, i, count, job.dense, row, load(r.cross + i) * it + mass * log_sum);
    }
    if (job.entropy)
        write_stat(r, i, count, job.entropy, row, log_sum + load(r.gaps + i) * it * inverse);
    write_stat(r, i, count, job.lse, row, lse);
    if (job.output == Output::gradient) gradients(job, row, i, count, r, lse);
}

// Row i of the tile begins at z + i * first, its classes are `step` apart.
template <class T> inline void finish_tile(const Job& job, int64_t row, int count, const T* z,
                                           int64_t first, int64_t step, TileState& r) {
    for (int i = 0; i < count; i += kLanes<double>) finish_vector(job, row, i, count, r);
    if (job.argmax)
        for (int i = 0; i < count; ++i)
            job.argmax[row + i] = argmax_of(z + i * first, step, job.classes, r, i);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
