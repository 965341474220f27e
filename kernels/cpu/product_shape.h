// The shapes of products: units, blocks and tiles of weights, and what is fetched ahead of them.
#pragma once

#include "input.h"

namespace midspan::MIDSPAN_ISA {

constexpr int UNIT_BLOCKS = 2;
constexpr int UNIT_ROWS = UNIT_BLOCKS * BLOCK_ROWS;  // rows of weights: what they yield is a group of the next input
constexpr int ROWS_AT_ONCE = 8;
// A step with no more rows than these reads weights in int8 once, for all of its rows. The sums of more rows need more registers
// than there are, so that two passes are faster.
constexpr int MOST_ROWS_AT_ONCE = HAS_MANY_REGISTERS ? 11 : ROWS_AT_ONCE;
constexpr int ROWS_OF_BOTH = 4;  // that meet both blocks
// 16 rows of 64 columns: the low four bits of codes, for int5 the fifth bits, then scales and offsets.
constexpr int TILE_CODES_BYTES = 512, TILE_FIFTH_BYTES = 128, TILE_GRIDS_BYTES = 64;
constexpr int TILE_INT4_BYTES = TILE_CODES_BYTES + TILE_GRIDS_BYTES;
constexpr int TILE_INT5_BYTES = TILE_INT4_BYTES + TILE_FIFTH_BYTES;
constexpr int GROUP_INT8_BYTES = BLOCK_ROWS * GROUP, GROUP_UPPER_BYTES = GROUP_INT8_BYTES / 2;
// So far ahead that a page's end holds up no stream. Farther, what is fetched takes the place of what the processor fetches by
// itself, and memory gives less.
constexpr int PREFETCH_BYTES = 3 << 10;
// For more than two input rows: a line is so much work then that the processor looks fewer lines ahead by itself.
constexpr int PREFETCH_OF_MANY_BYTES = 8 << 10;
// Of many rows that meet one block at a time, and of wide weights, where gate and up alternate.
constexpr int PREFETCH_UNIT_BYTES = 18 << 10;

// A pass over a unit: rows [row, row + count) of the `rows` that meet it.
struct Pass {
    int64_t row;
    int count;
    int64_t rows;

    bool is_only() const { return count == rows; }
};

// The pass of the rows from `row` on.
inline Pass pass_of(const Matrix& matrix, int64_t row, int64_t rows) {
    int most = matrix.form == INT8 && rows <= MOST_ROWS_AT_ONCE ? MOST_ROWS_AT_ONCE : ROWS_AT_ONCE;
    return {row, static_cast<int>(rows - row < most ? rows - row : most), rows};
}

// The bytes of a block of codes.
inline int64_t block_bytes(const Matrix& matrix) {
    int64_t tiles = round_up(matrix.columns, TILE_COLUMNS) / TILE_COLUMNS;
    switch (matrix.form) {
        case INT4: return tiles * TILE_INT4_BYTES;
        case INT5: return tiles * TILE_INT5_BYTES;
        case INT8_UPPER: return tiles * 2 * GROUP_UPPER_BYTES;
        default: return tiles * 2 * GROUP_INT8_BYTES;
    }
}

inline const uint8_t* block_codes(const Matrix& matrix, int64_t block) {
    return static_cast<const uint8_t*>(matrix.codes) + block * block_bytes(matrix);
}

// The bytes of a unit of weights in any form.
inline int64_t unit_bytes(const Matrix& matrix) {
    int64_t values = int64_t{matrix.columns} * UNIT_ROWS;
    switch (matrix.form) {
        case WIDE_F32: return values * 4;
        case WIDE_BF16: return values * 2;
        default: return UNIT_BLOCKS * block_bytes(matrix);
    }
}

inline const uint8_t* unit_codes(const Matrix& matrix, int64_t unit) {
    return static_cast<const uint8_t*>(matrix.codes) + unit * unit_bytes(matrix);
}

template <int COUNT>
inline Sums total(const Sums (&sums)[COUNT]) {
    Sums sum = sums[0];
    for (int i = 1; i < COUNT; ++i) sum = add(sum, sums[i]);
    return sum;
}

template <int BYTES>
inline void fetch(const uint8_t* weights) {
    for (int at = 0; at < BYTES; at += 64) prefetch_to_l2(weights + at);
}

}  // namespace midspan::MIDSPAN_ISA
