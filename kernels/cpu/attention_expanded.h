// Expanded latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1.1) of many new tokens over pages: one head's keys
// and values of a block of tokens are computed from their latents, and all new tokens attend to them. Only one block
// is kept expanded, so that the memory does not grow with the context.
#pragma once

#include "attention_kv.h"
#include "head_weights.h"

namespace midspan::MIDSPAN_ISA {

// A key is `nope` values that are expanded and then the `rope` ones that all heads share.
struct ExpandedShape {
    int heads, latent, nope, rope, value_width;
    float scale;
    PageType type;
    midspan::Form wide_form;  // of weights that are no codes, and of what codes become: WIDE_F32 or WIDE_BF16
    int page_tokens;
};

}  // namespace midspan::MIDSPAN_ISA

namespace midspan::MIDSPAN_ISA::kv {

constexpr int EXPANDED_TOKENS = 256;  // whose keys and values stay in the second cache
constexpr int NEAR_TOKENS = 64;       // whose keys and values stay in the first cache
constexpr int NEAR_ROWS = 128;        // whose queries and mixes stay in the second cache meanwhile

struct ExpandedSpace {
    KvSpace attention;     // its keys and values are those of all EXPANDED_TOKENS, NEAR_TOKENS after NEAR_TOKENS
    int64_t words;         // of a latent
    float* key_up;         // [nope][words]
    float* value_up;       // panels of STEP values: [words][STEP]
    float* latents;        // [NEAR_TOKENS][words]
    float* latent_panels;  // of STEP tokens: [words][STEP]
    int64_t near_keys, near_values;  // floats of the keys and values of NEAR_TOKENS
    int64_t bytes;
};

// Lays the work space out for FLOATS, the larger form.
inline ExpandedSpace expanded_space(const ExpandedShape& shape, int rows, void* work) {
    ExpandedSpace e;
    KvSpace& s = e.attention;
    s.group = 1;
    s.queries = rows;
    s.query_stride = round_up(shape.nope + shape.rope, STEP);
    s.value_columns = round_up(shape.value_width, STEP);
    s.block_tokens = NEAR_TOKENS;
    e.words = round_up(shape.latent, STEP);
    e.near_keys = (shape.nope + round_up(shape.rope, STEP)) * NEAR_TOKENS;
    e.near_values = NEAR_TOKENS * s.value_columns;
    uintptr_t at = (reinterpret_cast<uintptr_t>(work) + 63) / 64 * 64, start = at;
    auto take = [&at](int64_t floats) {
        float* taken = reinterpret_cast<float*>(at);
        at += (floats * 4 + 63) / 64 * 64;
        return taken;
    };
    s.packed_queries = take(rows * s.query_stride);
    s.mix = take(static_cast<int64_t>(rows) * s.value_columns);
    s.largest = take(rows);
    s.sum = take(rows);
    s.keys = take(EXPANDED_TOKENS / NEAR_TOKENS * e.near_keys);
    s.values = take(EXPANDED_TOKENS / NEAR_TOKENS * e.near_values);
    s.scores = take(TILE_ROWS * NEAR_TOKENS);
    s.probabilities = take(TILE_ROWS * NEAR_TOKENS);
    s.shrink = take(round_up(TILE_ROWS, LANES));
    e.key_up = take(shape.nope * e.words);
    e.value_up = take(s.value_columns * e.words);
    e.latents = take(NEAR_TOKENS * e.words);
    e.latent_panels = take(NEAR_TOKENS * e.words);
    e.bytes = at - start + 64;
    return e;
}

// Copies a part of a row as words of a form.
template <Form FORM, typename Value>
inline void copy_words(const void* row, const RowPart& part, float* out) {
    constexpr int CHUNK = LANES * values_per_word(FORM);
    for (int column = 0; column < part.width; column += CHUNK) {
        store(out + column / values_per_word(FORM),
              load_part<FORM, Value>(static_cast<const char*>(row), part, column, part.width - column));
    }
}

// Writes the words of `rows` rows of products, which are a[m] . panel, to `out`: rows are what words pair.
template <Form FORM>
inline void expand_rows(int rows, const float* a, const float* panel, int64_t words, float* out, int64_t stride) {
    Fetch nothing = {};
    int count = static_cast<int>(words);
    if constexpr (FORM == FLOATS) {
        multiply<FORM>(rows, {a, words, panel, STEP, count, STEP, out, stride, nullptr, nothing});
    } else {
#ifdef MIDSPAN_BF16
        alignas(64) float products[TILE_ROWS][STEP];
        multiply<FORM>(rows, {a, words, panel, STEP, count, STEP, products[0], STEP, nullptr, nothing});
        for (int m = 0; m < rows; m += 2, out += stride) {
            for (int n = 0; n < STEP; n += LANES) store(out + n, pair_words(load(products[m] + n), load(products[m + 1] + n)));
        }
#endif
    }
}

// Writes the words of all rows of `a` with each panel, panel after panel of columns.
template <Form FORM>
inline void expand(int rows, const float* a, const float* panels, int columns, int64_t words, float* out, int64_t stride) {
    for (int n = 0; n < columns; n += STEP) {
        for (int m = 0; m < rows; m += TILE_ROWS) {
            const int count = rows - m < TILE_ROWS ? rows - m : TILE_ROWS;
            expand_rows<FORM>(count, a + m * words, panels + n * words, words, out + m / values_per_word(FORM) * stride + n,
                              stride);
        }
    }
}

// Copies the weights of a head into the forms that products read.
template <Form FORM, typename Weight>
inline void pack_expansion(const ExpandedShape& shape, const HeadUp& up, const ExpandedSpace& e) {
    static_assert(STEP <= NEAR_TOKENS);  // the place of the latents, which come later, holds the values of codes
    auto place = [&](int row) { return reinterpret_cast<Weight*>(e.latents + row * round_up(shape.latent, STEP)); };
    const RowPart whole{shape.latent, 0, shape.latent};
    for (int n = 0; n < shape.nope; ++n) {
        copy_words<FORM, Weight>(wide_row(up.key, n, place(0)), whole, e.key_up + n * e.words);
    }
    BlockRows rows;
    rows.tokens = rows.padded = STEP;
    for (int v = 0; v < e.attention.value_columns; v += STEP) {
        for (int i = 0; i < STEP; ++i) {
            const int row = v + i < shape.value_width ? v + i : shape.value_width - 1;
            rows.row[i] = reinterpret_cast<const char*>(wide_row(up.value, row, place(i)));
        }
        pack_keys<FORM, Weight>(rows, whole, e.value_up + v * e.words, STEP);
    }
}

// Expands the keys and values of up to NEAR_TOKENS tokens.
template <Form FORM, typename Value>
inline void expand_near(const ExpandedShape& shape, const BlockRows& block, const ExpandedSpace& e, float* keys, float* values) {
    const int row_width = shape.latent + shape.rope;
    const RowPart latent{row_width, 0, shape.latent};
    BlockRows panel;
    panel.tokens = panel.padded = STEP;
    for (int t = 0; t < block.padded; t += STEP) {
        std::memcpy(panel.row, block.row + t, sizeof(panel.row[0]) * STEP);
        pack_keys<FORM, Value>(panel, latent, e.latent_panels + t * e.words, STEP);
    }
    for (int t = 0; t < block.padded; ++t) {
        copy_words<FORM, Value>(block.row[t], latent, e.latents + t * e.words);
    }
    expand<FORM>(shape.nope, e.key_up, e.latent_panels, block.padded, e.words, keys, NEAR_TOKENS);
    float* shared = keys + shape.nope / values_per_word(FORM) * NEAR_TOKENS;
    pack_keys<FORM, Value>(block, {row_width, shape.latent, shape.rope}, shared, NEAR_TOKENS);
    const int columns = e.attention.value_columns;
    expand<FORM>(block.padded, e.latents, e.value_up, columns, e.words, values, columns);
}

// Adds the expanded tokens [from, to) to rows [first, first + count).
template <Form FORM>
inline void attend_near_rows(const ExpandedSpace& e, int first, int count, int first_position, int from, int to) {
    KvSpace s = e.attention;
    s.queries = count;
    s.packed_queries += first * s.query_stride;
    s.mix += static_cast<int64_t>(first) * s.value_columns;
    s.largest += first;
    s.sum += first;
    Fetch nothing = {};
    for (int position = from; position < to; position += NEAR_TOKENS) {
        const int tokens = to - position < NEAR_TOKENS ? to - position : NEAR_TOKENS;
        attend_tiles<FORM>(s, first_position + first, position, tokens, nothing);
        s.keys += e.near_keys;
        s.values += e.near_values;
    }
}

template <Form FORM, typename Weight, typename Value>
inline void attend_expanded_as(const ExpandedShape& shape, const KvQuery& query, const HeadUp& up, int head,
                               int first_row, ExpandedSpace& e, float* out, int64_t out_stride) {
    KvSpace& s = e.attention;
    const int width = shape.nope + shape.rope, row_width = shape.latent + shape.rope;
    const KvShape pages{shape.heads, shape.heads, width, shape.value_width, shape.scale, shape.type, shape.page_tokens,
                        row_width, 0};
    s.key_words = (width + values_per_word(FORM) - 1) / values_per_word(FORM);
    e.words = round_up(shape.latent, LANES * values_per_word(FORM)) / values_per_word(FORM);
    pack_expansion<FORM, Weight>(shape, up, e);
    start_queries<FORM>(pages, query, head, first_row, s);
    const int first_position = query.length - query.rows + first_row, end = first_position + s.queries;
    for (int from = 0; from < end; from += EXPANDED_TOKENS) {
        const int to = end - from < EXPANDED_TOKENS ? end : from + EXPANDED_TOKENS;
        for (int near = 0; from + near * NEAR_TOKENS < to; ++near) {
            const int position = from + near * NEAR_TOKENS;
            BlockRows block;
            find_rows(pages, query, position, to - position < NEAR_TOKENS ? to : position + NEAR_TOKENS, block);
            expand_near<FORM, Value>(shape, block, e, s.keys + near * e.near_keys, s.values + near * e.near_values);
        }
        for (int row = 0; row < s.queries; row += NEAR_ROWS) {
            const int count = s.queries - row < NEAR_ROWS ? s.queries - row : NEAR_ROWS;
            attend_near_rows<FORM>(e, row, count, first_position, from, to);
        }
    }
    for (int row = 0; row < s.queries; ++row) {
        const float share = 1 / s.sum[row], *mix = s.mix + static_cast<int64_t>(row) * s.value_columns;
        for (int v = 0; v < shape.value_width; ++v) out[row * out_stride + v] = mix[v] * share;
    }
}

template <Form FORM, typename Weight>
inline void attend_expanded_with(const ExpandedShape& shape, const KvQuery& query, const HeadUp& up, int head,
                                 int first_row, ExpandedSpace& e, float* out, int64_t out_stride) {
    if (shape.type == PAGES_INT8) {
        return attend_expanded_as<FORM, Weight, int8_t>(shape, query, up, head, first_row, e, out, out_stride);
    }
    attend_expanded_as<FORM, Weight, Weight>(shape, query, up, head, first_row, e, out, out_stride);
}

}  // namespace midspan::MIDSPAN_ISA::kv

namespace midspan::MIDSPAN_ISA {

// Attends with one head of rows [first_row, first_row + rows) to all positions that each row sees. q is [rows][heads]
// [nope + rope]; out gets value_width floats for each row, out_stride apart. Slots past the length are not read.
// The pages have the type of the wide weights, or int8. work: attend_expanded_work_bytes bytes, of any contents.
inline void attend_expanded(const ExpandedShape& shape, const KvQuery& query, const HeadUp& up, int head,
                            int first_row, int rows, float* out, int64_t out_stride, void* work) {
    kv::ExpandedSpace e = kv::expanded_space(shape, rows, work);
    if (shape.wide_form == WIDE_F32) {
        return kv::attend_expanded_with<kv::FLOATS, float>(shape, query, up, head, first_row, e, out, out_stride);
    }
#ifdef MIDSPAN_BF16
    // The first shared value would stand in the middle of a word.
    if (shape.nope % 2 == 0) {
        return kv::attend_expanded_with<kv::PAIRS, bf16>(shape, query, up, head, first_row, e, out, out_stride);
    }
#endif
    kv::attend_expanded_with<kv::FLOATS, bf16>(shape, query, up, head, first_row, e, out, out_stride);
}

inline int64_t attend_expanded_work_bytes(const ExpandedShape& shape, int rows) {
    return kv::expanded_space(shape, rows, nullptr).bytes;
}

}  // namespace midspan::MIDSPAN_ISA
