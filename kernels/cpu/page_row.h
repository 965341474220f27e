// A row of a page: what one layer caches of one token.
//
// A row of int8 holds a code for each value, and behind them a scale (bf16) for each 16 values. A value is code * scale.
#pragma once

#include "plan.h"
#include "simd.h"

namespace midspan::MIDSPAN_ISA {

constexpr float LARGEST_CODE = 127;
// Values that share a scale. Some columns of a key are 15 times as large as the others, which would lose their last bits
// to a scale for the whole head.
constexpr int SCALED_VALUES = 16;
static_assert(SCALED_VALUES % LANES == 0);

// The values [first, first + width) of a row of row_width.
struct RowPart {
    int row_width, first, width;
};

inline int64_t page_row_bytes(PageType type, int width) {
    if (type == PAGES_INT8) return width + (width + SCALED_VALUES - 1) / SCALED_VALUES * int64_t{sizeof(bf16)};
    return int64_t{width} * (type == PAGES_F32 ? 4 : 2);
}

// The scale of a value in a row of int8. Rows have any length, so that it need not be aligned.
inline float scale_of(const void* row, int row_width, int index) {
    bf16 scale;
    std::memcpy(&scale, static_cast<const char*>(row) + row_width + index / SCALED_VALUES * sizeof scale, sizeof scale);
    return widen(scale);
}

// Fewer than LANES values, or values with several scales. Not inlined: the loops around load_coded would grow.
[[gnu::noinline]] inline F32 load_some_coded(const int8_t* row, int row_width, int index, int count) {
    int8_t codes[LANES] = {};
    float scales[LANES] = {};
    for (int i = 0; i < LANES && i < count; ++i) {
        codes[i] = row[index + i];
        scales[i] = scale_of(row, row_width, index + i);
    }
    return mul(load(codes), load(scales));
}

// The values of a row of int8 from `index` on, up to LANES; zeros behind the first `count` of them.
inline F32 load_coded(const void* row, int row_width, int index, int count) {
    const int8_t* codes = static_cast<const int8_t*>(row);
    if (count < LANES || index % LANES) return load_some_coded(codes, row_width, index, count);
    return mul(load(codes + index), broadcast(scale_of(row, row_width, index)));
}

// The latent and the rotated key of a row, as floats or, of rows that are not fp32, as bf16. `out` [latent + rope] gets
// them, unless the row has this type already: then the result is the row itself.
template <typename Value>
inline const Value* latent_row(PageType type, const void* row, int width, Value* out) {
    int k = 0;
    if (type == PAGES_INT8) {
        const int8_t* codes = static_cast<const int8_t*>(row);
        for (; k + SCALED_VALUES <= width; k += SCALED_VALUES) {
            const F32 scale = broadcast(scale_of(row, width, k));
#pragma GCC unroll 4
            for (int i = k; i < k + SCALED_VALUES; i += LANES) store(out + i, mul(load(codes + i), scale));
        }
        for (; k + LANES <= width; k += LANES) store(out + k, load_coded(row, width, k, LANES));
        if (k == width) return out;
        Value rest[LANES];
        store(rest, load_coded(row, width, k, width - k));
        std::memcpy(out + k, rest, static_cast<size_t>(width - k) * sizeof(Value));
        return out;
    }
    if constexpr (sizeof(Value) == sizeof(float)) {
        if (type == PAGES_BF16) {
            const bf16* values = static_cast<const bf16*>(row);
            for (; k + LANES <= width; k += LANES) store(out + k, load(values + k));
            for (; k < width; ++k) out[k] = widen(values[k]);
            return out;
        }
    }
    return static_cast<const Value*>(row);
}

// Rounds up to SCALED_VALUES floats to codes of [-127, 127] and returns their scale. A scale that is rounded down makes
// the largest code 127.25 at most, before that is rounded too.
inline bf16 round_to_codes(const float* x, int count, int8_t* codes) {
    float values[SCALED_VALUES] = {};
    int8_t rounded[SCALED_VALUES];
    std::memcpy(values, x, static_cast<size_t>(count) * sizeof(float));
    F32 most = zero();
    for (int k = 0; k < SCALED_VALUES; k += LANES) most = max(most, abs(load(values + k)));
    const bf16 scale = narrow(largest(most) / LARGEST_CODE);
    const F32 steps = broadcast(widen(scale) > 0 ? 1 / widen(scale) : 0.f);
    for (int k = 0; k < SCALED_VALUES; k += LANES) store_rounded(rounded + k, mul(load(values + k), steps));
    std::memcpy(codes, rounded, static_cast<size_t>(count));
    return scale;
}

// Writes the `width` values of a row.
inline void write_page_row(uint8_t* row, PageType type, const float* x, int width) {
    if (type == PAGES_F32) {
        std::memcpy(row, x, width * sizeof(float));
        return;
    }
    int k = 0;
    if (type == PAGES_INT8) {
        for (uint8_t* at = row + width; k < width; k += SCALED_VALUES, at += sizeof(bf16)) {
            const int count = width - k < SCALED_VALUES ? width - k : SCALED_VALUES;
            const bf16 scale = round_to_codes(x + k, count, reinterpret_cast<int8_t*>(row) + k);
            std::memcpy(at, &scale, sizeof scale);
        }
        return;
    }
    bf16* out = reinterpret_cast<bf16*>(row);
    for (; k + LANES <= width; k += LANES) store(out + k, load(x + k));
    for (; k < width; ++k) out[k] = narrow(x[k]);
}

}  // namespace midspan::MIDSPAN_ISA
