// Products of input rows with a unit of weights, which is two blocks of 16 rows.
//
// Up to eight input rows meet one block after the other, so that memory is read as one stream, or two blocks of gate and up
// together: as two streams, where one that ends for the other begins anew each time. Of more rows, eight at a time meet a unit
// that stays in the cache. With int8 weights four of them meet both its blocks, because loads are the limit: one
// of activations then serves two products. Sums, scales and offsets of both blocks of int4 do not fit into the registers.
#pragma once

#include "products_wide.h"

namespace midspan::MIDSPAN_ISA {

// Adds the products of group g of a tile.
template <int M, bool HAS_FIFTH>
inline void add_group(const uint8_t* tile, int g, const int8_t* codes, int64_t width, Sums (&sums)[M]) {
    for (int v = 4 * g; v < 4 * g + 4; ++v, codes += 4) {
        Bytes both = load_bytes(tile + 64 * v), low = low_halves(both), high = high_halves(both);
        if (HAS_FIFTH) {
            const uint8_t* fifth = tile + TILE_CODES_BYTES + 16 * v;
            low = add_fifth_bits(low, fifth), high = add_fifth_bits(high, fifth + 8);
        }
        for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], low, codes + m * width);
        for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], high, codes + m * width + 16);
    }
}

// A block of a matrix, which is read as a stream, and where its results for M input rows go, UNIT_ROWS apart.
struct Stream {
    const Matrix* matrix;
    int64_t block;
    float* out;
};

// Multiplies a block, or the same block of two matrices, so that each of them is a stream that goes on in the next one.
template <int M, bool HAS_FIFTH, int STREAMS>
inline void multiply_groups(const Stream (&streams)[STREAMS], const Input& x, int64_t first, int ahead_bytes) {
    constexpr int TILE_BYTES = HAS_FIFTH ? TILE_INT5_BYTES : TILE_INT4_BYTES;
    constexpr int GRIDS_AT = TILE_BYTES - TILE_GRIDS_BYTES;
    int64_t tiles = round_up(streams[0].matrix->columns, TILE_COLUMNS) / TILE_COLUMNS;
    const uint8_t* tile[STREAMS];
    for (int p = 0; p < STREAMS; ++p) {
        tile[p] = static_cast<const uint8_t*>(streams[p].matrix->codes) + streams[p].block * tiles * TILE_BYTES;
    }
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * x.width / GROUP;
    const float* scaled_sum = x.scaled_sum + first * x.width / GROUP;
    int64_t groups = x.width / GROUP;
    Block mixed[STREAMS][M], offsets[STREAMS][M];
    for (int p = 0; p < STREAMS; ++p) {
        for (int m = 0; m < M; ++m) mixed[p][m] = offsets[p][m] = block_zero();
    }
    for (int64_t t = 0; t < tiles; ++t) {
#pragma GCC unroll 2  // or the sums of the second stream go through memory
        for (int p = 0; p < STREAMS; ++p) {
            fetch<TILE_BYTES>(tile[p] + ahead_bytes);
            for (int g = 0; g < 2; ++g) {
                Sums sums[M];
                for (int m = 0; m < M; ++m) sums[m] = sums_of(0);
                int64_t group = 2 * t + g;
                add_group<M, HAS_FIFTH>(tile[p], g, codes + group * GROUP, x.width, sums);
                const uint8_t* grid = tile[p] + GRIDS_AT + 32 * g;
                Block weight_scale = block_load_u8(grid), weight_offset = block_load_u8(grid + 16);
                for (int m = 0; m < M; ++m) {
                    Block both_scales = block_scale(weight_scale, scale[m * groups + group]);
                    mixed[p][m] = block_fma(both_scales, block_of(sums[m]), mixed[p][m]);
                    offsets[p][m] = block_fma(weight_offset, scaled_sum[m * groups + group], offsets[p][m]);
                }
            }
            tile[p] += TILE_BYTES;
        }
    }
    for (int p = 0; p < STREAMS; ++p) {
        Block row_scale = block_load(streams[p].matrix->scale + streams[p].block * BLOCK_ROWS);
        Block row_offset = block_load(streams[p].matrix->offset + streams[p].block * BLOCK_ROWS);
        for (int m = 0; m < M; ++m) {
            Block result = block_sub(block_mul(row_scale, mixed[p][m]), block_mul(row_offset, offsets[p][m]));
            block_store(streams[p].out + m * UNIT_ROWS, result);
        }
    }
}

inline const uint8_t* int8_block(const Matrix& matrix, int64_t block) {
    return static_cast<const uint8_t*>(matrix.codes) + block * BLOCK_ROWS * round_up(matrix.columns, TILE_COLUMNS);
}

// Multiplies blocks with as many columns. Fetches as many bytes from `ahead` on as a block has, or what comes next in each of
// the streams if it is null.
template <int M, int STREAMS>
inline void multiply_int8(const Stream (&streams)[STREAMS], const Input& x, int64_t first, const uint8_t* ahead) {
    int64_t groups = x.width / GROUP;
    int64_t used = round_up(streams[0].matrix->columns, TILE_COLUMNS) / GROUP;
    const uint8_t* tile[STREAMS];
    for (int p = 0; p < STREAMS; ++p) tile[p] = int8_block(*streams[p].matrix, streams[p].block);
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * groups;
    const int32_t* start = x.start + first * groups;
    Block mixed[M][STREAMS];
    for (int m = 0; m < M; ++m) {
        for (int p = 0; p < STREAMS; ++p) mixed[m][p] = block_zero();
    }
    for (int64_t g = 0; g < used; ++g, codes += GROUP) {
        if (ahead) fetch<GROUP_INT8_BYTES>(ahead + g * GROUP_INT8_BYTES);
        for (int p = 0; p < STREAMS && !ahead; ++p) fetch<GROUP_INT8_BYTES>(tile[p] + PREFETCH_BYTES);
        Sums sums[M][STREAMS];
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) sums[m][p] = sums_of(start[m * groups + g]);
        }
        for (int v = 0; v < 8; ++v) {
            Bytes weights[STREAMS];
            for (int p = 0; p < STREAMS; ++p) weights[p] = load_bytes(tile[p] + 64 * v);
            for (int m = 0; m < M; ++m) {
                for (int p = 0; p < STREAMS; ++p) sums[m][p] = dot_int8(sums[m][p], weights[p], codes + m * x.width + 4 * v);
            }
        }
        for (int p = 0; p < STREAMS; ++p) tile[p] += GROUP_INT8_BYTES;
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) mixed[m][p] = block_fma(block_of(sums[m][p]), scale[m * groups + g], mixed[m][p]);
        }
    }
    for (int p = 0; p < STREAMS; ++p) {
        Block row_scale = block_load(streams[p].matrix->scale + streams[p].block * BLOCK_ROWS);
        for (int m = 0; m < M; ++m) block_store(streams[p].out + m * UNIT_ROWS, block_mul(row_scale, mixed[m][p]));
    }
}

// The products of codes from which the lower four bits are taken, which are put at the middle of what they can be.
template <int M>
inline void multiply_upper(const Matrix& matrix, int64_t block, const Input& x, int64_t first, int ahead_bytes, float* out) {
    constexpr float STEP = 16, ZERO = 128 - 7.5f;  // a code lies in memory as code + 128
    int64_t groups = x.width / GROUP, used = round_up(matrix.columns, TILE_COLUMNS) / GROUP;
    const uint8_t* tile = static_cast<const uint8_t*>(matrix.codes) + block * used * GROUP_UPPER_BYTES;
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * groups;
    Block mixed[M];
    for (int m = 0; m < M; ++m) mixed[m] = block_zero();
    for (int64_t g = 0; g < used; ++g, codes += GROUP, tile += GROUP_UPPER_BYTES) {
        fetch<GROUP_UPPER_BYTES>(tile + ahead_bytes);
        Sums sums[M];
        for (int m = 0; m < M; ++m) sums[m] = sums_of(0);
        for (int v = 0; v < 4; ++v) {
            Bytes both = load_bytes(tile + 64 * v), low = low_halves(both), high = high_halves(both);
            for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], low, codes + m * x.width + 4 * v);
            for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], high, codes + m * x.width + 16 + 4 * v);
        }
        for (int m = 0; m < M; ++m) mixed[m] = block_fma(block_of(sums[m]), scale[m * groups + g], mixed[m]);
    }
    Block row_scale = block_load(matrix.scale + block * BLOCK_ROWS);
    for (int m = 0; m < M; ++m) {
        float sum = 0;
        for (int64_t g = 0; g < used; ++g) sum += x.scaled_sum[(first + m) * groups + g];
        Block offset = block_scale(row_scale, ZERO * sum);
        block_store(out + m * UNIT_ROWS, block_sub(block_scale(block_mul(row_scale, mixed[m]), STEP), offset));
    }
}

template <int M>
inline void multiply_block(const Matrix& matrix, int64_t block, const Input& x, int64_t first, int ahead_bytes, float* out) {
    Stream streams[] = {{&matrix, block, out}};
    switch (matrix.form) {
        case INT4: return multiply_groups<M, false>(streams, x, first, ahead_bytes);
        case INT5: return multiply_groups<M, true>(streams, x, first, ahead_bytes);
        case INT8: return multiply_int8<M>(streams, x, first, int8_block(matrix, block) + ahead_bytes);
        case INT8_UPPER: return multiply_upper<M>(matrix, block, x, first, ahead_bytes, out);
        case WIDE_BF16: return multiply_bf16<M>(matrix, block, x, first, out);
        default: return multiply_wide<M, float>(matrix, block, x, first, out);
    }
}

inline void multiply_few(const Matrix& matrix, int64_t block, const Input& x, int64_t first, int rows,
                         int ahead_bytes, float* out) {
    switch (rows) {
        case 1: return multiply_block<1>(matrix, block, x, first, ahead_bytes, out);
        case 2: return multiply_block<2>(matrix, block, x, first, ahead_bytes, out);
        case 3: return multiply_block<3>(matrix, block, x, first, ahead_bytes, out);
        case 4: return multiply_block<4>(matrix, block, x, first, ahead_bytes, out);
        case 5: return multiply_block<5>(matrix, block, x, first, ahead_bytes, out);
        case 6: return multiply_block<6>(matrix, block, x, first, ahead_bytes, out);
        case 7: return multiply_block<7>(matrix, block, x, first, ahead_bytes, out);
        default: return multiply_block<8>(matrix, block, x, first, ahead_bytes, out);
    }
}

template <int M>
inline void multiply_pair(const Stream (&streams)[2], const Input& x, int64_t first, const uint8_t* ahead) {
    switch (streams[0].matrix->form) {
        case INT4: return multiply_groups<M, false>(streams, x, first, PREFETCH_BYTES);
        case INT5: return multiply_groups<M, true>(streams, x, first, PREFETCH_BYTES);
        default: return multiply_int8<M>(streams, x, first, ahead);
    }
}

// Multiplies at most ROWS_OF_BOTH rows with two blocks of one quantized form; of int8, `ahead` is as `multiply_int8` has it.
inline void multiply_both(const Stream (&streams)[2], const Input& x, int64_t first, int rows, const uint8_t* ahead) {
    switch (rows) {
        case 1: return multiply_pair<1>(streams, x, first, ahead);
        case 2: return multiply_pair<2>(streams, x, first, ahead);
        case 3: return multiply_pair<3>(streams, x, first, ahead);
        default: return multiply_pair<4>(streams, x, first, ahead);
    }
}

inline bool is_quantized(const Matrix& matrix) { return matrix.form == INT8 || matrix.form == INT4 || matrix.form == INT5; }

inline void add_bias(const Matrix& matrix, int64_t unit, int rows, float (*out)[UNIT_ROWS]) {
    if (!matrix.bias) return;
    int64_t left = matrix.rows - unit * UNIT_ROWS;
    for (int m = 0; m < rows; ++m) {
        for (int64_t n = 0; n < left && n < UNIT_ROWS; ++n) out[m][n] += matrix.bias[unit * UNIT_ROWS + n];
    }
}

// out[m][n] = x[first + m] . W[UNIT_ROWS * unit + n] + bias for m < rows <= ROWS_AT_ONCE and the rows of W that there are.
// The results are the same in each pass.
inline void multiply_unit_rows(const Matrix& matrix, int64_t unit, const Input& x, int64_t first, int rows,
                               Pass pass, float (*out)[UNIT_ROWS]) {
    int64_t block = UNIT_BLOCKS * unit, left = matrix.rows - unit * UNIT_ROWS;
    if (pass != Pass::ONLY && matrix.form == INT8 && left > BLOCK_ROWS) {
        for (int m = 0; m < rows; m += ROWS_OF_BOTH) {
            // In the first pass each half of the rows fetches a block of the next unit. What a later one fetches is there.
            int64_t fetched = block + (pass == Pass::FIRST ? UNIT_BLOCKS : 0) + m / ROWS_OF_BOTH;
            int together = rows - m < ROWS_OF_BOTH ? rows - m : ROWS_OF_BOTH;
            Stream streams[] = {{&matrix, block, out[m]}, {&matrix, block + 1, out[m] + BLOCK_ROWS}};
            multiply_both(streams, x, first + m, together, int8_block(matrix, fetched));
        }
    } else {
        int ahead_bytes = pass == Pass::ONLY ? PREFETCH_BYTES : PREFETCH_UNIT_BYTES;
        for (int b = 0; b < UNIT_BLOCKS && b * BLOCK_ROWS < left; ++b) {
            multiply_few(matrix, block + b, x, first, rows, ahead_bytes, out[0] + b * BLOCK_ROWS);
        }
    }
    add_bias(matrix, unit, rows, out);
}

// The same of two matrices of one shape and one quantized form, in one pass over both.
inline void multiply_units_of_two(const Matrix& one, const Matrix& other, int64_t unit, const Input& x, int64_t first, int rows,
                                  float (*out)[UNIT_ROWS], float (*other_out)[UNIT_ROWS]) {
    int64_t block = UNIT_BLOCKS * unit, left = one.rows - unit * UNIT_ROWS;
    for (int m = 0; m < rows; m += ROWS_OF_BOTH) {
        int together = rows - m < ROWS_OF_BOTH ? rows - m : ROWS_OF_BOTH;
        for (int b = 0; b < UNIT_BLOCKS && b * BLOCK_ROWS < left; ++b) {
            Stream streams[] = {{&one, block + b, out[m] + b * BLOCK_ROWS}, {&other, block + b, other_out[m] + b * BLOCK_ROWS}};
            multiply_both(streams, x, first + m, together, nullptr);
        }
    }
    add_bias(one, unit, rows, out);
    add_bias(other, unit, rows, other_out);
}

}  // namespace midspan::MIDSPAN_ISA
