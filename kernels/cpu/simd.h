// The vector operations that the kernels are written in, for the instruction set of this translation unit.
//
// F32 holds LANES floats. A block is 16 rows of a matrix whose codes lie interleaved; Block holds one number for each of
// its rows, whatever the width of the registers, so that files have one layout on all machines.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace midspan {

constexpr int BLOCK_ROWS = 16;
constexpr int GROUP = 32;  // columns that share a scale

using bf16 = uint16_t;

static inline float widen(float value) { return value; }
static inline float widen(int8_t value) { return value; }

static inline float widen(bf16 value) {
    uint32_t bits = static_cast<uint32_t>(value) << 16;
    float wide;
    std::memcpy(&wide, &bits, 4);
    return wide;
}

// Rounds to the nearest, ties to even. A NaN keeps its sign and stays one.
static inline bf16 narrow(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<bf16>((bits >> 16) | 0x40);
    return static_cast<bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace midspan

#if defined(MIDSPAN_AVX512)
#include "simd_avx512.h"
#elif defined(MIDSPAN_AVX2)
#include "simd_avx2.h"
#elif defined(MIDSPAN_NEON)
#include "simd_neon.h"
#else
#include "simd_portable.h"
#endif
