// Sums wider than the type, and the ends of rows that do not fill a vector.
#pragma once

#include "vector/half.hpp"
#include "vector/math.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

constexpr double kInfinity = __builtin_inf();

// Fold the lanes of a vector into one number, in a fixed order.
template <class C, int Step = kLanes<C> / 2, class Op> inline C fold(Vec<C> v, Op op) {
    if constexpr (Step > 0)
        return fold<C, Step / 2>(op(v, swap_lanes<C, Step>(v)), op);
    else
        return v[0];
}
template <class C> inline C largest(Vec<C> v) {
    return fold<C>(v, [](Vec<C> a, Vec<C> b) { return larger(a, b); });
}

// Sums wider than the type: float32 lanes are added up in float64, float64 lanes carry the
// rounding error of each addition along.
template <class C> class Sum;
template <> class Sum<float> {
    Vec<double> low_{}, high_{};

public:
    void add(Vec<float> v) {
        const Wide wide = widen(v);
        low_ += wide.low;
        high_ += wide.high;
    }
    double total() const {
        return fold<double>(low_ + high_, [](Vec<double> a, Vec<double> b) { return a + b; });
    }
    void lanes(double* to, const double* factor) const {
        store(to, low_ * load(factor));
        store(to + kLanes<double>, high_ * load(factor + kLanes<double>));
    }
};
template <> class Sum<double> {
    Vec<double> sum_{}, lost_{};

    template <int Step> Sum folded() const {
        if constexpr (Step > 0) {
            Sum all = *this;
            all.add(swap_lanes<double, Step>(sum_));
            all.lost_ += swap_lanes<double, Step>(lost_);
            return all.folded<Step / 2>();
        } else {
            return *this;
        }
    }

public:
    void add(Vec<double> v) {
        const Vec<double> sum = sum_ + v;
        const Vec<double> back = sum - sum_;
        lost_ += (sum_ - (sum - back)) + (v - back);
        sum_ = sum;
    }
    double total() const {
        const Sum all = folded<kLanes<double> / 2>();
        return all.sum_[0] +
               (all.lost_[0] == all.lost_[0] ? all.lost_[0] : 0);  // nan: an infinite sum
    }
    void lanes(double* to, const double* factor) const {
        store(to, (sum_ + ((lost_ == lost_) ? lost_ : Vec<double>{})) * load(factor));
    }
};

// A sum that carries the rounding error of each addition.
struct CarefulSum {
    double sum = 0, lost = 0;
    void add(double x) {
        const double next = sum + x, back = next - sum;
        const double rounded = (sum - (next - back)) + (x - back);
        lost += rounded == rounded ? rounded : 0;  // nan where the sum is infinite
        sum = next;
    }
    double total() const { return sum + lost; }
};

template <class T> inline T minus_infinity();
template <> inline double minus_infinity<double>() { return -kInfinity; }
template <> inline float minus_infinity<float>() { return -__builtin_inff(); }
template <> inline half minus_infinity<half>() { return {0xfc00}; }
template <> inline bfloat minus_infinity<bfloat>() { return {0xff80}; }

// The end of a row that does not fill a step, padded with `pad`.
template <class T, int Size> struct Tail {
    T at[Size];
    Tail(const T* from, int64_t n, T pad) {
        for (int i = 0; i < Size; ++i) at[i] = pad;
        __builtin_memcpy(static_cast<void*>(at), from, static_cast<size_t>(n) * sizeof(T));
    }
};

template <class T> inline double value_of(const T* z) {
    const Tail<T, kLanes<Compute<T>>> one(z, 1, T{});
    return static_cast<double>(load(one.at)[0]);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
