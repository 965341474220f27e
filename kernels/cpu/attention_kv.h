// Grouped-query attention over paged keys and values (Ainslie et al., arXiv:2305.13245).
#pragma once

#include "attention_pack.h"

namespace midspan::MIDSPAN_ISA::kv {

// The form over pages that are not fp32.
#ifdef MIDSPAN_BF16
constexpr Form ROUNDED = PAIRS;
#else
constexpr Form ROUNDED = FLOATS;
#endif

// The sizes and the work space of one call. A query is a (row, head of the group) pair, row by row.
struct KvSpace {
    int group, queries, key_words, value_columns, block_tokens;
    int64_t query_stride;
    float *packed_queries, *mix, *largest, *sum, *keys, *values, *scores, *probabilities, *shrink;
    int64_t bytes;
};

// Lays the work space out for the largest of the forms, so that its size does not depend on the form.
inline KvSpace kv_space(const KvShape& shape, int kv_heads, int rows, void* work) {
    KvSpace s;
    s.group = shape.heads / shape.kv_heads;
    s.queries = rows * s.group;
    s.value_columns = round_up(shape.value_width, STEP);
    s.query_stride = round_up(shape.key_width, STEP);
    // Few queries wait for memory, and two short blocks of whole rows stay in the cache.
    s.block_tokens = rows > FEW_ROWS ? MOST_BLOCK_TOKENS : 32;
    uintptr_t at = (reinterpret_cast<uintptr_t>(work) + 63) / 64 * 64, start = at;
    auto take = [&at](int64_t floats) {
        float* taken = reinterpret_cast<float*>(at);
        at += (floats * 4 + 63) / 64 * 64;
        return taken;
    };
    const int64_t all_queries = static_cast<int64_t>(kv_heads) * s.queries;
    s.packed_queries = take(all_queries * s.query_stride);
    s.mix = take(all_queries * s.value_columns);
    s.largest = take(all_queries);
    s.sum = take(all_queries);
    s.keys = take(s.query_stride * s.block_tokens);
    s.values = take(static_cast<int64_t>(s.block_tokens) * s.value_columns);
    s.scores = take(TILE_ROWS * s.block_tokens);
    s.probabilities = take(TILE_ROWS * s.block_tokens);
    s.shrink = take(round_up(TILE_ROWS, LANES));
    s.bytes = at - start + 64;
    return s;
}

// The space with the queries of the kv head that stands `index` behind the first one.
inline KvSpace space_of_head(KvSpace s, int index) {
    const int64_t before = static_cast<int64_t>(index) * s.queries;
    s.packed_queries += before * s.query_stride;
    s.mix += before * s.value_columns;
    s.largest += before;
    s.sum += before;
    return s;
}

// Scales the queries of a kv head's group and packs them as words.
template <Form FORM>
inline void pack_queries(const KvShape& shape, const KvQuery& query, int kv_head, int first_row, const KvSpace& s) {
    for (int i = 0; i < s.queries; ++i) {
        const int head = kv_head * s.group + i % s.group;
        const float* row = query.q + (first_row + i / s.group) * query.q_stride;
        const float* q = row + static_cast<int64_t>(head) * shape.key_width;
        float* out = s.packed_queries + i * s.query_stride;
        for (int column = 0; column < shape.key_width; column += LANES) {
            F32 part = load_words<FLOATS>(q + column, shape.key_width - column);
            store_words<FORM>(out, column, mul(part, broadcast(shape.scale)));
        }
    }
}

template <Form FORM>
inline void start_queries(const KvShape& shape, const KvQuery& query, int kv_head, int first_row, const KvSpace& s) {
    pack_queries<FORM>(shape, query, kv_head, first_row, s);
    std::memset(s.mix, 0, static_cast<int64_t>(s.queries) * s.value_columns * sizeof(float));
    for (int i = 0; i < s.queries; ++i) s.largest[i] = -INFINITY, s.sum[i] = 0;
}

// Adds a packed block, whose first token is at position `from`, to the tile of queries [first, first + count).
// first_position is the position of query 0.
template <Form FORM>
inline void attend_tile(const KvSpace& s, int first, int count, int first_position, int from, int tokens,
                        Fetch& fetch) {
    int visible[TILE_ROWS] = {};
    for (int m = 0; m < count; ++m) {
        int seen = first_position + (first + m) / s.group + 1 - from;
        visible[m] = seen < 0 ? 0 : seen < tokens ? seen : tokens;
    }
    const int most = visible[count - 1];
    if (most == 0) return;
    const int columns = round_up(most, STEP);
    const float* queries = s.packed_queries + first * s.query_stride;
    float* mix = s.mix + static_cast<int64_t>(first) * s.value_columns;
    multiply<FORM>(count, {queries, s.query_stride, s.keys, s.block_tokens, s.key_words, columns, s.scores,
                           s.block_tokens, nullptr, fetch});
    soften<FORM>({count, columns, visible, s.scores, s.block_tokens, s.probabilities, s.largest + first, s.sum + first,
                  s.shrink});
    const int words = (most + values_per_word(FORM) - 1) / values_per_word(FORM);
    multiply<FORM>(count, {s.probabilities, s.block_tokens, s.values, s.value_columns, words, s.value_columns, mix,
                           s.value_columns, s.shrink, fetch});
}

template <Form FORM>
inline void attend_tiles(const KvSpace& s, int first_position, int from, int tokens, Fetch& fetch) {
    const int tiles = (s.queries + TILE_ROWS - 1) / TILE_ROWS;
    const int tile_rows = (s.queries + tiles - 1) / tiles;
    for (int i = 0; i < s.queries; i += tile_rows) {
        const int count = s.queries - i < tile_rows ? s.queries - i : tile_rows;
        attend_tile<FORM>(s, i, count, first_position, from, tokens, fetch);
    }
}

inline float* write_partials(const KvShape& shape, const KvSpace& s, float* partial) {
    for (int i = 0; i < s.queries; ++i, partial += shape.value_width + 2) {
        partial[0] = s.largest[i];
        partial[1] = s.sum[i];
        std::memcpy(partial + 2, s.mix + static_cast<int64_t>(i) * s.value_columns, shape.value_width * sizeof(float));
    }
    return partial;
}

inline RowPart key_of(const KvShape& shape, int kv_head) {
    return {shape.row_width, kv_head * shape.key_width, shape.key_width};
}

inline RowPart value_of(const KvShape& shape, int kv_head) {
    return {shape.row_width, shape.value_start + kv_head * shape.value_width, shape.value_width};
}

template <Form FORM, typename Value>
inline void attend_kv_as(const KvShape& shape, const KvQuery& query, int kv_head, int kv_heads, int first_row, int from,
                         int to, KvSpace& s, float* partial) {
    s.key_words = (shape.key_width + values_per_word(FORM) - 1) / values_per_word(FORM);
    for (int h = 0; h < kv_heads; ++h) start_queries<FORM>(shape, query, kv_head + h, first_row, space_of_head(s, h));
    const int first_position = query.length - query.rows + first_row;
    const int seen = first_position + (s.queries - 1) / s.group + 1;
    const int end = to < seen ? to : seen;
    const int64_t key_bytes = shape.key_width * sizeof(Value), value_bytes = shape.value_width * sizeof(Value);
    const int64_t keys_at = kv_head * key_bytes, values_at = shape.value_start * sizeof(Value) + kv_head * value_bytes;
    // The scales of codes stand at the end of a row.
    const int64_t fetched = sizeof(Value) > 1 ? kv_heads * value_bytes : page_row_bytes(shape.type, shape.row_width) - values_at;
    BlockRows blocks[2];
    find_rows(shape, query, from, end < from + s.block_tokens ? end : from + s.block_tokens, blocks[0]);
    for (int position = from, turn = 0; position < end; position += s.block_tokens, turn ^= 1) {
        const BlockRows& block = blocks[turn];
        BlockRows& next = blocks[turn ^ 1];
        // Behind the last block stands what the next split begins with, which this thread often does next.
        const int next_position = position + block.tokens, next_end = next_position < end ? end : seen;
        const int next_stop = next_position + s.block_tokens;
        find_rows(shape, query, next_position, next_stop < next_end ? next_stop : next_end, next);
        Fetch fetch = fetch_of(next, keys_at, kv_heads * key_bytes, values_at, fetched);
        for (int h = 0; h < kv_heads; ++h) {
            pack_keys<FORM, Value>(block, key_of(shape, kv_head + h), s.keys, s.block_tokens);
            pack_values<FORM, Value>(block, value_of(shape, kv_head + h), s.values, s.value_columns);
            attend_tiles<FORM>(space_of_head(s, h), first_position, position, block.tokens, fetch);
        }
    }
    for (int h = 0; h < kv_heads; ++h) partial = write_partials(shape, space_of_head(s, h), partial);
}

}  // namespace midspan::MIDSPAN_ISA::kv

namespace midspan::MIDSPAN_ISA {

// Attends with the query heads of `kv_heads` kv heads from kv_head on, for the query's rows [first_row, first_row +
// rows), over those of the positions [from, to) that each row may see.
//
// partial: for each (kv head, row, head of the group), value_width + 2 floats: the largest score, the sum of exp(score
// - largest), and the mix of values with these weights. A row that sees nothing gives -inf, 0 and zeros. The numbers do
// not depend on how many kv heads are taken at once; over a long context, memory gives whole rows of tokens faster.
// work: attend_kv_work_bytes bytes, of any contents.
inline void attend_kv(const KvShape& shape, const KvQuery& query, int kv_head, int kv_heads, int first_row, int rows,
                      int from, int to, float* partial, void* work) {
    kv::KvSpace s = kv::kv_space(shape, kv_heads, rows, work);
    if (shape.type == PAGES_F32) {
        return kv::attend_kv_as<kv::FLOATS, float>(shape, query, kv_head, kv_heads, first_row, from, to, s, partial);
    }
    if (shape.type == PAGES_INT8) {
        return kv::attend_kv_as<kv::ROUNDED, int8_t>(shape, query, kv_head, kv_heads, first_row, from, to, s, partial);
    }
    kv::attend_kv_as<kv::ROUNDED, bf16>(shape, query, kv_head, kv_heads, first_row, from, to, s, partial);
}

inline int64_t attend_kv_work_bytes(const KvShape& shape, int kv_heads, int rows) {
    return kv::kv_space(shape, kv_heads, rows, nullptr).bytes;
}

}  // namespace midspan::MIDSPAN_ISA
