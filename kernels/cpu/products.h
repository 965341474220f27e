// Products of input rows with a unit of weights, which is two blocks of 16 rows.
//
// A few input rows meet one block after the other, so that memory is read as one stream, or two blocks of gate and up together:
// as two streams, where one that ends for the other begins anew each time. Of more rows, eight at a time meet a unit that stays
// in the cache. Where there are registers for it, four of them meet both its blocks: loads are the limit, and one of activations
// then serves two products.
#pragma once

#include "products_groups.h"
#include "products_int8.h"
#include "products_wide.h"

namespace midspan::MIDSPAN_ISA {

template <int M, bool ONCE>
inline void multiply_block(const Matrix& matrix, int64_t block, const Input& x, int64_t first, float* out) {
    Stream streams[] = {{&matrix, block, out, PREFETCH_UNIT_BYTES}};
    switch (matrix.form) {
        case INT4: return multiply_groups<M, false, ONCE>(streams, x, first);
        case INT5: return multiply_groups<M, true, ONCE>(streams, x, first);
        case INT8: return multiply_int8<M, ONCE>(streams, x, first);
        case INT8_UPPER: return multiply_upper<M, ONCE>(streams[0], x, first);
        case WIDE_BF16: return multiply_bf16<M>(matrix, block, x, first, out);
        default: return multiply_wide<M, float>(matrix, block, x, first, out);
    }
}

template <bool ONCE>
inline void multiply_few(const Matrix& matrix, int64_t block, const Input& x, int64_t first, int rows, float* out) {
    switch (rows) {
        case 1: return multiply_block<1, ONCE>(matrix, block, x, first, out);
        case 2: return multiply_block<2, ONCE>(matrix, block, x, first, out);
        case 3: return multiply_block<3, ONCE>(matrix, block, x, first, out);
        case 4: return multiply_block<4, ONCE>(matrix, block, x, first, out);
        case 5: return multiply_block<5, ONCE>(matrix, block, x, first, out);
        case 6: return multiply_block<6, ONCE>(matrix, block, x, first, out);
        case 7: return multiply_block<7, ONCE>(matrix, block, x, first, out);
        case 8: return multiply_block<8, ONCE>(matrix, block, x, first, out);
    }
    if constexpr (MOST_ROWS_AT_ONCE > ROWS_AT_ONCE) {  // only of int8, in one pass
        Stream streams[] = {{&matrix, block, out}};
        switch (rows) {
            case 9: return multiply_int8<9, true>(streams, x, first);
            case 10: return multiply_int8<10, true>(streams, x, first);
            default: return multiply_int8<11, true>(streams, x, first);
        }
    }
}

template <int M, bool ONCE>
inline void multiply_pair(const Stream (&streams)[2], const Input& x, int64_t first) {
    switch (streams[0].matrix->form) {
        case INT4: return multiply_groups<M, false, ONCE>(streams, x, first);
        case INT5: return multiply_groups<M, true, ONCE>(streams, x, first);
        default: return multiply_int8<M, ONCE>(streams, x, first);
    }
}

// Multiplies at most ROWS_OF_BOTH rows with two blocks of one quantized form.
template <bool ONCE>
inline void multiply_both(const Stream (&streams)[2], const Input& x, int64_t first, int rows) {
    switch (rows) {
        case 1: return multiply_pair<1, ONCE>(streams, x, first);
        case 2: return multiply_pair<2, ONCE>(streams, x, first);
        case 3: return multiply_pair<3, ONCE>(streams, x, first);
        default: return multiply_pair<4, ONCE>(streams, x, first);
    }
}

inline bool is_in_groups(const Matrix& matrix) { return matrix.form == INT4 || matrix.form == INT5; }
inline bool is_quantized(const Matrix& matrix) { return matrix.form == INT8 || is_in_groups(matrix); }

inline void add_bias(const Matrix& matrix, int64_t unit, int rows, float (*out)[UNIT_ROWS]) {
    if (!matrix.bias) return;
    int64_t left = matrix.rows - unit * UNIT_ROWS;
    for (int m = 0; m < rows; ++m) {
        for (int64_t n = 0; n < left && n < UNIT_ROWS; ++n) out[m][n] += matrix.bias[unit * UNIT_ROWS + n];
    }
}

// out[m][n] = x[first + m] . W[UNIT_ROWS * unit + n] + bias for the rows m < pass.count and the rows of W that there are.
// The results are the same in each pass.
inline void multiply_unit_rows(const Matrix& matrix, int64_t unit, const Input& x, int64_t first, Pass pass,
                               float (*out)[UNIT_ROWS]) {
    int64_t block = UNIT_BLOCKS * unit, left = matrix.rows - unit * UNIT_ROWS;
    int rows = pass.count;
    bool meets_both = !pass.is_only() && matrix.form == INT8;
    // To unpack codes in groups takes so long that seven rows wait for that, and no more for memory.
    if (HAS_MANY_REGISTERS && is_in_groups(matrix)) meets_both = rows > 6 || !pass.is_only();
    if (meets_both && left > BLOCK_ROWS) {
        for (int m = 0; m < rows; m += ROWS_OF_BOTH) {
            int together = rows - m < ROWS_OF_BOTH ? rows - m : ROWS_OF_BOTH;
            Stream streams[] = {first_of_both(matrix, block, out[m], pass.row + m, together, pass.rows),
                                {&matrix, block + 1, out[m] + BLOCK_ROWS}};
            multiply_both<false>(streams, x, first + m, together);
        }
    } else {
        for (int b = 0; b < UNIT_BLOCKS && b * BLOCK_ROWS < left; ++b) {
            float* to = out[0] + b * BLOCK_ROWS;
            pass.is_only() ? multiply_few<true>(matrix, block + b, x, first, rows, to)
                           : multiply_few<false>(matrix, block + b, x, first, rows, to);
        }
    }
    add_bias(matrix, unit, rows, out);
}

// The same of two matrices of one shape and one quantized form, for at most ROWS_OF_BOTH rows, in one pass over both.
inline void multiply_units_of_two(const Matrix& one, const Matrix& other, int64_t unit, const Input& x, int64_t first, int rows,
                                  float (*out)[UNIT_ROWS], float (*other_out)[UNIT_ROWS]) {
    int64_t left = one.rows - unit * UNIT_ROWS;
    for (int b = 0; b < UNIT_BLOCKS && b * BLOCK_ROWS < left; ++b) {
        int64_t block = UNIT_BLOCKS * unit + b, at = b * BLOCK_ROWS;
        Stream streams[] = {{&one, block, out[0] + at}, {&other, block, other_out[0] + at}};
        multiply_both<true>(streams, x, first, rows);
    }
    add_bias(one, unit, rows, out);
    add_bias(other, unit, rows, other_out);
}

}  // namespace midspan::MIDSPAN_ISA
