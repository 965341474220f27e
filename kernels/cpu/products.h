// Products of input rows with a unit of weights, which is two blocks of 16 rows.
//
// A few input rows meet one block after the other, so that memory is read as one stream, or two blocks of gate and up together:
// as two streams, where one that ends for the other begins anew each time. Of more rows, eight at a time meet a unit that stays
// in the cache. Where there are registers for it, four of them meet both its blocks: loads are the limit, and one of activations
// then serves two products.
#pragma once

#include "products_wide.h"

namespace midspan::MIDSPAN_ISA {

// The bytes of a block of a quantized matrix.
inline int64_t block_bytes(const Matrix& matrix) {
    int64_t tile = matrix.form == INT8 ? TILE_INT8_BYTES : matrix.form == INT5 ? TILE_INT5_BYTES : TILE_INT4_BYTES;
    return round_up(matrix.columns, TILE_COLUMNS) / TILE_COLUMNS * tile;
}

// A block of a quantized matrix, where its results for M input rows go, UNIT_ROWS apart, and how far ahead of it as many bytes
// as it has are fetched meanwhile: 0 where what comes next is in the cache.
struct Stream {
    const Matrix* matrix;
    int64_t block;
    float* out;
    int64_t ahead_bytes;

    const uint8_t* codes() const { return static_cast<const uint8_t*>(matrix->codes) + block * block_bytes(*matrix); }
};

// Fetches the line that lies ahead of one that is read: ONCE where no other pass reads it, which needs no second cache. Fetched
// one by one between products, lines hold up nothing.
template <bool ONCE>
inline void fetch_line(const uint8_t* line, const Stream& stream) {
    if (ONCE) {
        prefetch_once(line + PREFETCH_BYTES);
    } else if (stream.ahead_bytes) {
        prefetch_to_l2(line + stream.ahead_bytes);
    }
}

// Adds the products of group g of a tile of each of the streams.
template <int M, bool HAS_FIFTH, bool ONCE, int STREAMS>
inline void add_group(const uint8_t* const* tile, const Stream* streams, int g, const int8_t* codes, int64_t width,
                      Sums (&sums)[M][STREAMS]) {
    MIDSPAN_UNROLL_GROUP
    for (int i = 0; i < 4; ++i) {
        int v = 4 * g + i;
        Bytes low[STREAMS], high[STREAMS];
#pragma GCC unroll 2
        for (int p = 0; p < STREAMS; ++p) {
            fetch_line<ONCE>(tile[p] + 64 * v, streams[p]);
            Bytes both = load_bytes(tile[p] + 64 * v);
            low[p] = low_halves(both), high[p] = high_halves(both);
            if (HAS_FIFTH) {
                const uint8_t* fifth = tile[p] + TILE_CODES_BYTES + 16 * v;
                low[p] = add_fifth_bits(low[p], fifth), high[p] = add_fifth_bits(high[p], fifth + 8);
            }
        }
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) sums[m][p] = dot_int4(sums[m][p], low[p], codes + m * width + 4 * i);
        }
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) sums[m][p] = dot_int4(sums[m][p], high[p], codes + m * width + 4 * i + 16);
        }
    }
}

// Adds the weights' offsets of the streams, whose first tiles these are, times the sums of the activations.
template <int M, int TILE_BYTES, int STREAMS>
inline void add_offsets(const uint8_t* const (&tile)[STREAMS], int64_t tiles, const float* scaled_sum, int64_t groups,
                        Block (&offsets)[M][STREAMS]) {
    for (int64_t t = 0; t < tiles; ++t, scaled_sum += 2) {
#pragma GCC unroll 2
        for (int g = 0; g < 2; ++g) {
#pragma GCC unroll 2
            for (int p = 0; p < STREAMS; ++p) {
                const uint8_t* grid = tile[p] + (t + 1) * TILE_BYTES - TILE_GRIDS_BYTES + 2 * BLOCK_ROWS * g;
                Block weight_offset = block_load_u8(grid + BLOCK_ROWS);
                for (int m = 0; m < M; ++m) offsets[m][p] = block_fma(weight_offset, scaled_sum[m * groups + g], offsets[m][p]);
            }
        }
    }
}

// Multiplies a block, two of one matrix, or the same block of two matrices, so that each of these is a stream that goes on in
// the next one.
template <int M, bool HAS_FIFTH, bool ONCE, int STREAMS>
inline void multiply_groups(const Stream (&streams)[STREAMS], const Input& x, int64_t first) {
    constexpr int TILE_BYTES = HAS_FIFTH ? TILE_INT5_BYTES : TILE_INT4_BYTES;
    constexpr int GRIDS_AT = TILE_BYTES - TILE_GRIDS_BYTES;
    constexpr int TOGETHER = HAS_MANY_REGISTERS ? STREAMS : 1;
    // With many sums and scaled sums, the offsets do not fit into the registers. What is read once leaves the cache before then.
    constexpr bool OFFSETS_LATER = HAS_MANY_REGISTERS && !ONCE && M * STREAMS > 4;
    int64_t tiles = round_up(streams[0].matrix->columns, TILE_COLUMNS) / TILE_COLUMNS;
    const uint8_t *begin[STREAMS], *tile[STREAMS];
    for (int p = 0; p < STREAMS; ++p) begin[p] = tile[p] = streams[p].codes();
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * x.width / GROUP;
    const float* scaled_sum = x.scaled_sum + first * x.width / GROUP;
    int64_t groups = x.width / GROUP;
    Block mixed[M][STREAMS], offsets[M][STREAMS];
    for (int p = 0; p < STREAMS; ++p) {
        for (int m = 0; m < M; ++m) mixed[m][p] = offsets[m][p] = block_zero();
    }
    for (int64_t t = 0; t < tiles; ++t) {
        for (int p = 0; p < STREAMS; ++p) {
            for (int at = TILE_CODES_BYTES; at < TILE_BYTES; at += 64) fetch_line<ONCE>(tile[p] + at, streams[p]);
        }
#pragma GCC unroll 2  // or the sums of the second stream go through memory
        for (int q = 0; q < STREAMS; q += TOGETHER) {
            for (int g = 0; g < 2; ++g) {
                int64_t group = 2 * t + g;
                Sums sums[M][TOGETHER];
                for (int m = 0; m < M; ++m) {
                    for (int p = 0; p < TOGETHER; ++p) sums[m][p] = sums_of(0);
                }
                add_group<M, HAS_FIFTH, ONCE>(tile + q, streams + q, g, codes + group * GROUP, x.width, sums);
#pragma GCC unroll 2
                for (int p = 0; p < TOGETHER; ++p) {
                    const uint8_t* grid = tile[q + p] + GRIDS_AT + 2 * BLOCK_ROWS * g;
                    Block weight_scale = block_load_u8(grid), weight_offset = block_load_u8(grid + BLOCK_ROWS);
                    for (int m = 0; m < M; ++m) {
                        Block both_scales = block_scale(weight_scale, scale[m * groups + group]), &offset = offsets[m][q + p];
                        mixed[m][q + p] = block_fma(both_scales, block_of(sums[m][p]), mixed[m][q + p]);
                        if (!OFFSETS_LATER) offset = block_fma(weight_offset, scaled_sum[m * groups + group], offset);
                    }
                }
            }
        }
        for (int p = 0; p < STREAMS; ++p) tile[p] += TILE_BYTES;
    }
    if (OFFSETS_LATER) add_offsets<M, TILE_BYTES>(begin, tiles, scaled_sum, groups, offsets);
    for (int p = 0; p < STREAMS; ++p) {
        Block row_scale = block_load(streams[p].matrix->scale + streams[p].block * BLOCK_ROWS);
        Block row_offset = block_load(streams[p].matrix->offset + streams[p].block * BLOCK_ROWS);
        for (int m = 0; m < M; ++m) {
            Block result = block_sub(block_mul(row_scale, mixed[m][p]), block_mul(row_offset, offsets[m][p]));
            block_store(streams[p].out + m * UNIT_ROWS, result);
        }
    }
}

template <int M, bool ONCE, int STREAMS>
inline void multiply_int8(const Stream (&streams)[STREAMS], const Input& x, int64_t first) {
    int64_t groups = x.width / GROUP;
    int64_t used = round_up(streams[0].matrix->columns, TILE_COLUMNS) / GROUP;
    const uint8_t* tile[STREAMS];
    for (int p = 0; p < STREAMS; ++p) tile[p] = streams[p].codes();
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * groups;
    const int32_t* start = x.start + first * groups;
    Block mixed[M][STREAMS];
    for (int m = 0; m < M; ++m) {
        for (int p = 0; p < STREAMS; ++p) mixed[m][p] = block_zero();
    }
    for (int64_t g = 0; g < used; ++g, codes += GROUP) {
        Sums sums[M][STREAMS];
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) sums[m][p] = sums_of(start[m * groups + g]);
        }
        for (int v = 0; v < 8; ++v) {
            Bytes weights[STREAMS];
            for (int p = 0; p < STREAMS; ++p) {
                fetch_line<ONCE>(tile[p] + 64 * v, streams[p]);
                weights[p] = load_bytes(tile[p] + 64 * v);
            }
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
template <int M, bool ONCE>
inline void multiply_upper(const Stream& stream, const Input& x, int64_t first) {
    const Matrix& matrix = *stream.matrix;
    constexpr float STEP = 16, ZERO = 128 - 7.5f;  // a code lies in memory as code + 128
    int64_t groups = x.width / GROUP, used = round_up(matrix.columns, TILE_COLUMNS) / GROUP;
    const uint8_t* tile = static_cast<const uint8_t*>(matrix.codes) + stream.block * used * GROUP_UPPER_BYTES;
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * groups;
    Block mixed[M];
    for (int m = 0; m < M; ++m) mixed[m] = block_zero();
    for (int64_t g = 0; g < used; ++g, codes += GROUP, tile += GROUP_UPPER_BYTES) {
        Sums sums[M];
        for (int m = 0; m < M; ++m) sums[m] = sums_of(0);
        for (int v = 0; v < 4; ++v) {
            fetch_line<ONCE>(tile + 64 * v, stream);
            Bytes both = load_bytes(tile + 64 * v), low = low_halves(both), high = high_halves(both);
            for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], low, codes + m * x.width + 4 * v);
            for (int m = 0; m < M; ++m) sums[m] = dot_int4(sums[m], high, codes + m * x.width + 16 + 4 * v);
        }
        for (int m = 0; m < M; ++m) mixed[m] = block_fma(block_of(sums[m]), scale[m * groups + g], mixed[m]);
    }
    Block row_scale = block_load(matrix.scale + stream.block * BLOCK_ROWS);
    for (int m = 0; m < M; ++m) {
        float sum = 0;
        for (int64_t g = 0; g < used; ++g) sum += x.scaled_sum[(first + m) * groups + g];
        Block offset = block_scale(row_scale, ZERO * sum);
        block_store(stream.out + m * UNIT_ROWS, block_sub(block_scale(block_mul(row_scale, mixed[m]), STEP), offset));
    }
}

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
        default: return multiply_block<8, ONCE>(matrix, block, x, first, out);
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

// out[m][n] = x[first + m] . W[UNIT_ROWS * unit + n] + bias for m < rows <= ROWS_AT_ONCE and the rows of W that there are.
// The results are the same in each pass.
// `next` are the codes of the unit that is read next.
inline void multiply_unit_rows(const Matrix& matrix, int64_t unit, const Input& x, int64_t first, int rows,
                               Pass pass, const uint8_t* next, float (*out)[UNIT_ROWS]) {
    int64_t block = UNIT_BLOCKS * unit, left = matrix.rows - unit * UNIT_ROWS;
    bool meets_both = pass != Pass::ONLY && matrix.form == INT8;
    // To unpack codes in groups is work, so that five rows of them already are not bound by memory.
    if (HAS_MANY_REGISTERS && is_in_groups(matrix)) meets_both = rows > ROWS_OF_BOTH || pass != Pass::ONLY;
    if (meets_both && left > BLOCK_ROWS) {
        for (int m = 0; m < rows; m += ROWS_OF_BOTH) {
            int together = rows - m < ROWS_OF_BOTH ? rows - m : ROWS_OF_BOTH;
            Stream streams[] = {{&matrix, block, out[m], 0}, {&matrix, block + 1, out[m] + BLOCK_ROWS, 0}};
            // Each half of the rows fetches a block of the next unit.
            if (pass != Pass::LATER) streams[0].ahead_bytes = next + m / ROWS_OF_BOTH * block_bytes(matrix) - streams[0].codes();
            multiply_both<false>(streams, x, first + m, together);
        }
    } else {
        for (int b = 0; b < UNIT_BLOCKS && b * BLOCK_ROWS < left; ++b) {
            float* to = out[0] + b * BLOCK_ROWS;
            pass == Pass::ONLY ? multiply_few<true>(matrix, block + b, x, first, rows, to)
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
        Stream streams[] = {{&one, block, out[0] + at, 0}, {&other, block, other_out[0] + at, 0}};
        multiply_both<true>(streams, x, first, rows);
    }
    add_bias(one, unit, rows, out);
    add_bias(other, unit, rows, other_out);
}

}  // namespace midspan::MIDSPAN_ISA
