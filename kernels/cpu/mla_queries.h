// The queries of one call of latent attention, and the rows of the tokens that they see.
#pragma once

#include "attention_kv_query.h"
#include "page_row.h"

namespace midspan {

struct MlaShape {
    int heads, latent, rope;
    float scale;
    PageType type;
    int page_tokens;
};

}  // namespace midspan

namespace midspan::MIDSPAN_ISA {

// Pairs of a row and a head that read a block of tokens together. What they keep, 0.3 MB at a latent of 512, stays in
// the cache of a core, and each row from memory serves 64 queries.
constexpr int MLA_QUERIES = 64;
constexpr float LOWEST_SCORE = -3e38f;  // a finite stand-in for -inf, whose distance to itself is no number

// Pairs are numbered row by row; pair 0 is first_head of first_row.
struct MlaQueries {
    const MlaShape& shape;
    const KvQuery& query;
    int first_head, heads, first_row, from, to;

    const float* vector(int pair) const {
        int64_t row = first_row + pair / heads;
        return query.q + row * query.q_stride + (first_head + pair % heads) * int64_t{shape.latent + shape.rope};
    }
    // One past the last position that the pair sees here.
    int limit(int pair) const {
        int seen = query.length - query.rows + first_row + pair / heads + 1;
        return seen < to ? seen : to;
    }
};

// Rows of consecutive positions; the table is read once for each page.
inline void find_rows(const MlaQueries& queries, int from, int to, const char** rows) {
    const MlaShape& shape = queries.shape;
    const int64_t row_bytes = page_row_bytes(shape.type, shape.latent + shape.rope);
    for (int position = from; position < to;) {
        int slot = position % shape.page_tokens;
        int64_t page = queries.query.table[position / shape.page_tokens];
        const char* row = static_cast<const char*>(queries.query.pages) + (page * shape.page_tokens + slot) * row_bytes;
        for (; slot < shape.page_tokens && position < to; ++slot, ++position, row += row_bytes) *rows++ = row;
    }
}

inline float* take_floats(float*& work, int64_t count) {
    float* taken = work;
    work += (count + 15) / 16 * 16;  // 64 bytes
    return taken;
}

}  // namespace midspan::MIDSPAN_ISA
