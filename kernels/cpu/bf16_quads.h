// What products of bf16 pairs leave in the lanes of AVX-512 vectors, brought into order.
#pragma once

#include "simd.h"

namespace midspan::MIDSPAN_ISA {

constexpr int QUAD = 4;  // queries that meet four rows at a time

inline __m512bh load_bf16(const bf16* p) { return (__m512bh)_mm512_loadu_si512(p); }

// Both halves of each lane: the rounded values of two queries or two tokens.
inline __m512bh broadcast_both(uint32_t both) { return (__m512bh)_mm512_set1_epi32(static_cast<int>(both)); }

// Adds the lanes of each of 16 vectors: sums[t][q] -> lane 4 * t + q.
inline __m512 sum_lanes(const __m512 (&sums)[QUAD][QUAD]) {
    __m512 row[QUAD];
    for (int t = 0; t < QUAD; ++t) {
        __m512 a = sums[t][0], b = sums[t][1], c = sums[t][2], d = sums[t][3];
        __m512d ab = (__m512d)_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        __m512d cd = (__m512d)_mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        row[t] = _mm512_add_ps((__m512)_mm512_unpacklo_pd(ab, cd), (__m512)_mm512_unpackhi_pd(ab, cd));
    }
    __m512 low = _mm512_add_ps(_mm512_shuffle_f32x4(row[0], row[1], 0x44), _mm512_shuffle_f32x4(row[0], row[1], 0xee));
    __m512 high = _mm512_add_ps(_mm512_shuffle_f32x4(row[2], row[3], 0x44), _mm512_shuffle_f32x4(row[2], row[3], 0xee));
    return _mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xdd));
}

}  // namespace midspan::MIDSPAN_ISA
