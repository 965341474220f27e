// Chooses scales, offsets and codes of int4 or int5 for 16 rows, as inference/weights/int4_search.py says and does.
//
// The lanes are the rows: plain loops over 16 floats, of which compilers make vectors.
#pragma once

#include "quantize_job.h"
#include "simd.h"

namespace midspan::MIDSPAN_ISA {

using Rows = float[BLOCK_ROWS];

constexpr float MOST_BYTE = 255;
// The numbers of steps from a group's smallest to its largest weight in the grids that are tried, beside the largest code.
constexpr float FIRST_GRID = -3, LAST_GRID = 2, NEXT_GRID = 0.5f;
constexpr int REFITS = 2;
constexpr float TINY = 1.17549435e-38f;

#define MIDSPAN_ROWS for (int i = 0; i < BLOCK_ROWS; ++i)

// A grid for each row: its codes stand for step * code - offset.
struct Grid {
    Rows step, offset;
};

inline float round_within(float value, float least, float most) {
    value += 0.5f;
    value = value < least ? least : value;
    value = value > most ? most : value;
    return static_cast<float>(static_cast<int>(value));
}

inline void codes_of(const Rows& values, const Rows& offset, const Rows& inverse, float largest, Rows& codes) {
    MIDSPAN_ROWS codes[i] = round_within((values[i] + offset[i]) * inverse[i], 0, largest);
}

inline void invert(const Rows& step, Rows& inverse) { MIDSPAN_ROWS inverse[i] = 1 / (step[i] > TINY ? step[i] : TINY); }

// Fits a line to the codes that a grid gives, by weighted least squares; a grid without a better one stays.
inline void refit(const Rows* values, const float* costs, float largest, Grid& grid) {
    Rows inverse, codes, code = {}, square = {}, value = {}, product = {};
    float total = 0;
    invert(grid.step, inverse);
    for (int k = 0; k < GROUP; ++k) {
        float cost = costs[k];
        total += cost;
        codes_of(values[k], grid.offset, inverse, largest, codes);
        MIDSPAN_ROWS {
            float weighted = cost * codes[i];
            code[i] += weighted;
            square[i] += weighted * codes[i];
            value[i] += cost * values[k][i];
            product[i] += weighted * values[k][i];
        }
    }
    MIDSPAN_ROWS {
        float determinant = total * square[i] - code[i] * code[i];
        float step = (total * product[i] - code[i] * value[i]) / determinant;
        float offset = (step * code[i] - value[i]) / total;
        bool through_zero = offset <= 0;  // an offset has no sign
        step = through_zero ? product[i] / square[i] : step;
        offset = through_zero ? 0 : offset;
        bool is_better = determinant > 1e-6f * total * square[i] && step > 0;
        grid.step[i] = is_better ? step : grid.step[i];
        grid.offset[i] = is_better ? offset : grid.offset[i];
    }
}

// Finds the best of the grids for a group of targets.
inline void search_grid(const Rows* values, const float* costs, float largest, Grid& best) {
    Rows lowest = {}, highest = {}, least, inverse, codes;
    for (int k = 0; k < GROUP; ++k) {
        MIDSPAN_ROWS lowest[i] = values[k][i] < lowest[i] ? values[k][i] : lowest[i];
        MIDSPAN_ROWS highest[i] = values[k][i] > highest[i] ? values[k][i] : highest[i];
    }
    MIDSPAN_ROWS least[i] = INFINITY;
    for (float steps = FIRST_GRID; steps <= LAST_GRID; steps += NEXT_GRID) {
        Grid grid;
        MIDSPAN_ROWS grid.step[i] = (highest[i] - lowest[i]) / (largest + steps);
        MIDSPAN_ROWS grid.offset[i] = -lowest[i];
        for (int turn = 0; turn < REFITS; ++turn) refit(values, costs, largest, grid);
        Rows error = {};
        invert(grid.step, inverse);
        for (int k = 0; k < GROUP; ++k) {
            codes_of(values[k], grid.offset, inverse, largest, codes);
            MIDSPAN_ROWS {
                float missed = values[k][i] - (codes[i] * grid.step[i] - grid.offset[i]);
                error[i] += costs[k] * missed * missed;
            }
        }
        MIDSPAN_ROWS {
            bool is_best = error[i] < least[i];
            least[i] = is_best ? error[i] : least[i];
            best.step[i] = is_best ? grid.step[i] : best.step[i];
            best.offset[i] = is_best ? grid.offset[i] : best.offset[i];
        }
    }
}

// Rounds a grid to whole units: first the step, then the best offset for it.
inline void round_grid(
    const Rows* values, const float* costs, float largest, const Grid& units, Grid& grid, Rows& scale, Rows& offset
) {
    Rows inverse, codes, code = {}, value = {};
    float total = 0;
    MIDSPAN_ROWS scale[i] = round_within(grid.step[i] / units.step[i], 1, MOST_BYTE);
    MIDSPAN_ROWS grid.step[i] = scale[i] * units.step[i];
    invert(grid.step, inverse);
    for (int k = 0; k < GROUP; ++k) {
        total += costs[k];
        codes_of(values[k], grid.offset, inverse, largest, codes);
        MIDSPAN_ROWS code[i] += costs[k] * codes[i];
        MIDSPAN_ROWS value[i] += costs[k] * values[k][i];
    }
    MIDSPAN_ROWS {
        float best = (grid.step[i] * code[i] - value[i]) / total;
        offset[i] = round_within(best / units.offset[i], 0, MOST_BYTE);
        grid.offset[i] = offset[i] * units.offset[i];
    }
}

// Adds to the targets of a group what the errors of the columns before it leave to make up for.
inline void add_feedback(const Rows* errors, int64_t start, const float* feedback, int64_t columns, Rows* targets) {
    constexpr int TOGETHER = 16;
    for (int first = 0; first < GROUP; first += TOGETHER) {
        Rows sums[TOGETHER] = {};
        for (int64_t j = 0; j < start; ++j) {
            const float* factors = feedback + j * columns + start + first;
            for (int k = 0; k < TOGETHER; ++k) MIDSPAN_ROWS sums[k][i] += errors[j][i] * factors[k];
        }
        for (int k = 0; k < TOGETHER; ++k) MIDSPAN_ROWS targets[first + k][i] += sums[k][i];
    }
}

// Quantizes rows [16 * block, 16 * block + 16), of which those past the end do not count.
inline void quantize_block(const QuantizeJob& job, int64_t block, float* work) {
    int64_t first = block * BLOCK_ROWS, columns = job.columns, groups = columns / GROUP;
    int count = static_cast<int>(job.rows - first < BLOCK_ROWS ? job.rows - first : BLOCK_ROWS);
    Rows *weights = reinterpret_cast<Rows*>(work), *errors = weights + columns;
    Grid units, grid;
    for (int i = 0; i < BLOCK_ROWS; ++i) {
        int64_t row = first + (i < count ? i : 0);
        units.step[i] = job.units[2 * row];
        units.offset[i] = job.units[2 * row + 1];
        for (int64_t k = 0; k < columns; ++k) weights[k][i] = job.weights[row * job.weights_stride + k];
    }
    Rows targets[GROUP], codes[GROUP], scale, offset;
    for (int64_t group = 0; group < groups; ++group) {
        int64_t start = group * GROUP;
        std::memcpy(targets, weights + start, sizeof targets);
        if (job.feedback) add_feedback(errors, start, job.feedback, columns, targets);
        search_grid(targets, job.costs + start, job.largest, grid);
        round_grid(targets, job.costs + start, job.largest, units, grid, scale, offset);
        for (int k = 0; k < GROUP; ++k) {
            MIDSPAN_ROWS codes[k][i] = round_within((targets[k][i] + grid.offset[i]) / grid.step[i], 0, job.largest);
            Rows& error = errors[start + k];
            MIDSPAN_ROWS error[i] = weights[start + k][i] - (codes[k][i] * grid.step[i] - grid.offset[i]);
            if (!job.feedback) continue;
            const float* factors = job.feedback + (start + k) * columns + start;
            for (int next = k + 1; next < GROUP; ++next) MIDSPAN_ROWS targets[next][i] += error[i] * factors[next];
        }
        for (int i = 0; i < count; ++i) {
            int64_t at = (first + i) * groups + group;
            job.scale[at] = static_cast<uint8_t>(scale[i]);
            job.offset[at] = static_cast<uint8_t>(offset[i]);
            for (int j = 0; j < GROUP; ++j) job.codes[at * GROUP + j] = static_cast<uint8_t>(codes[j][i]);
        }
    }
}

#undef MIDSPAN_ROWS

}  // namespace midspan::MIDSPAN_ISA
