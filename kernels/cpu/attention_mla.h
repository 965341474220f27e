// Absorbed latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1.2) of few new tokens over pages. All heads
// attend to one row per token, the latent and behind it the rotated key, so a row is read once for all heads of a call.
#pragma once

#include "attention_mla_wide.h"
#ifdef MIDSPAN_BF16
#include "attention_mla_bf16.h"
#endif

namespace midspan::MIDSPAN_ISA {

inline bool multiplies_bf16(const MlaShape& shape) {
#ifdef MIDSPAN_BF16
    return shape.type != PAGES_F32 && shape.latent % 32 == 0 && shape.rope % 32 == 0;
#else
    (void)shape;
    return false;
#endif
}

// The bytes that attend_mla needs; `work` begins at a multiple of 64.
inline int64_t attend_mla_work_bytes(const MlaShape& shape, int heads, int rows) {
    int pairs = heads * rows < MLA_QUERIES ? heads * rows : MLA_QUERIES;
    float* end = nullptr;
#ifdef MIDSPAN_BF16
    if (multiplies_bf16(shape)) {
        bf16_tile(shape, pairs, end);
        return reinterpret_cast<intptr_t>(end);
    }
#endif
    wide_tile(shape, pairs, end);
    return reinterpret_cast<intptr_t>(end);
}

// Attends with heads [first_head, first_head + heads) of rows [first_row, first_row + rows) to positions [from, to), as
// far as each row sees them. q is [rows][heads][latent + rope]. For each (row, head) of the call, row by row, `partial`
// gets latent + 2 floats: the largest score, the sum of exp(score - largest) and the mix before its division by the
// sum. A pair that sees nothing gives -inf, 0 and zeros. Slots past a row's own position are not read.
inline void attend_mla(const MlaShape& shape, const KvQuery& query, int first_head, int heads, int first_row, int rows,
                       int from, int to, float* partial, void* work) {
    MlaQueries queries{shape, query, first_head, heads, first_row, from, to};
    float* floats = static_cast<float*>(work);
    for (int first = 0; first < rows * heads; first += MLA_QUERIES) {
        int pairs = rows * heads - first < MLA_QUERIES ? rows * heads - first : MLA_QUERIES;
#ifdef MIDSPAN_BF16
        if (multiplies_bf16(shape)) {
            attend_bf16(queries, first, pairs, partial, floats);
            continue;
        }
#endif
        attend_wide(queries, first, pairs, partial, floats);
    }
}

}  // namespace midspan::MIDSPAN_ISA
