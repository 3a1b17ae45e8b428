#include "input_kind.hpp"

#include <cmath>
#include <cstring>

namespace neglog {
namespace {

double value_at(const void* z, DType dtype, int64_t i) {
    if (dtype == DType::f64) return static_cast<const double*>(z)[i];
    if (dtype == DType::f32) return static_cast<const float*>(z)[i];
    const uint32_t bits = static_cast<const uint16_t*>(z)[i];
    if (dtype == DType::bf16) {
        const uint32_t wide = bits << 16;
        float f;
        std::memcpy(&f, &wide, sizeof f);
        return f;
    }
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double magnitude = exponent == 31 ? (fraction ? NAN : INFINITY)
                             : exponent     ? std::ldexp(1024 + fraction, exponent - 25)
                                            : std::ldexp(fraction, -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}

}  // namespace

int kind_of(DType dtype, const void* logits, int64_t rows, int64_t classes, const Layout& at) {
    if (rows == 0 || classes < 2) return 0;
    const double tolerance = size_of(dtype) == 2 ? 1e-2 : 1e-5;
    bool probs = true, log_probs = true;
    for (int64_t k = 0; k < 4 && k < rows && (probs || log_probs); ++k) {
        const int64_t row = rows < 4 ? k : k * (rows - 1) / 3;
        const char* z = static_cast<const char*>(logits) + start_of(at, row) * size_of(dtype);
        double sum = 0, exp_sum = 0;
        for (int64_t j = 0; j < classes && (probs || log_probs); ++j) {
            const double v = value_at(z, dtype, j * at.step);
            probs = probs && v >= 0 && v <= 1 && (sum += v) <= 1 + tolerance;
            log_probs = log_probs && v <= 0 && (exp_sum += std::exp(v)) <= 1 + tolerance;
        }
        probs = probs && sum >= 1 - tolerance;
        log_probs = log_probs && exp_sum >= 1 - tolerance;
    }
    return probs ? 1 : log_probs ? 2 : 0;
}

}  // namespace neglog
