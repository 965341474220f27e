// Products of input rows with a block of weights in fp32 or bf16.
#pragma once

#include "product_shape.h"

#ifdef MIDSPAN_BF16
#include "bf16_pairs.h"
#endif

namespace midspan::MIDSPAN_ISA {

constexpr int PAIR_ROWS = 4, PAIR_INPUTS = 4;  // of weights and of inputs in bf16 that meet: 16 sums in registers

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
            prefetch_to_l2(reinterpret_cast<const uint8_t*>(weights + k) + PREFETCH_UNIT_BYTES);
            F32 w = load(weights + k);
            for (int m = 0; m < M; ++m) sums[m] = fma(w, load(input + m * x.width + k), sums[m]);
        }
        for (int m = 0; m < M; ++m) {
            float total = sum(sums[m]);
            for (int64_t rest = k; rest < columns; ++rest) total += widen(weights[rest]) * input[m * x.width + rest];
            out[m * UNIT_ROWS + n] = total;
        }
    }
}

#ifdef MIDSPAN_BF16
// Multiplies PAIR_ROWS rows of weights. `input` [M, stride] is rounded to bf16 too. IN_CACHE: the weights are.
template <int M, bool IN_CACHE>
inline void multiply_pairs(const bf16* const (&row)[PAIR_ROWS], int64_t columns, const bf16* input, int64_t stride, float* out) {
    F32 sums[M][PAIR_ROWS];
    for (int m = 0; m < M; ++m) {
        for (int i = 0; i < PAIR_ROWS; ++i) sums[m][i] = zero();
    }
    auto add_columns = [&](int64_t k, int count) {
        F32 w[PAIR_ROWS];
        for (int i = 0; i < PAIR_ROWS; ++i) w[i] = load_pairs(row[i] + k, count);
        for (int m = 0; m < M; ++m) {
            F32 values = load_pairs(input + m * stride + k, count);
            for (int i = 0; i < PAIR_ROWS; ++i) sums[m][i] = dot_pairs(sums[m][i], w[i], values);
        }
    };
    int64_t k = 0;
    for (; k + 2 * LANES <= columns; k += 2 * LANES) {
        for (int i = 0; i < PAIR_ROWS && !IN_CACHE; ++i) prefetch_to_l2(reinterpret_cast<const uint8_t*>(row[i] + k) + PREFETCH_UNIT_BYTES);
        add_columns(k, 2 * LANES);
    }
    if (k < columns) add_columns(k, static_cast<int>(columns - k));
    for (int m = 0; m < M; ++m) sum_four(sums[m], out + m * UNIT_ROWS);
}

template <int M>
inline void multiply_bf16(const Matrix& matrix, int64_t block, const Input& x, int64_t first, float* out) {
    constexpr int NOW = M < PAIR_INPUTS ? M : PAIR_INPUTS;
    int64_t columns = matrix.columns;
    int64_t rows = matrix.rows - block * BLOCK_ROWS < BLOCK_ROWS ? matrix.rows - block * BLOCK_ROWS : BLOCK_ROWS;
    const bf16* weights = static_cast<const bf16*>(matrix.codes) + block * BLOCK_ROWS * columns;
    const bf16* input = x.narrow + first * x.width;
    for (int64_t n = 0; n < rows; n += PAIR_ROWS, out += PAIR_ROWS) {
        const bf16* row[PAIR_ROWS];
        for (int i = 0; i < PAIR_ROWS; ++i) row[i] = weights + (n + i < rows ? n + i : rows - 1) * columns;
        multiply_pairs<NOW, false>(row, columns, input, x.width, out);
        if constexpr (M > NOW) {
            multiply_pairs<M - NOW, true>(row, columns, input + NOW * x.width, x.width, out + NOW * UNIT_ROWS);
        }
    }
}
#else
template <int M>
inline void multiply_bf16(const Matrix& matrix, int64_t block, const Input& x, int64_t first, float* out) {
    multiply_wide<M, bf16>(matrix, block, x, first, out);
}
#endif

}  // namespace midspan::MIDSPAN_ISA
