// Words of two neighbouring bf16 values, in the lanes of an F32, for AVX-512 with bf16 products.
#pragma once

#include "simd.h"

namespace midspan::MIDSPAN_ISA {

// Adds the two products of each lane to the lane's sum, in fp32.
inline F32 dot_pairs(F32 sum, F32 a, F32 b) {
    return {_mm512_dpbf16_ps(sum.v, (__m512bh)a.v, (__m512bh)b.v)};
}

// Writes the sums of the lanes of each of four vectors.
inline void sum_four(const F32 (&a)[4], float* out) {
    __m512 low = _mm512_add_ps(_mm512_unpacklo_ps(a[0].v, a[1].v), _mm512_unpackhi_ps(a[0].v, a[1].v));
    __m512 high = _mm512_add_ps(_mm512_unpacklo_ps(a[2].v, a[3].v), _mm512_unpackhi_ps(a[2].v, a[3].v));
    // Each quarter holds four parts of the sums now, in their order.
    __m512 parts = _mm512_add_ps(_mm512_shuffle_ps(low, high, 0x44), _mm512_shuffle_ps(low, high, 0xee));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(parts), _mm512_extractf32x8_ps(parts, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

// e^a within 1 in 10,000, a fifth of what rounding to bf16 loses; 0 for a below -104.
inline F32 exp_rough(F32 a) {
    __m512 x = _mm512_max_ps(_mm512_mul_ps(a.v, _mm512_set1_ps(1.44269504f)), _mm512_set1_ps(-200.f));
    __m512 rest = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    // The polynomial of least relative error for 2^rest on [0, 1].
    __m512 p = _mm512_fmadd_ps(rest, _mm512_set1_ps(0.0780245226f), _mm512_set1_ps(0.226067155f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(0.69583354f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(0.999925219f));
    return {_mm512_scalef_ps(p, x)};
}

// The first `count` values at p, up to 2 * LANES, as words; zeros behind them.
inline F32 load_pairs(const bf16* p, int count) {
    if (count >= 2 * LANES) return {_mm512_loadu_ps(p)};
    return {_mm512_castsi512_ps(_mm512_maskz_loadu_epi16((1u << count) - 1, p))};
}

// The floats of two vectors as words: those of `low` first.
inline F32 pair_up(F32 low, F32 high) { return {(__m512)_mm512_cvtne2ps_pbh(high.v, low.v)}; }

// The words whose halves are the same column of two rows: the columns of the low half, then those of the high half.
inline void store_interleaved(float* p, F32 even, F32 odd) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37,
                                         5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    __m512i a = _mm512_castps_si512(even.v), b = _mm512_castps_si512(odd.v);
    _mm512_storeu_si512(p, _mm512_permutex2var_epi16(a, low, b));
    _mm512_storeu_si512(p + LANES, _mm512_permutex2var_epi16(a, high, b));
}

// The words whose halves are two floats of the same lane, rounded: those of `even` in the low halves.
inline F32 pair_words(F32 even, F32 odd) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return {_mm512_castsi512_ps(_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(odd.v, even.v)))};
}

}  // namespace midspan::MIDSPAN_ISA
