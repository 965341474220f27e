// Packing of the keys and values of a block of tokens into the words that tiles are multiplied with.
#pragma once

#include "attention_kv_query.h"
#include "attention_tiles.h"
#include "page_row.h"

namespace midspan::MIDSPAN_ISA::kv {

constexpr int MOST_BLOCK_TOKENS = 128;

// The rows of a block of tokens. `padded` is the tokens rounded up to STEP; the last row is repeated up to there.
struct BlockRows {
    int tokens, padded;
    const char* row[MOST_BLOCK_TOKENS];
};

// Looks up the rows of the positions [from, to), if there are any.
inline void find_rows(const KvShape& shape, const KvQuery& query, int from, int to, BlockRows& rows) {
    const int tokens = to > from ? to - from : 0;
    const int64_t row_bytes = page_row_bytes(shape.type, shape.row_width);
    const char* pages = static_cast<const char*>(query.pages);
    rows.tokens = tokens;
    rows.padded = round_up(tokens, STEP);
    int entry = from / shape.page_tokens, slot = from % shape.page_tokens;
    for (int t = 0; t < tokens; ++entry, slot = 0) {
        const char* row = pages + (static_cast<int64_t>(query.table[entry]) * shape.page_tokens + slot) * row_bytes;
        for (; slot < shape.page_tokens && t < tokens; ++slot, ++t, row += row_bytes) rows.row[t] = row;
    }
    for (int t = tokens; t < rows.padded && t > 0; ++t) rows.row[t] = rows.row[t - 1];
}

// The fetching of the bytes at first and second of each row.
inline Fetch fetch_of(const BlockRows& rows, int64_t first, int64_t first_bytes, int64_t second, int64_t second_bytes) {
    const int64_t first_end = first + round_up(first_bytes, 128), second_end = second + round_up(second_bytes, 128);
    return {rows.row, rows.row + rows.tokens, first, first_end, second, second_end, first};
}

// The first `count` values at p as words of a form, up to LANES words; zeros behind them.
template <Form FORM, typename Value>
inline F32 load_words(const Value* p, int count) {
#ifdef MIDSPAN_BF16
    if constexpr (FORM == PAIRS) return load_pairs(p, count);
#endif
    return count >= LANES ? load(p) : count > 0 ? load_first(p, count) : zero();
}

// The same for a part of a row, from its value `column` on. Codes are widened.
template <Form FORM, typename Value>
inline F32 load_part(const char* row, const RowPart& part, int column, int count) {
    if constexpr (sizeof(Value) > 1) {
        return load_words<FORM>(reinterpret_cast<const Value*>(row) + part.first + column, count);
    } else {
        const int index = part.first + column;
        const F32 low = load_coded(row, part.row_width, index, count);
#ifdef MIDSPAN_BF16
        if constexpr (FORM == PAIRS) return pair_up(low, load_coded(row, part.row_width, index + LANES, count - LANES));
#endif
        return low;
    }
}

// Packs `count` <= STEP values of a row, or of two rows, and zeros behind them.
template <Form FORM, typename Value>
inline void pack_row(const char* even, const char* odd, const RowPart& part, int column, int count, float* out) {
    const F32 first = load_part<FORM, Value>(even, part, column, count);
#ifdef MIDSPAN_BF16
    if constexpr (FORM == PAIRS) {
        return store_interleaved(out, first, load_part<FORM, Value>(odd, part, column, count));
    }
#endif
    store(out, first);
    store(out + LANES, load_part<FORM, Value>(even, part, column + LANES, count - LANES));
    (void)odd;
}

// Packs LANES tokens and LANES words of each: word w of token t goes to out[w][t]. A chunk that is not whole ends with
// the part, and zeros stand behind it.
template <Form FORM, bool WHOLE, typename Value>
inline void pack_key_chunk(const char* const* rows, const RowPart& part, int column, float* out, int64_t stride) {
    F32 words[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; ++i) {
        const int count = WHOLE ? LANES * values_per_word(FORM) : part.width - column;
        words[i] = load_part<FORM, Value>(rows[i], part, column, count);
    }
    transpose(words);
#pragma GCC unroll 16
    for (int i = 0; i < LANES; ++i) store(out + i * stride, words[i]);
}

// Packs a part of each row, LANES tokens after LANES tokens.
template <Form FORM, typename Value>
inline void pack_keys(const BlockRows& rows, const RowPart& part, float* out, int64_t stride) {
    constexpr int CHUNK = LANES * values_per_word(FORM);
    const int whole = part.width / CHUNK * CHUNK;
    for (int t = 0; t < rows.padded; t += LANES) {
        float* to = out + t;
        for (int column = 0; column < whole; column += CHUNK, to += LANES * stride) {
            pack_key_chunk<FORM, true, Value>(rows.row + t, part, column, to, stride);
        }
        if (whole < part.width) pack_key_chunk<FORM, false, Value>(rows.row + t, part, whole, to, stride);
    }
}

// Packs a part of each row: FLOATS as out[token][column], PAIRS as out[token / 2][column] with both tokens in a word.
// Columns from the part's width up to the stride are zeros.
template <Form FORM, typename Value>
inline void pack_values(const BlockRows& rows, const RowPart& part, float* out, int64_t stride) {
    constexpr int TOKENS = values_per_word(FORM);
    const int whole = part.width / STEP * STEP;
    for (int t = 0; t < rows.padded; t += TOKENS, out += stride) {
        const char *even = rows.row[t], *odd = rows.row[t + TOKENS - 1];
        for (int column = 0; column < whole; column += STEP) {
            pack_row<FORM, Value>(even, odd, part, column, STEP, out + column);
        }
        if (whole < part.width) pack_row<FORM, Value>(even, odd, part, whole, part.width - whole, out + whole);
    }
}

}  // namespace midspan::MIDSPAN_ISA::kv
