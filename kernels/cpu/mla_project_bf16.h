// The products of a head with its up-projections by bf16 products of AVX-512. What they multiply is rounded to bf16 for
// any number of rows, so that a row's result does not depend on the rows beside it.
#pragma once

#include "bf16_quads.h"
#include "head_weights.h"

namespace midspan::MIDSPAN_ISA {

// 32 codes as bf16, which holds each of them exactly.
inline __m512bh load_bf16(const int8_t* p) {
    F32 low = load(p), high = load(p + LANES);
    return _mm512_cvtne2ps_pbh(high.v, low.v);
}

// out[m] += q[m][0 .. 2 * PAIRS) @ key_up[2 * PAIRS, latent], q in pairs; where `odd` is, the last row is not there.
template <int PAIRS, typename Weight>
inline void absorb_pairs(const Weight* key_up, int latent, bool odd, const uint32_t (*q)[PAIRS], int rows, float* out,
                         int64_t out_stride) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37,
                                         5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (int r = 0; r < latent; r += 32) {
        __m512bh columns[PAIRS][2];
        for (int p = 0; p < PAIRS; ++p) {
            const Weight* at = key_up + int64_t{2 * p} * latent + r;
            const Weight* next = odd && p == PAIRS - 1 ? at : at + latent;
            prefetch(reinterpret_cast<const char*>(at) + PROJECT_PREFETCH_BYTES);
            prefetch(reinterpret_cast<const char*>(next) + PROJECT_PREFETCH_BYTES);
            __m512i even = (__m512i)load_bf16(at), second = (__m512i)load_bf16(next);
            columns[p][0] = (__m512bh)_mm512_permutex2var_epi16(even, low, second);
            columns[p][1] = (__m512bh)_mm512_permutex2var_epi16(even, high, second);
        }
        for (int m = 0; m < rows; ++m) {
            float* to = out + m * out_stride + r;
            __m512 first = _mm512_loadu_ps(to), second = _mm512_loadu_ps(to + 16);
            for (int p = 0; p < PAIRS; ++p) {
                first = _mm512_dpbf16_ps(first, columns[p][0], broadcast_both(q[m][p]));
                second = _mm512_dpbf16_ps(second, columns[p][1], broadcast_both(q[m][p]));
            }
            _mm512_storeu_ps(to, first);
            _mm512_storeu_ps(to + 16, second);
        }
    }
}

// Adds up to 2 * PAIRS rows of key_up from row n on.
template <int PAIRS, typename Weight>
inline void absorb_some_bf16(const HeadWeights& key_up, int n, const float* q, int64_t q_stride, int rows, float* out,
                             int64_t out_stride) {
    bool odd = n + 2 * PAIRS > key_up.rows;
    uint32_t both[PROJECTED_ROWS][PAIRS];
    for (int m = 0; m < rows; ++m) {
        const float* from = q + m * q_stride;
        for (int p = 0; p < PAIRS; ++p) {
            int at = n + 2 * p;
            uint32_t second = odd && p == PAIRS - 1 ? 0 : narrow(from[at + 1] * key_up.scale_of(at + 1));
            both[m][p] = narrow(from[at] * key_up.scale_of(at)) | second << 16;
        }
    }
    const Weight* at = static_cast<const Weight*>(key_up.values) + int64_t{n} * key_up.latent;
    absorb_pairs<PAIRS>(at, key_up.latent, odd, both, rows, out, out_stride);
}

template <typename Weight>
inline void absorb_rows_bf16(const HeadWeights& key_up, const float* q, int64_t q_stride, int rows, float* out,
                             int64_t out_stride) {
    for (int m = 0; m < rows; ++m) std::memset(out + m * out_stride, 0, key_up.latent * sizeof(float));
    int n = 0;
    for (; n + ABSORBED_ROWS <= key_up.rows; n += ABSORBED_ROWS) {
        absorb_some_bf16<ABSORBED_ROWS / 2, Weight>(key_up, n, q, q_stride, rows, out, out_stride);
    }
    for (; n < key_up.rows; n += 2) absorb_some_bf16<1, Weight>(key_up, n, q, q_stride, rows, out, out_stride);
}

// Lane 4 * v + m: mixed[m] . value_up[v] for four rows each.
template <typename Weight>
inline __m512 project_quad(const Weight* const (&value_up)[QUAD], int latent, const bf16 (&mixed)[QUAD][MOST_LATENT]) {
    __m512 sums[QUAD][QUAD];
    for (int v = 0; v < QUAD; ++v) {
        for (int m = 0; m < QUAD; ++m) sums[v][m] = _mm512_setzero_ps();
    }
    for (int r = 0; r < latent; r += 32) {
        __m512bh weights[QUAD];
        for (int v = 0; v < QUAD; ++v) {
            weights[v] = load_bf16(value_up[v] + r);
            prefetch(reinterpret_cast<const char*>(value_up[v] + r) + PROJECT_PREFETCH_BYTES);
        }
        for (int m = 0; m < QUAD; ++m) {
            __m512bh row = load_bf16(mixed[m] + r);
            for (int v = 0; v < QUAD; ++v) sums[v][m] = _mm512_dpbf16_ps(sums[v][m], weights[v], row);
        }
    }
    return sum_lanes(sums);
}

template <typename Weight>
inline void project_rows_bf16(const HeadWeights& value_up, const float* mixed, int64_t mixed_stride, int rows, float* out,
                              int64_t out_stride) {
    const Weight* weights = static_cast<const Weight*>(value_up.values);
    const int values = value_up.rows, latent = value_up.latent;
    alignas(64) bf16 rounded[QUAD][MOST_LATENT];
    for (int first = 0; first < rows; first += QUAD) {
        int together = rows - first < QUAD ? rows - first : QUAD;
        for (int m = 0; m < QUAD; ++m) {
            const float* row = mixed + (first + (m < together ? m : 0)) * mixed_stride;
            for (int r = 0; r < latent; r += LANES) store(rounded[m] + r, load(row + r));
        }
        for (int v = 0; v < values; v += QUAD) {
            const Weight* at[QUAD];
            for (int i = 0; i < QUAD; ++i) at[i] = weights + int64_t{v + i < values ? v + i : v} * latent;
            alignas(64) float products[QUAD][QUAD];
            _mm512_store_ps(products[0], project_quad(at, latent, rounded));
            for (int i = 0; i < QUAD && v + i < values; ++i) {
                for (int m = 0; m < together; ++m) out[(first + m) * out_stride + v + i] = products[i][m];
            }
        }
    }
}

}  // namespace midspan::MIDSPAN_ISA
