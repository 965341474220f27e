// Root mean square normalisation (Zhang and Sennrich, arXiv:1910.07467) of one row.
#pragma once

#include "simd.h"

namespace midspan::MIDSPAN_ISA {

inline float sum_of_squares(const float* x, int64_t width) {
    F32 squares = zero();
    int64_t k = 0;
    for (; k + LANES <= width; k += LANES) squares = fma(load(x + k), load(x + k), squares);
    float total = sum(squares);
    for (; k < width; ++k) total += x[k] * x[k];
    return total;
}

inline void rmsnorm_row(const float* x, const float* weight, int64_t width, float eps, float* out) {
    float inverse = 1.f / std::sqrt(sum_of_squares(x, width) / width + eps);
    F32 factor = broadcast(inverse);
    int64_t k = 0;
    for (; k + LANES <= width; k += LANES) store(out + k, mul(mul(load(x + k), factor), load(weight + k)));
    for (; k < width; ++k) out[k] = x[k] * inverse * weight[k];
}

// out = silu(gate) * up
inline void gate_row(const float* gate, const float* up, int64_t width, float* out) {
    int64_t k = 0;
    for (; k + LANES <= width; k += LANES) {
        F32 g = load(gate + k);
        store(out + k, mul(div(g, add(broadcast(1.f), exp(sub(zero(), g)))), load(up + k)));
    }
    for (; k < width; ++k) out[k] = gate[k] / (1.f + std::exp(-gate[k])) * up[k];
}

inline void add_row(const float* x, int64_t width, float* sums) {
    int64_t k = 0;
    for (; k + LANES <= width; k += LANES) store(sums + k, add(load(sums + k), load(x + k)));
    for (; k < width; ++k) sums[k] += x[k];
}

}  // namespace midspan::MIDSPAN_ISA
