// The input of a product: rows of floats, and for quantized weights also as int8 codes with a scale for each group.
#pragma once

#include "plan.h"
#include "simd.h"

namespace midspan::MIDSPAN_ISA {

constexpr int TILE_COLUMNS = 64;  // codes of weights come in whole tiles of two groups

inline int64_t round_up(int64_t size, int64_t step) { return (size + step - 1) / step * step; }

#ifdef MIDSPAN_BF16
constexpr bool MULTIPLIES_BF16 = true;  // products with weights in bf16 round what they multiply to bf16
#else
constexpr bool MULTIPLIES_BF16 = false;
#endif

struct Input {
    float* wide;       // [rows, width]
    bf16* narrow;      // [rows, width]: the floats, rounded; only with MULTIPLIES_BF16
    int8_t* codes;     // [rows, width]
    float* scale;      // [rows, width / GROUP]
    float* scaled_sum; // [rows, width / GROUP]: scale times the sum of the group's codes
    int32_t* start;    // [rows, width / GROUP]: -INT8_OFFSET times the sum, where sums of int8 products begin
    int64_t width;     // a multiple of TILE_COLUMNS, so that every row begins aligned
};

// Quantizes columns [first, first + count) of a row of floats; `first` is a multiple of GROUP, and what is missing in the
// last group counts as zeros.
inline void quantize_columns(const Input& input, int64_t row, int64_t first, int64_t count, const float* x) {
    for (int64_t column = 0; column < count; column += GROUP) {
        alignas(64) float group[GROUP];
        const float* from = x + column;
        if (count - column < GROUP) {
            std::memset(group, 0, sizeof group);
            std::memcpy(group, from, (count - column) * sizeof(float));
            from = group;
        }
        F32 most = abs(load(from));
        for (int k = LANES; k < GROUP; k += LANES) most = max(most, abs(load(from + k)));
        float scale = largest(most) / 127.f;
        F32 inverse = broadcast(scale > 0 ? 1.f / scale : 0.f);
        int64_t at = row * input.width + first + column;
        int32_t sum = 0;
        for (int k = 0; k < GROUP; k += LANES) sum += store_rounded(input.codes + at + k, mul(load(from + k), inverse));
        input.scale[at / GROUP] = scale;
        input.start[at / GROUP] = -INT8_OFFSET * sum;
        input.scaled_sum[at / GROUP] = scale * sum;
    }
}

// Makes the columns from `width` to the end of a tile zeros, in a row whose last group is whole.
inline void clear_tail(const Input& input, int64_t row, int64_t width) {
    for (int64_t at = row * input.width + round_up(width, GROUP); at % TILE_COLUMNS; at += GROUP) {
        std::memset(input.codes + at, 0, GROUP);
        input.scale[at / GROUP] = input.scaled_sum[at / GROUP] = 0;
        input.start[at / GROUP] = 0;
    }
}

// Rounds columns [first, first + count) of a row of floats for products with weights in bf16.
inline void narrow_columns(const Input& input, int64_t row, int64_t first, int64_t count, const float* x) {
    if (!MULTIPLIES_BF16) return;
    bf16* to = input.narrow + row * input.width + first;
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) store(to + k, load(x + k));
    for (; k < count; ++k) to[k] = midspan::narrow(x[k]);
}

// Completes a row whose floats are written: rounded, and with its codes when a quantized product reads them.
inline void write_row(const Input& input, int64_t row, int64_t width, bool quantized) {
    narrow_columns(input, row, 0, width, input.wide + row * input.width);
    if (!quantized) return;
    quantize_columns(input, row, 0, width, input.wide + row * input.width);
    clear_tail(input, row, width);
}

}  // namespace midspan::MIDSPAN_ISA
