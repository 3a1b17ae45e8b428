// exp and log1p as the kernels use them, on every float32 and densely where float64 changes its
// way, for the instruction set that this file is compiled for.  Prints one line per check: its
// name, how many numbers, the worst error in ulp and where, and how often order is broken.
//
// The references are libm's: double for float32 (29 bits more), long double for float64 (11 more).
#define NEGLOG_ISA exhaustive
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "rows/exponential.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

struct Finding {
    double worst = 0, at = 0;
    uint64_t count = 0, disorder = 0;
    void see(double error, double x) {
        ++count;
        if (error > worst) worst = error, at = x;
    }
    void join(const Finding& other) {
        if (other.worst > worst) worst = other.worst, at = other.at;
        count += other.count;
        disorder += other.disorder;
    }
};

// One ulp of x for a significand of `digits` bits.
template <class R> R ulp(R x, int digits) {
    int exponent;
    frexp(static_cast<double>(x), &exponent);
    return static_cast<R>(ldexp(1.0, exponent - digits));
}

template <class C> constexpr int kDigits = sizeof(C) == 4 ? 24 : 53;
template <class C> using Reference = std::conditional_t<sizeof(C) == 4, double, long double>;

// x / T - n ln2, in twice the digits where they cancel: |x / T| is up to 65536.
template <class C> Reference<C> reduced(C x, double T, double n) {
    if constexpr (sizeof(C) == 4) {
        const double high = 0x1.62e42fefa0000p-1, low = 1.6465949582897082e-12;
        return (static_cast<double>(x) / T - n * high) - n * low;
    } else {
        using Quad = __float128;
        const Quad ln2 = Quad{0x1.62e42fefa39efp-1} + Quad{2.3190468138462996e-17};
        return static_cast<long double>(Quad{x} / Quad{T} - Quad{n} * ln2);
    }
}
inline double exp_of(double x) { return exp(x); }
inline long double exp_of(long double x) { return expl(x); }

// exp(x / T) relative to 2^n of the last of the ascending numbers in v.
template <int M, class C> void check_exp(const C* v, int count, Inverse it, double T, Finding& f) {
    using R = Reference<C>;
    constexpr int W = kLanes<C>;
    const Scale<C> scale = scale_of<M, C>(static_cast<double>(v[count - 1]), it);
    const double n = reference_of<C>(scale);
    C e[2 * W];
    for (int i = 0; i < W; ++i) e[i] = 0;
    C previous = 0;
    for (int j = 0; j < count; j += W) {
        C x[W];
        for (int i = 0; i < W; ++i) x[i] = v[j + i < count ? j + i : count - 1];
        store(e, exponential<M, C>(load(x), scale));
        for (int i = 0; i < W && j + i < count; ++i) {
            const R exact = exp_of(reduced<C>(x[i], T, n));
            const R have = static_cast<R>(e[i]) * static_cast<R>(ExpTable<C>::down);
            if (e[i] != 0) {
                const R off = have - exact;
                f.see(static_cast<double>((off < 0 ? -off : off) / ulp(exact, kDigits<C>)),
                      static_cast<double>(x[i]));
            }
            f.disorder += e[i] < previous;
            previous = e[i];
        }
    }
}

void check_log1p(const double* v, int count, Finding& f) {
    constexpr int W = kLanes<double>;
    double previous = 0;
    for (int j = 0; j < count; j += W) {
        double x[W], log[W];
        for (int i = 0; i < W; ++i) x[i] = v[j + i < count ? j + i : count - 1];
        store(log, log1p(load(x), 1 / (1 + load(x))));
        for (int i = 0; i < W && j + i < count; ++i) {
            const long double exact = log1pl(static_cast<long double>(x[i]));
            if (exact >= 0x1p-1022L)
                f.see(static_cast<double>(fabsl(static_cast<long double>(log[i]) - exact) /
                                          ulp(exact, 53)),
                      x[i]);
            f.disorder += log[i] < previous;
            previous = log[i];
        }
    }
}

template <class F> Finding share(uint64_t units, F work) {
    const unsigned threads = std::thread::hardware_concurrency();
    std::vector<std::thread> pool;
    std::mutex lock;
    Finding all;
    for (unsigned t = 0; t < threads; ++t)
        pool.emplace_back([&, t] {
            const FlushSubnormals mode;
            Finding mine;
            for (uint64_t u = t; u < units; u += threads) work(u, mine);
            const std::lock_guard hold(lock);
            all.join(mine);
        });
    for (auto& thread : pool) thread.join();
    return all;
}

void say(const char* name, double T, const Finding& f) {
    printf("%s %.17g %llu %.4f %.9g %llu\n", name, T, static_cast<unsigned long long>(f.count),
           f.worst, f.at, static_cast<unsigned long long>(f.disorder));
    fflush(stdout);
}

// All float32 of both signs whose exponential is computed without subtracting the maximum, in
// ascending blocks that share their first number with the block before.
template <int M> Finding every_float(double T, uint64_t stride) {
    constexpr int block = 1024;
    const Inverse it = inverse_of(T);
    const float last = static_cast<float>(ExpTable<float>::near * T);
    const uint64_t each = bit_cast<uint32_t>(last), units = each / (block - 1) + 1;
    return share(2 * units / stride, [&](uint64_t unit, Finding& f) {
        const uint64_t u = unit * stride;
        const bool negative = u >= units;
        float v[block];
        for (int i = 0; i < block; ++i) {
            uint64_t bits = (negative ? u - units : u) * (block - 1) + static_cast<uint64_t>(i);
            bits = bits < each ? bits : each;
            v[negative ? block - 1 - i : i] =
                bit_cast<float>(static_cast<uint32_t>(bits) | (negative ? 0x80000000u : 0u));
        }
        check_exp<M, float>(v, block, it, T, f);
    });
}

Finding every_float_log1p(uint64_t stride) {
    constexpr int block = 1024;
    return share((0x7f800000u / (block - 1) + 1) / stride, [&](uint64_t unit, Finding& f) {
        double v[block];
        for (int i = 0; i < block; ++i) {
            const uint64_t bits = unit * stride * (block - 1) + static_cast<uint64_t>(i);
            const uint32_t at = static_cast<uint32_t>(bits < 0x7f7fffffu ? bits : 0x7f7fffffu);
            v[i] = static_cast<double>(bit_cast<float>(at));
        }
        check_log1p(v, block, f);
    });
}

inline float next(float x, float to) { return nextafterf(x, to); }
inline double next(double x, double to) { return nextafter(x, to); }

// float64, or float32 under a temperature: the neighbours of every number where n changes, and of
// random ones.
template <int M, class C> Finding breaks(double T, uint64_t per_break, uint64_t stride) {
    constexpr int block = 32;
    const Inverse it = inverse_of(T);
    const int64_t most = static_cast<int64_t>(ExpTable<C>::near * 1.4426) - 1;
    const uint64_t units = static_cast<uint64_t>(most < 4000 ? 2 * most : 8000) * per_break;
    return share(units / stride, [&](uint64_t unit, Finding& f) {
        const uint64_t u = unit * stride;
        std::minstd_rand random(static_cast<uint32_t>(u + 1));
        const double n = static_cast<double>(static_cast<int64_t>(u / per_break) -
                                             static_cast<int64_t>(units / per_break / 2));
        const bool at_break = u % per_break == 0;
        const double where = at_break ? n + 0.5 : n + static_cast<double>(random()) * 0x1p-31;
        C x = static_cast<C>(where * 0x1.62e42fefa39efp-1 * T);
        C v[block];
        for (int i = 0; i < block / 2; ++i) x = next(x, static_cast<C>(-INFINITY));
        for (int i = 0; i < block; ++i, x = next(x, static_cast<C>(INFINITY))) v[i] = x;
        check_exp<M, C>(v, block, it, T, f);
    });
}

void run(uint64_t stride) {
    say("exp_float32", 1, every_float<0>(1, stride));
    // "with its error": the product with 1 / T rounds, and the rounding is carried along
    for (const double T : {0.7, 3.0}) say("exp_float32_scaled", T, every_float<kScaled>(T, stride));
    Finding worst;
    std::mt19937_64 random(0);
    for (int i = 0; i < 400; ++i)
        worst.join(breaks<kScaled, float>(1 + static_cast<double>(random() >> 11) * 0x1p-53, 1,
                                          1 + stride / 8));
    say("exp_float32_breaks", 0, worst);
    say("exp_float64", 1, breaks<0, double>(1, 400, stride));
    worst = Finding{};
    for (int i = 0; i < 400; ++i)
        worst.join(breaks<kScaled, double>(1 + static_cast<double>(random() >> 11) * 0x1p-53, 1,
                                           1 + stride / 8));
    say("exp_float64_scaled", 0, worst);
    say("log1p", 1, every_float_log1p(stride));
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA

// An argument above 1 looks at every so many blocks only.
int main(int argc, char** argv) {
    neglog::NEGLOG_ISA::run(argc > 1 ? strtoull(argv[1], nullptr, 10) : 1);
}
