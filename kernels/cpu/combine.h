// The merging of attention over parts of a context.
#pragma once

#include "simd.h"

namespace midspan::MIDSPAN_ISA {

constexpr int MOST_PARTIALS = 256;

// Merges `count` partials (largest score, sum, mix of `width` values) that lie stride floats apart, and divides by the
// sum. At least one of them has seen a token; count is at most MOST_PARTIALS.
inline void combine(const float* partials, int count, int64_t stride, int width, float* out) {
    float top = partials[0], weights[MOST_PARTIALS], total = 0;
    for (int i = 1; i < count; i++) top = partials[i * stride] > top ? partials[i * stride] : top;
    for (int i = 0; i < count; i++) {
        weights[i] = expf(partials[i * stride] - top);
        total += weights[i] * partials[i * stride + 1];
    }
    for (int i = 0; i < count; i++) weights[i] /= total;
    for (int column = 0; column < width; column += LANES) {
        const int left = width - column;
        F32 mix = zero();
        for (int i = 0; i < count; i++) {
            const float* part = partials + i * stride + 2 + column;
            mix = fma(left >= LANES ? load(part) : load_first(part, left), broadcast(weights[i]), mix);
        }
        if (left >= LANES) store(out + column, mix);
        else store_first(out + column, mix, left);
    }
}

}  // namespace midspan::MIDSPAN_ISA
