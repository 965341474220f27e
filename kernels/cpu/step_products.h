// The embedding, the norms and the products of a step, in chunks.
#pragma once

#include "norm.h"
#include "products.h"
#include "rope.h"
#include "state.h"

namespace midspan::MIDSPAN_ISA {

constexpr int64_t CHUNK_BYTES = 48 << 10;  // of weights that a chunk reads for few rows

inline int64_t units_of(const Matrix& matrix) { return (matrix.rows + UNIT_ROWS - 1) / UNIT_ROWS; }

// The number of units that one chunk takes: enough bytes for a stream, and one where each unit is much work.
inline int64_t units_in_chunk(const Matrix& matrix, int64_t rows) {
    if (rows > FEW_ROWS) return 1;
    int64_t units = CHUNK_BYTES / (unit_bytes(matrix) + 1);
    return units < 1 ? 1 : units;
}

inline int64_t chunks_of(const Matrix& matrix, int64_t rows) {
    int64_t step = units_in_chunk(matrix, rows);
    return (units_of(matrix) + step - 1) / step;
}

// Fetches the beginning of a unit, as a stream that begins anew is slow. Products with wide weights fetch no lines themselves, so
// that more is fetched of these.
inline void prefetch_begin(const Matrix& matrix, int64_t unit) {
    if (unit >= units_of(matrix)) return;
    is_quantized(matrix) ? fetch<PREFETCH_OF_MANY_BYTES>(unit_codes(matrix, unit))
                         : fetch<PREFETCH_UNIT_BYTES>(unit_codes(matrix, unit));
}

// Multiplies one unit with the rows of a pass, and hands each row's 32 results (fewer at the end of the matrix) to `take`.
template <typename Take>
inline void multiply_pass(const Matrix& matrix, int64_t unit, const Input& input, int64_t first, Pass pass, Take take) {
    alignas(64) float results[MOST_ROWS_AT_ONCE][UNIT_ROWS];
    int64_t count = matrix.rows - unit * UNIT_ROWS < UNIT_ROWS ? matrix.rows - unit * UNIT_ROWS : UNIT_ROWS;
    multiply_unit_rows(matrix, unit, input, first, pass, results);
    for (int m = 0; m < pass.count; ++m) take(m, results[m], count);
}

template <typename Take>
inline void multiply_unit(const Matrix& matrix, int64_t unit, const Input& input, int64_t first, int64_t rows, Take take) {
    for (Pass pass = pass_of(matrix, 0, rows); pass.count; pass = pass_of(matrix, pass.row + pass.count, rows)) {
        multiply_pass(matrix, unit, input, first + pass.row, pass,
                      [&](int64_t m, const float* results, int64_t count) { take(pass.row + m, results, count); });
    }
}

// Calls `run(unit)` for the units of a chunk.
template <typename Run>
inline void each_unit(const Matrix& matrix, int64_t chunk, int64_t rows, Run run) {
    int64_t step = units_in_chunk(matrix, rows), end = (chunk + 1) * step;
    for (int64_t unit = chunk * step; unit < end && unit < units_of(matrix); ++unit) run(unit);
}

// Calls `run(matrix, unit)` for the units of a chunk of an operation's matrices, whose chunks lie behind one another.
template <typename Run>
inline void each_unit_of_all(const Op& op, int64_t chunk, int64_t rows, Run run) {
    const Matrix* matrix = op.matrices;
    for (int64_t chunks; chunk >= (chunks = chunks_of(*matrix, rows)); ++matrix) chunk -= chunks;
    each_unit(*matrix, chunk, rows, [&](int64_t unit) { run(*matrix, unit); });
}

// Widens a row of a matrix in groups.
inline void widen_row(const Matrix& matrix, int64_t row, float* out) {
    int64_t tile_bytes = matrix.form == INT5 ? TILE_INT5_BYTES : TILE_INT4_BYTES, lane = row % BLOCK_ROWS;
    const uint8_t* block = block_codes(matrix, row / BLOCK_ROWS);
    for (int64_t k = 0; k < matrix.columns; ++k) {
        const uint8_t* tile = block + k / TILE_COLUMNS * tile_bytes;
        int64_t group = k % TILE_COLUMNS / GROUP, half = k % GROUP / 16, vector = 4 * group + k % 16 / 4;
        int64_t byte = 4 * lane + k % 4;
        int code = tile[64 * vector + byte] >> 4 * half & 15;
        if (matrix.form == INT5) {
            code |= (tile[TILE_CODES_BYTES + 16 * vector + 8 * half + byte / 8] >> byte % 8 & 1) << 4;
        }
        const uint8_t* grid = tile + tile_bytes - TILE_GRIDS_BYTES + 2 * BLOCK_ROWS * group + lane;
        out[k] = grid[0] * matrix.scale[row] * code - grid[BLOCK_ROWS] * matrix.offset[row];
    }
}

inline void embed(State& s, const Op& op, int64_t row) {
    const Matrix& matrix = op.matrices[0];
    int64_t token = s.batch->tokens[row];
    float* out = s.residual + row * s.shape.hidden;
    if (matrix.form == INT8) {
        const uint8_t* codes = block_codes(matrix, token / BLOCK_ROWS);
        for (int64_t k = 0; k < matrix.columns; ++k) {
            int code = codes[k / 4 * 4 * BLOCK_ROWS + token % BLOCK_ROWS * 4 + k % 4];
            out[k] = (code - 128) * matrix.scale[token];
        }
    } else if (is_quantized(matrix)) {
        widen_row(matrix, token, out);
    } else if (matrix.form == WIDE_BF16) {
        for (int64_t k = 0; k < matrix.columns; ++k) out[k] = widen(static_cast<const bf16*>(matrix.codes)[token * matrix.columns + k]);
    } else {
        std::memcpy(out, static_cast<const float*>(matrix.codes) + token * matrix.columns, matrix.columns * sizeof(float));
    }
    rotation(s.shape, s.batch->positions[row], s.cos + row * s.shape.rope, s.sin + row * s.shape.rope);
}

inline void norm(State& s, const Op& op, int64_t from_row, int64_t row) {
    rmsnorm_row(s.residual + from_row * s.shape.hidden, op.vector, op.width, op.eps, s.input.wide + row * s.input.width);
    write_row(s.input, row, op.width, op.is_quantized);
}

inline void product(State& s, const Op& op, int64_t chunk, int64_t rows, float* out, int64_t stride) {
    each_unit_of_all(op, chunk, rows, [&](const Matrix& matrix, int64_t unit) {
        float* column = out + matrix.target + unit * UNIT_ROWS;
        multiply_unit(matrix, unit, s.input, 0, rows, [&](int64_t row, const float* results, int64_t count) {
            std::memcpy(column + row * stride, results, count * sizeof(float));
        });
    });
}

inline void add_product(State& s, const Op& op, int64_t chunk, const Input& input) {
    each_unit_of_all(op, chunk, s.batch->rows, [&](const Matrix& matrix, int64_t unit) {
        float* column = s.residual + unit * UNIT_ROWS;
        multiply_unit(matrix, unit, input, 0, s.batch->rows, [&](int64_t row, const float* results, int64_t count) {
            add_row(results, count, column + row * s.shape.hidden);
        });
    });
}

// Multiplies one unit of gate and up with rows [first, first + rows) of `input` and writes that unit of `hidden`.
inline void gated_unit(const Mlp& mlp, int64_t unit, const Input& input, int64_t first, int64_t rows, const Input& hidden) {
    alignas(64) float gate[MOST_ROWS_AT_ONCE][UNIT_ROWS], up[MOST_ROWS_AT_ONCE][UNIT_ROWS], gated[UNIT_ROWS];
    int64_t start = unit * UNIT_ROWS, count = mlp.gate.rows - start < UNIT_ROWS ? mlp.gate.rows - start : UNIT_ROWS;
    bool is_last = start + UNIT_ROWS >= mlp.gate.rows;
    const Matrix& narrower = mlp.up.form == INT8 ? mlp.gate : mlp.up;  // only where both are int8, a pass has more rows
    for (Pass pass = pass_of(narrower, 0, rows); pass.count; pass = pass_of(narrower, pass.row + pass.count, rows)) {
        int64_t from = first + pass.row;
        if (rows <= ROWS_OF_BOTH && is_quantized(mlp.gate) && mlp.up.form == mlp.gate.form) {
            multiply_units_of_two(mlp.gate, mlp.up, unit, input, from, pass.count, gate, up);
        } else {
            bool begins = pass.is_only() || (pass.row == 0 && !is_quantized(mlp.up));
            if (begins) prefetch_begin(mlp.up, unit);
            multiply_unit_rows(mlp.gate, unit, input, from, pass, gate);
            if (pass.row == 0 && !is_quantized(mlp.gate)) prefetch_begin(mlp.gate, unit + 1);
            multiply_unit_rows(mlp.up, unit, input, from, pass, up);
        }
        for (int m = 0; m < pass.count; ++m) {
            int64_t at = from + m;
            gate_row(gate[m], up[m], count, gated);
            if (is_quantized(mlp.down)) {
                quantize_columns(hidden, at, start, count, gated);
                if (is_last) clear_tail(hidden, at, mlp.gate.rows);
            } else {
                std::memcpy(hidden.wide + at * hidden.width + start, gated, count * sizeof(float));
                narrow_columns(hidden, at, start, count, gated);
            }
        }
    }
}

inline void gated_product(State& s, const Op& op, int64_t chunk) {
    const Mlp& mlp = op.mlps[0];
    each_unit(mlp.gate, chunk, s.batch->rows, [&](int64_t unit) {
        gated_unit(mlp, unit, s.input, 0, s.batch->rows, s.hidden);
    });
}

}  // namespace midspan::MIDSPAN_ISA
