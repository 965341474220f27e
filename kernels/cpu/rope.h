// Rotary position embedding (Su et al., arXiv:2104.09864).
#pragma once

#include <cmath>

#include "plan.h"
#include "simd.h"

namespace midspan::MIDSPAN_ISA {

// Fills cos and sin [rope] of a position, each twice: beside each other for neighbours, in both halves for halves. The
// sine of the first of a pair is negated, so that a rotation is x * cos + partner * sin.
inline void rotation(const Shape& shape, int64_t position, float* cos, float* sin) {
    int pairs = shape.rope / 2;
    for (int pair = 0; pair < pairs; ++pair) {
        float angle = static_cast<float>(position) * shape.inverse_frequencies[pair];
        float c = std::cos(angle) * shape.rotation_factor, s = std::sin(angle) * shape.rotation_factor;
        int first = shape.rotates_halves ? pair : 2 * pair, second = shape.rotates_halves ? pairs + pair : 2 * pair + 1;
        cos[first] = cos[second] = c;
        sin[first] = -s;
        sin[second] = s;
    }
}

inline void rotate_neighbours(float* x, const float* cos, const float* sin, int width) {
    int k = 0;
    for (; k + LANES <= width; k += LANES) {
        F32 value = load(x + k);
        store(x + k, fma(swap_pairs(value), load(sin + k), mul(value, load(cos + k))));
    }
    for (; k < width; k += 2) {
        float even = x[k], odd = x[k + 1];
        x[k] = even * cos[k] + odd * sin[k];
        x[k + 1] = odd * cos[k + 1] + even * sin[k + 1];
    }
}

inline void rotate_halves(float* x, const float* cos, const float* sin, int width) {
    int half = width / 2;
    for (int k = 0; k < half; ++k) {
        float first = x[k], second = x[half + k];
        x[k] = first * cos[k] + second * sin[k];
        x[half + k] = second * cos[half + k] + first * sin[half + k];
    }
}

inline void rotate(const Shape& shape, float* x, const float* cos, const float* sin) {
    if (shape.rotates_halves) {
        rotate_halves(x, cos, sin, shape.rope);
    } else {
        rotate_neighbours(x, cos, sin, shape.rope);
    }
}

}  // namespace midspan::MIDSPAN_ISA
