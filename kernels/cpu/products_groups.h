// Products of input rows with blocks of codes in groups: int4 and int5.
#pragma once

#include <algorithm>

#include "stream.h"

namespace midspan::MIDSPAN_ISA {

// Adds the products of group g of a tile of each of the streams.
template <int M, bool HAS_FIFTH, bool ONCE, int STREAMS, int SUMS>
inline void add_group(const uint8_t* const* tile, const Stream* streams, int g, const int8_t* codes, int64_t width,
                      Sums (&sums)[M][STREAMS][SUMS]) {
    MIDSPAN_UNROLL_GROUP
    for (int i = 0; i < 4; ++i) {
        int v = 4 * g + i;
        Bytes low[STREAMS], high[STREAMS];
#pragma GCC unroll 2
        for (int p = 0; p < STREAMS; ++p) {
            fetch_line<M, ONCE>(tile[p] + 64 * v, streams[p]);
            Bytes both = load_bytes(tile[p] + 64 * v);
            low[p] = low_halves(both), high[p] = high_halves(both);
            if (HAS_FIFTH) {
                const uint8_t* fifth = tile[p] + TILE_CODES_BYTES + 16 * v;
                low[p] = add_fifth_bits(low[p], fifth), high[p] = add_fifth_bits(high[p], fifth + 8);
            }
        }
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) sums[m][p][0] = dot_int4(sums[m][p][0], low[p], codes + m * width + 4 * i);
        }
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) {
                Sums& sum = sums[m][p][SUMS - 1];
                sum = dot_int4(sum, high[p], codes + m * width + 4 * i + 16);
            }
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
    constexpr int SUMS = HAS_FIFTH ? 1 : SUMS_OF_ONE;  // to unpack fifth bits takes the registers of others
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
            for (int at = TILE_CODES_BYTES; at < TILE_BYTES; at += 64) fetch_line<M, ONCE>(tile[p] + at, streams[p]);
        }
#pragma GCC unroll 2  // or the sums of the second stream go through memory
        for (int q = 0; q < STREAMS; q += TOGETHER) {
            for (int g = 0; g < 2; ++g) {
                int64_t group = 2 * t + g;
                Sums sums[M][TOGETHER][SUMS];
                for (auto& of_row : sums) {
                    for (auto& of_stream : of_row) std::fill_n(of_stream, SUMS, sums_of(0));
                }
                add_group<M, HAS_FIFTH, ONCE>(tile + q, streams + q, g, codes + group * GROUP, x.width, sums);
#pragma GCC unroll 2
                for (int p = 0; p < TOGETHER; ++p) {
                    const uint8_t* grid = tile[q + p] + GRIDS_AT + 2 * BLOCK_ROWS * g;
                    Block weight_scale = block_load_u8(grid), weight_offset = block_load_u8(grid + BLOCK_ROWS);
                    for (int m = 0; m < M; ++m) {
                        Block both_scales = block_scale(weight_scale, scale[m * groups + group]), &offset = offsets[m][q + p];
                        mixed[m][q + p] = block_fma(both_scales, block_of(total(sums[m][p])), mixed[m][q + p]);
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

}  // namespace midspan::MIDSPAN_ISA
