// Products of input rows with the 16 rows of one block of weights, read once for up to ROWS_AT_ONCE input rows.
#pragma once

#include "input.h"

namespace midspan::MIDSPAN_ISA {

constexpr int ROWS_AT_ONCE = 8;
constexpr int TILE_INT4_BYTES = 576;  // 16 rows of 64 columns: 512 bytes of codes, then scales and offsets
constexpr int GROUP_INT8_BYTES = BLOCK_ROWS * GROUP;
constexpr int PREFETCH_BYTES = 4608;

template <int M>
inline void multiply_int4(const Matrix& matrix, int64_t block, const Input& x, int64_t first, float* out) {
    int64_t tiles = round_up(matrix.columns, TILE_COLUMNS) / TILE_COLUMNS;
    const uint8_t* tile = static_cast<const uint8_t*>(matrix.codes) + block * tiles * TILE_INT4_BYTES;
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * x.width / GROUP;
    const float* scaled_sum = x.scaled_sum + first * x.width / GROUP;
    int64_t groups = x.width / GROUP;
    Block mixed[M], offsets[M];
    for (int m = 0; m < M; ++m) mixed[m] = offsets[m] = block_zero();
    for (int64_t t = 0; t < tiles; ++t, tile += TILE_INT4_BYTES) {
        for (int at = 0; at < TILE_INT4_BYTES; at += 64) prefetch(tile + PREFETCH_BYTES + at);
        for (int g = 0; g < 2; ++g) {
            Sums sums[M];
            for (int m = 0; m < M; ++m) sums[m] = sums_of(0);
            for (int v = 0; v < 4; ++v) {
                Bytes both = load_bytes(tile + 256 * g + 64 * v);
                Bytes low = low_halves(both), high = high_halves(both);
                const int8_t* column = codes + t * TILE_COLUMNS + g * GROUP + 4 * v;
                for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], low, column + m * x.width);
                for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], high, column + m * x.width + 16);
            }
            Block weight_scale = block_load_u8(tile + 512 + 32 * g);
            Block weight_offset = block_load_u8(tile + 512 + 32 * g + 16);
            int64_t group = 2 * t + g;
            for (int m = 0; m < M; ++m) {
                mixed[m] = block_fma(block_scale(weight_scale, scale[m * groups + group]), block_of(sums[m]), mixed[m]);
                offsets[m] = block_fma(weight_offset, scaled_sum[m * groups + group], offsets[m]);
            }
        }
    }
    Block row_scale = block_load(matrix.scale + block * BLOCK_ROWS);
    Block row_offset = block_load(matrix.offset + block * BLOCK_ROWS);
    for (int m = 0; m < M; ++m) {
        block_store(out + m * BLOCK_ROWS, block_sub(block_mul(row_scale, mixed[m]), block_mul(row_offset, offsets[m])));
    }
}

template <int M>
inline void multiply_int8(const Matrix& matrix, int64_t block, const Input& x, int64_t first, float* out) {
    int64_t groups = x.width / GROUP;
    int64_t used = round_up(matrix.columns, TILE_COLUMNS) / GROUP;
    const uint8_t* tile = static_cast<const uint8_t*>(matrix.codes) + block * used * GROUP_INT8_BYTES;
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * groups;
    const int32_t* sum = x.sum + first * groups;
    Block mixed[M];
    for (int m = 0; m < M; ++m) mixed[m] = block_zero();
    for (int64_t g = 0; g < used; ++g, tile += GROUP_INT8_BYTES) {
        for (int at = 0; at < GROUP_INT8_BYTES; at += 64) prefetch(tile + PREFETCH_BYTES + at);
        Sums sums[M];
        for (int m = 0; m < M; ++m) sums[m] = sums_of(-INT8_OFFSET * sum[m * groups + g]);
        for (int v = 0; v < 8; ++v) {
            Bytes weights = load_bytes(tile + 64 * v);
            const int8_t* column = codes + g * GROUP + 4 * v;
            for (int m = 0; m < M; ++m) sums[m] = dot_int8(sums[m], weights, column + m * x.width);
        }
        for (int m = 0; m < M; ++m) mixed[m] = block_fma(block_of(sums[m]), scale[m * groups + g], mixed[m]);
    }
    Block row_scale = block_load(matrix.scale + block * BLOCK_ROWS);
    for (int m = 0; m < M; ++m) block_store(out + m * BLOCK_ROWS, block_mul(row_scale, mixed[m]));
}

// A wide matrix is torch's own, row by row, so that it is not in memory twice.
template <int M, typename Weight>
inline void multiply_wide(const Matrix& matrix, int64_t block, const Input& x, int64_t first, float* out) {
    int64_t columns = matrix.columns;
    int64_t rows = matrix.rows - block * BLOCK_ROWS < BLOCK_ROWS ? matrix.rows - block * BLOCK_ROWS : BLOCK_ROWS;
    const Weight* weights = static_cast<const Weight*>(matrix.codes) + block * BLOCK_ROWS * columns;
    const float* input = x.wide + first * x.width;
    for (int64_t n = 0; n < rows; ++n, weights += columns) {
        F32 sums[M];
        for (int m = 0; m < M; ++m) sums[m] = zero();
        int64_t k = 0;
        for (; k + LANES <= columns; k += LANES) {
            prefetch(reinterpret_cast<const uint8_t*>(weights + k) + PREFETCH_BYTES);
            F32 w = load(weights + k);
            for (int m = 0; m < M; ++m) sums[m] = fma(w, load(input + m * x.width + k), sums[m]);
        }
        for (int m = 0; m < M; ++m) {
            float total = sum(sums[m]);
            for (int64_t rest = k; rest < columns; ++rest) total += widen(weights[rest]) * input[m * x.width + rest];
            out[m * BLOCK_ROWS + n] = total;
        }
    }
    for (int64_t n = rows; n < BLOCK_ROWS; ++n) {
        for (int m = 0; m < M; ++m) out[m * BLOCK_ROWS + n] = 0;
    }
}

template <int M>
inline void multiply_rows(const Matrix& matrix, int64_t block, const Input& x, int64_t first, float* out) {
    switch (matrix.form) {
        case INT4: return multiply_int4<M>(matrix, block, x, first, out);
        case INT8: return multiply_int8<M>(matrix, block, x, first, out);
        case WIDE_BF16: return multiply_wide<M, bf16>(matrix, block, x, first, out);
        default: return multiply_wide<M, float>(matrix, block, x, first, out);
    }
}

// out[m][n] = x[first + m] . W[16 * block + n] + bias for m < rows <= ROWS_AT_ONCE; rows of W past its end give zeros.
inline void multiply_block(const Matrix& matrix, int64_t block, const Input& x, int64_t first, int rows, float* out) {
    switch (rows) {
        case 1: multiply_rows<1>(matrix, block, x, first, out); break;
        case 2: multiply_rows<2>(matrix, block, x, first, out); break;
        case 3: multiply_rows<3>(matrix, block, x, first, out); break;
        case 4: multiply_rows<4>(matrix, block, x, first, out); break;
        case 5: multiply_rows<5>(matrix, block, x, first, out); break;
        case 6: multiply_rows<6>(matrix, block, x, first, out); break;
        case 7: multiply_rows<7>(matrix, block, x, first, out); break;
        default: multiply_rows<8>(matrix, block, x, first, out); break;
    }
    if (!matrix.bias) return;
    int64_t real = matrix.rows - block * BLOCK_ROWS < BLOCK_ROWS ? matrix.rows - block * BLOCK_ROWS : BLOCK_ROWS;
    for (int m = 0; m < rows; ++m) {
        for (int64_t n = 0; n < real; ++n) out[m * BLOCK_ROWS + n] += matrix.bias[block * BLOCK_ROWS + n];
    }
}

}  // namespace midspan::MIDSPAN_ISA
