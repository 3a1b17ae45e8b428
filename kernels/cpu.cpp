#include "cpu.hpp"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace neglog {

#if defined(__x86_64__)
namespace {

// __builtin_cpu_supports knows the levels in GCC 12 but not in Clang 16, so the bits are read here.
struct Features {
    uint32_t basic = 0, extended = 0, amd = 0, enabled = 0;

    Features() {
        uint32_t a, b, c, d;
        if (__get_cpuid(1, &a, &b, &c, &d)) basic = c;
        if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) extended = b;
        if (__get_cpuid(0x80000001, &a, &b, &c, &d)) amd = c;
        if (basic >> 27 & 1) {  // registers that the operating system saves
            uint32_t high;
            __asm__("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
        }
    }
};

constexpr bool has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }
constexpr uint32_t bit(int i) { return uint32_t{1} << i; }

// SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT
constexpr uint32_t kBasic2 = bit(0) | bit(9) | bit(13) | bit(19) | bit(20) | bit(23);
// FMA, MOVBE, OSXSAVE, AVX, F16C
constexpr uint32_t kBasic3 = bit(12) | bit(22) | bit(27) | bit(28) | bit(29);
constexpr uint32_t kExtended3 = bit(3) | bit(5) | bit(8);  // BMI1, AVX2, BMI2
// AVX-512 F, DQ, CD, BW, VL
constexpr uint32_t kExtended4 = bit(16) | bit(17) | bit(28) | bit(30) | bit(31);
constexpr uint32_t kLahf = bit(0), kLzcnt = bit(5);
constexpr uint32_t kSaved3 = 0x06, kSaved4 = 0xe6;  // registers of AVX, of AVX-512

int level_of(const Features& f) {
    if (!has(f.basic, kBasic2) || !has(f.amd, kLahf)) return 1;
    if (!has(f.basic, kBasic3) || !has(f.extended, kExtended3) || !has(f.amd, kLzcnt) ||
        !has(f.enabled, kSaved3))
        return 2;
    return has(f.extended, kExtended4) && has(f.enabled, kSaved4) ? 4 : 3;
}

}  // namespace

int cpu_level() {
    static const int level = level_of(Features());
    return level;
}
#else
int cpu_level() { return 0; }
#endif

}  // namespace neglog
