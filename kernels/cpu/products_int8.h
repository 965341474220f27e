// Products of input rows with blocks of codes in int8, and with the upper four bits of such codes.
#pragma once

#include <algorithm>

#include "stream.h"

namespace midspan::MIDSPAN_ISA {

template <int M, bool ONCE, int STREAMS>
inline void multiply_int8(const Stream (&streams)[STREAMS], const Input& x, int64_t first) {
    constexpr int SUMS = M > ROWS_OF_BOTH ? 1 : SUMS_OF_ONE;  // of more rows, one each leaves no register
    int64_t groups = x.width / GROUP;
    int64_t used = round_up(streams[0].matrix->columns, TILE_COLUMNS) / GROUP;
    const uint8_t* tile[STREAMS];
    for (int p = 0; p < STREAMS; ++p) tile[p] = streams[p].codes();
    Lines lines(streams[0]);
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * groups;
    const int32_t* start = x.start + first * groups;
    Block mixed[M][STREAMS];
    for (int m = 0; m < M; ++m) {
        for (int p = 0; p < STREAMS; ++p) mixed[m][p] = block_zero();
    }
    for (int64_t g = 0; g < used; ++g, codes += GROUP) {
        Sums sums[M][STREAMS][SUMS];
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) {
                for (int i = 0; i < SUMS; ++i) sums[m][p][i] = sums_of(i ? 0 : start[m * groups + g]);
            }
        }
        MIDSPAN_UNROLL_INT8
        for (int first_v = 0; first_v < 8; first_v += SUMS) {
#pragma GCC unroll 2
            for (int i = 0; i < SUMS; ++i) {
                int v = first_v + i;
                Bytes weights[STREAMS];
                for (int p = 0; p < STREAMS; ++p) {
                    if (ONCE) {
                        fetch_line<M, ONCE>(tile[p] + 64 * v, streams[p]);
                    } else if (p == 0) {
                        lines.fetch_due();
                    }
                    weights[p] = load_bytes(tile[p] + 64 * v);
                }
                for (int m = 0; m < M; ++m) {
                    const int8_t* four = codes + m * x.width + 4 * v;
                    for (int p = 0; p < STREAMS; ++p) sums[m][p][i] = dot_int8(sums[m][p][i], weights[p], four);
                }
            }
        }
        for (int p = 0; p < STREAMS; ++p) tile[p] += GROUP_INT8_BYTES;
        for (int m = 0; m < M; ++m) {
            for (int p = 0; p < STREAMS; ++p) {
                mixed[m][p] = block_fma(block_of(total(sums[m][p])), scale[m * groups + g], mixed[m][p]);
            }
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
    const uint8_t* tile = stream.codes();
    const int8_t* codes = x.codes + first * x.width;
    const float* scale = x.scale + first * groups;
    Block mixed[M];
    for (int m = 0; m < M; ++m) mixed[m] = block_zero();
    for (int64_t g = 0; g < used; ++g, codes += GROUP, tile += GROUP_UPPER_BYTES) {
        Sums sums[M][SUMS_OF_ONE];
        for (auto& of_row : sums) std::fill_n(of_row, SUMS_OF_ONE, sums_of(0));
        for (int v = 0; v < 4; ++v) {
            fetch_line<M, ONCE>(tile + 64 * v, stream);
            Bytes both = load_bytes(tile + 64 * v), low = low_halves(both), high = high_halves(both);
            for (int m = 0; m < M; ++m) sums[m][0] = dot_int4(sums[m][0], low, codes + m * x.width + 4 * v);
            for (int m = 0; m < M; ++m) {
                Sums& sum = sums[m][SUMS_OF_ONE - 1];
                sum = dot_int4(sum, high, codes + m * x.width + 16 + 4 * v);
            }
        }
        for (int m = 0; m < M; ++m) mixed[m] = block_fma(block_of(total(sums[m])), scale[m * groups + g], mixed[m]);
    }
    Block row_scale = block_load(matrix.scale + stream.block * BLOCK_ROWS);
    for (int m = 0; m < M; ++m) {
        float sum = 0;
        for (int64_t g = 0; g < used; ++g) sum += x.scaled_sum[(first + m) * groups + g];
        Block offset = block_scale(row_scale, ZERO * sum);
        block_store(stream.out + m * UNIT_ROWS, block_sub(block_scale(block_mul(row_scale, mixed[m]), STEP), offset));
    }
}

}  // namespace midspan::MIDSPAN_ISA
