// The up-projections of a head of latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1).
#pragma once

#include "plan.h"
#include "simd.h"

namespace midspan::MIDSPAN_ISA {

// One of them, [rows, latent].
struct HeadWeights {
    midspan::Form form;  // WIDE_F32, WIDE_BF16, or INT8 with signed codes that lie row by row
    const void* values;
    const float* scale;  // of each row of INT8; null for wide ones
    int rows, latent;
    midspan::Form wide_form;  // of the products with codes: WIDE_BF16 allows to round what they multiply

    float scale_of(int row) const { return scale ? scale[row] : 1; }
};

struct HeadUp {
    HeadWeights key, value;
};

inline void put(float* p, float value) { *p = value; }
inline void put(bf16* p, float value) { *p = narrow(value); }

// A row in the type of the wide weights. `out` [latent] gets the values of codes; else the result is the row itself.
template <typename Weight>
inline const Weight* wide_row(const HeadWeights& weights, int row, Weight* out) {
    const int64_t at = int64_t{row} * weights.latent;
    if (weights.form != INT8) return static_cast<const Weight*>(weights.values) + at;
    const int8_t* codes = static_cast<const int8_t*>(weights.values) + at;
    const float scale = weights.scale[row];
    int k = 0;
    for (; k + LANES <= weights.latent; k += LANES) store(out + k, mul(load(codes + k), broadcast(scale)));
    for (; k < weights.latent; ++k) put(out + k, codes[k] * scale);
    return out;
}

}  // namespace midspan::MIDSPAN_ISA
