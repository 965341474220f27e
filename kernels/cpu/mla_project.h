// What stands around absorbed latent attention: each head's products with its up-projections, and the new tokens' rows.
#pragma once

#include "head_weights.h"
#include "norm.h"
#include "page_row.h"
#include "rope.h"

namespace midspan::MIDSPAN_ISA {

constexpr int ABSORBED_ROWS = 8;    // rows of key_up that one pass over the outputs adds
constexpr int PROJECTED_ROWS = 16;  // outputs of so many rows stay in the first cache
constexpr int PROJECT_PREFETCH_BYTES = 4096;
constexpr int MOST_LATENT = 1024;  // columns of an up-projection

}  // namespace midspan::MIDSPAN_ISA

#ifdef MIDSPAN_BF16
#include "mla_project_bf16.h"
#endif

namespace midspan::MIDSPAN_ISA {

// out[m] += q[m] @ key_up[COUNT, latent]
template <int COUNT, typename Weight>
inline void absorb_columns(const Weight* key_up, int latent, const float (*q)[COUNT], int rows, float* out,
                           int64_t out_stride) {
    int r = 0;
    for (; r + LANES <= latent; r += LANES) {
        F32 weights[COUNT];
        for (int n = 0; n < COUNT; ++n) {
            const Weight* at = key_up + int64_t{n} * latent + r;
            prefetch(reinterpret_cast<const char*>(at) + PROJECT_PREFETCH_BYTES);
            weights[n] = load(at);
        }
        for (int m = 0; m < rows; ++m) {
            F32 total = load(out + m * out_stride + r);
            for (int n = 0; n < COUNT; ++n) total = fma(broadcast(q[m][n]), weights[n], total);
            store(out + m * out_stride + r, total);
        }
    }
    for (; r < latent; ++r) {
        for (int m = 0; m < rows; ++m) {
            for (int n = 0; n < COUNT; ++n) out[m * out_stride + r] += q[m][n] * widen(key_up[int64_t{n} * latent + r]);
        }
    }
}

// Adds COUNT rows of key_up from row n on; codes meet queries that are multiplied with the scales of the rows.
template <int COUNT, typename Weight>
inline void absorb_some(const HeadWeights& key_up, int n, const float* q, int64_t q_stride, int rows, float* out,
                        int64_t out_stride) {
    float scaled[PROJECTED_ROWS][COUNT];
    for (int m = 0; m < rows; ++m) {
        for (int i = 0; i < COUNT; ++i) scaled[m][i] = q[m * q_stride + n + i] * key_up.scale_of(n + i);
    }
    const Weight* at = static_cast<const Weight*>(key_up.values) + int64_t{n} * key_up.latent;
    absorb_columns<COUNT>(at, key_up.latent, scaled, rows, out, out_stride);
}

// The weights are read once for PROJECTED_ROWS rows at most.
template <typename Weight>
inline void absorb_rows(const HeadWeights& key_up, const float* q, int64_t q_stride, int rows, float* out,
                        int64_t out_stride) {
    int n = 0;
    for (int m = 0; m < rows; ++m) std::memset(out + m * out_stride, 0, key_up.latent * sizeof(float));
    for (; n + ABSORBED_ROWS <= key_up.rows; n += ABSORBED_ROWS) {
        absorb_some<ABSORBED_ROWS, Weight>(key_up, n, q, q_stride, rows, out, out_stride);
    }
    for (; n < key_up.rows; ++n) absorb_some<1, Weight>(key_up, n, q, q_stride, rows, out, out_stride);
}

// out[m][v] = mixed[m] . value_up[v] for ROWS rows and VALUES values.
template <int ROWS, int VALUES, typename Weight>
inline void project_tile(const Weight* value_up, int latent, const float* mixed, int64_t mixed_stride, float* out,
                         int64_t out_stride) {
    F32 sums[ROWS][VALUES];
    for (int m = 0; m < ROWS; ++m) {
        for (int v = 0; v < VALUES; ++v) sums[m][v] = zero();
    }
    int r = 0;
    for (; r + LANES <= latent; r += LANES) {
        F32 weights[VALUES];
        for (int v = 0; v < VALUES; ++v) {
            const Weight* at = value_up + int64_t{v} * latent + r;
            prefetch(reinterpret_cast<const char*>(at) + PROJECT_PREFETCH_BYTES);
            weights[v] = load(at);
        }
        for (int m = 0; m < ROWS; ++m) {
            F32 row = load(mixed + m * mixed_stride + r);
            for (int v = 0; v < VALUES; ++v) sums[m][v] = fma(row, weights[v], sums[m][v]);
        }
    }
    for (int m = 0; m < ROWS; ++m) {
        for (int v = 0; v < VALUES; ++v) {
            float total = sum(sums[m][v]);
            for (int rest = r; rest < latent; ++rest) {
                total += mixed[m * mixed_stride + rest] * widen(value_up[int64_t{v} * latent + rest]);
            }
            out[m * out_stride + v] = total;
        }
    }
}

template <int VALUES, typename Weight>
inline void project_values(const Weight* value_up, int latent, const float* mixed, int64_t mixed_stride, int rows,
                           float* out, int64_t out_stride) {
    int m = 0;
    for (; m + 2 <= rows; m += 2) {
        project_tile<2, VALUES>(value_up, latent, mixed + m * mixed_stride, mixed_stride, out + m * out_stride,
                                out_stride);
    }
    if (m < rows) {
        project_tile<1, VALUES>(value_up, latent, mixed + m * mixed_stride, mixed_stride, out + m * out_stride,
                                out_stride);
    }
}

template <typename Weight>
inline void project_rows(const HeadWeights& value_up, const float* mixed, int64_t mixed_stride, int rows, float* out,
                         int64_t out_stride) {
    constexpr int TOGETHER = 4;
    const Weight* weights = static_cast<const Weight*>(value_up.values);
    int v = 0;
    for (; v + TOGETHER <= value_up.rows; v += TOGETHER) {
        project_values<TOGETHER>(weights + int64_t{v} * value_up.latent, value_up.latent, mixed, mixed_stride, rows,
                                 out + v, out_stride);
    }
    for (; v < value_up.rows; ++v) {
        project_values<1>(weights + int64_t{v} * value_up.latent, value_up.latent, mixed, mixed_stride, rows, out + v,
                          out_stride);
    }
}

// out[m] = q[m] @ key_up for at most PROJECTED_ROWS rows.
inline void absorb_few(const HeadWeights& key_up, const float* q, int64_t q_stride, int rows, float* out,
                       int64_t out_stride) {
    if (key_up.form == WIDE_F32) return absorb_rows<float>(key_up, q, q_stride, rows, out, out_stride);
#ifdef MIDSPAN_BF16
    if (key_up.latent % 32 == 0 && key_up.wide_form == WIDE_BF16) {
        if (key_up.form == INT8) return absorb_rows_bf16<int8_t>(key_up, q, q_stride, rows, out, out_stride);
        return absorb_rows_bf16<bf16>(key_up, q, q_stride, rows, out, out_stride);
    }
#endif
    if (key_up.form == INT8) return absorb_rows<int8_t>(key_up, q, q_stride, rows, out, out_stride);
    absorb_rows<bf16>(key_up, q, q_stride, rows, out, out_stride);
}

// out[m] = q[m] @ key_up for one head: q [rows][key_up.rows]. Memory is read once for 16 rows.
inline void absorb_head(const HeadWeights& key_up, const float* q, int64_t q_stride, int rows, float* out,
                        int64_t out_stride) {
    // Rows of a model's queries are often a multiple of 4096 bytes apart and would push one another out of the cache.
    alignas(64) float sums[PROJECTED_ROWS * (MOST_LATENT + LANES)];
    int latent = key_up.latent, stride = latent + LANES;
    for (; rows > 0; rows -= PROJECTED_ROWS, q += PROJECTED_ROWS * q_stride, out += PROJECTED_ROWS * out_stride) {
        int together = rows < PROJECTED_ROWS ? rows : PROJECTED_ROWS;
        absorb_few(key_up, q, q_stride, together, sums, stride);
        for (int m = 0; m < together; ++m) std::memcpy(out + m * out_stride, sums + m * stride, latent * sizeof(float));
    }
}

// out[m] = mixed[m] @ value_up.T without the scales of INT8.
inline void project_codes(const HeadWeights& value_up, const float* mixed, int64_t mixed_stride, int rows, float* out,
                          int64_t out_stride) {
    if (value_up.form == WIDE_F32) return project_rows<float>(value_up, mixed, mixed_stride, rows, out, out_stride);
#ifdef MIDSPAN_BF16
    if (value_up.latent % 32 == 0 && value_up.wide_form == WIDE_BF16) {
        if (value_up.form == INT8) return project_rows_bf16<int8_t>(value_up, mixed, mixed_stride, rows, out, out_stride);
        return project_rows_bf16<bf16>(value_up, mixed, mixed_stride, rows, out, out_stride);
    }
#endif
    if (value_up.form == INT8) return project_rows<int8_t>(value_up, mixed, mixed_stride, rows, out, out_stride);
    project_rows<bf16>(value_up, mixed, mixed_stride, rows, out, out_stride);
}

// out[m] = mixed[m] @ value_up.T for one head: mixed [rows][latent], out [rows][value_up.rows].
inline void project_head(const HeadWeights& value_up, const float* mixed, int64_t mixed_stride, int rows, float* out,
                         int64_t out_stride) {
    project_codes(value_up, mixed, mixed_stride, rows, out, out_stride);
    if (!value_up.scale) return;
    for (int m = 0; m < rows; ++m) {
        for (int v = 0; v < value_up.rows; ++v) out[m * out_stride + v] *= value_up.scale[v];
    }
}

// Writes the page row of a new token, and leaves it as floats in `values`: the latent, which is normalised, and the
// key, which is rotated by the cos and sin that rotation() fills. values [latent + rope].
inline void write_latent(int latent, int rope, float* values, const float* norm, float eps, const float* cos,
                         const float* sin, PageType type, uint8_t* row) {
    rmsnorm_row(values, norm, latent, eps, values);
    rotate_neighbours(values + latent, cos, sin, rope);
    write_page_row(row, type, values, latent + rope);
}

}  // namespace midspan::MIDSPAN_ISA
