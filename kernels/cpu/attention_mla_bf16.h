// Latent attention with bf16 products of AVX-512. Queries and the softmax's exponentials are rounded to bf16, sums are
// fp32. Four queries (a quad) meet four tokens at a time; lane 4 * t + q of a vector belongs to token t and query q.
#pragma once

#include "bf16_quads.h"
#include "mla_queries.h"

namespace midspan::MIDSPAN_ISA {

constexpr int BF16_TOKENS = 64;  // of a block
constexpr int NEAR_TOKENS = 16;  // their rows stay in the first cache while all quads are scored

struct Bf16Tile {
    bf16* queries;      // [quads * 4][latent + rope], scaled
    float* mixed;       // [quads * 4][latent], each 32 columns as the products of interleaved rows leave them
    float* largest;     // [quads][16], the same for all four tokens
    float* sum;         // [quads][16]
    float* shrink;      // [quads * 4]
    float* scores;      // [quads][BF16_TOKENS / 4][16]
    uint32_t* weights;  // [quads][BF16_TOKENS / 2][4]: two tokens' exponentials as bf16
    bf16* widened;      // of int8 pages [BF16_TOKENS][latent + rope]: the rows of the block
};

inline Bf16Tile bf16_tile(const MlaShape& shape, int pairs, float*& work) {
    int64_t quads = (pairs + QUAD - 1) / QUAD, width = shape.latent + shape.rope;
    Bf16Tile tile;
    tile.queries = reinterpret_cast<bf16*>(take_floats(work, quads * QUAD * width / 2));
    tile.mixed = take_floats(work, quads * QUAD * shape.latent);
    tile.largest = take_floats(work, quads * 16);
    tile.sum = take_floats(work, quads * 16);
    tile.shrink = take_floats(work, quads * QUAD);
    tile.scores = take_floats(work, quads * BF16_TOKENS * QUAD);
    tile.weights = reinterpret_cast<uint32_t*>(take_floats(work, quads * BF16_TOKENS / 2 * QUAD));
    const bool is_widened = shape.type == PAGES_INT8;
    tile.widened = reinterpret_cast<bf16*>(take_floats(work, is_widened ? BF16_TOKENS * width / 2 : 0));
    return tile;
}

inline void round_queries(const MlaQueries& queries, int first, int pairs, const Bf16Tile& tile) {
    int latent = queries.shape.latent, width = latent + queries.shape.rope;
    F32 scale = broadcast(queries.shape.scale);
    for (int pair = 0; pair < (pairs + QUAD - 1) / QUAD * QUAD; ++pair) {
        // A quad that is not full repeats its last query.
        const float* vector = queries.vector(first + (pair < pairs ? pair : pairs - 1));
        for (int d = 0; d < width; d += LANES) {
            store(tile.queries + pair * int64_t{width} + d, mul(load(vector + d), scale));
        }
        for (int c = 0; c < latent; c += LANES) store(tile.mixed + pair * int64_t{latent} + c, zero());
    }
    for (int at = 0; at < (pairs + QUAD - 1) / QUAD * 16; at += LANES) {
        store(tile.largest + at, broadcast(-INFINITY));
        store(tile.sum + at, zero());
    }
}

// A row of the next block, of which the next piece of `step` bytes is asked for at a time.
struct RowAhead {
    const char* at;
    int step;

    void ask() {
        _mm_prefetch(at, _MM_HINT_T1);
        at += step;
    }
};

// The rows of the next block, for which each piece of work on this block asks one by one: memory is never idle then.
struct RowsAhead {
    const char* const* rows;
    int left, step;

    RowAhead take() { return {left > 1 ? --left, *rows++ : *rows, step}; }
};

// Scores four rows with a quad.
inline __m512 score_rows(const bf16* const* rows, const bf16* queries, int width, RowAhead ahead) {
    __m512 sums[QUAD][QUAD];
    for (int t = 0; t < QUAD; ++t) {
        for (int q = 0; q < QUAD; ++q) sums[t][q] = _mm512_setzero_ps();
    }
    for (int d = 0; d < width; d += 32) {
        __m512bh row[QUAD];
        for (int t = 0; t < QUAD; ++t) row[t] = load_bf16(rows[t] + d);
        ahead.ask();
        for (int q = 0; q < QUAD; ++q) {
            __m512bh query = load_bf16(queries + int64_t{q} * width + d);
            for (int t = 0; t < QUAD; ++t) sums[t][q] = _mm512_dpbf16_ps(sums[t][q], row[t], query);
        }
    }
    return sum_lanes(sums);
}

inline void score_tokens(const Bf16Tile& tile, const bf16* const* rows, int tokens, int quads, int width,
                         RowsAhead& ahead) {
    for (int near = 0; near < tokens; near += NEAR_TOKENS) {
        int end = near + NEAR_TOKENS < tokens ? near + NEAR_TOKENS : tokens;
        for (int quad = 0; quad < quads; ++quad) {
            const bf16* queries = tile.queries + int64_t{quad} * QUAD * width;
            float* scores = tile.scores + quad * BF16_TOKENS * QUAD;
            for (int t = near; t < end; t += QUAD) {
                _mm512_store_ps(scores + t * QUAD, score_rows(rows + t, queries, width, ahead.take()));
            }
        }
    }
}

inline __m512 largest_of_tokens(__m512 a) {
    a = _mm512_max_ps(a, _mm512_shuffle_f32x4(a, a, 0x4e));
    return _mm512_max_ps(a, _mm512_shuffle_f32x4(a, a, 0xb1));
}

// Hides what a query does not see. `limits` are those of the quad, `position` that of the first token.
inline void hide_unseen(float* scores, int tokens, int position, const int32_t (&limits)[QUAD]) {
    __m512i limit = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)limits));
    __m512i token = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    for (int t = 0; t < tokens; t += QUAD) {
        __mmask16 unseen = _mm512_cmpge_epi32_mask(_mm512_add_epi32(token, _mm512_set1_epi32(position + t)), limit);
        _mm512_mask_store_ps(scores + t * QUAD, unseen, _mm512_set1_ps(-INFINITY));
    }
}

// Turns a quad's scores into exponentials of their distance to the largest so far (FlashAttention, arXiv:2205.14135,
// section 3.1), two tokens of a query side by side.
inline void exponentiate_quad(const Bf16Tile& tile, int quad, int tokens) {
    const float* scores = tile.scores + quad * BF16_TOKENS * QUAD;
    uint32_t* weights = tile.weights + quad * BF16_TOKENS / 2 * QUAD;
    F32 before = load(tile.largest + quad * 16), most = before;
    for (int t = 0; t < tokens; t += QUAD) most = max(most, load(scores + t * QUAD));
    most.v = largest_of_tokens(most.v);
    F32 shift = max(most, broadcast(LOWEST_SCORE)), kept = exp(sub(before, shift));
    F32 sums = mul(load(tile.sum + quad * 16), kept);
    const __m256i neighbours = _mm256_setr_epi16(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
    for (int t = 0; t < tokens; t += QUAD) {
        F32 weight = exp(sub(load(scores + t * QUAD), shift));
        sums = add(sums, weight);
        __m256i rounded = (__m256i)_mm512_cvtneps_pbh(weight.v);
        _mm256_store_si256((__m256i*)(weights + t * 2), _mm256_permutexvar_epi16(neighbours, rounded));
    }
    store(tile.largest + quad * 16, most);
    store(tile.sum + quad * 16, sums);
    _mm_storeu_ps(tile.shrink + quad * QUAD, _mm512_castps512_ps128(kept.v));
}

// Adds 32 columns of two tokens at a time to the mixes of QUADS quads.
template <int QUADS>
inline void mix_columns_bf16(const bf16* const* rows, int tokens, int column, const uint32_t* weights,
                             const float* shrink, float* mixed, int latent, RowAhead ahead) {
    constexpr int QUERIES = QUADS * QUAD;
    __m512 low[QUERIES], high[QUERIES];
#pragma GCC unroll 12
    for (int q = 0; q < QUERIES; ++q) {
        __m512 kept = _mm512_set1_ps(shrink[q]);
        low[q] = _mm512_mul_ps(kept, _mm512_load_ps(mixed + q * latent + column));
        high[q] = _mm512_mul_ps(kept, _mm512_load_ps(mixed + q * latent + column + 16));
    }
    for (int t = 0; t < tokens; t += 2) {
        ahead.ask();
        __m512i even = _mm512_loadu_si512(rows[t] + column), odd = _mm512_loadu_si512(rows[t + 1] + column);
        __m512bh first = (__m512bh)_mm512_unpacklo_epi16(even, odd);
        __m512bh second = (__m512bh)_mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 12
        for (int q = 0; q < QUERIES; ++q) {
            __m512bh weight = broadcast_both(weights[q / QUAD * (BF16_TOKENS / 2 * QUAD) + t * 2 + q % QUAD]);
            low[q] = _mm512_dpbf16_ps(low[q], first, weight);
            high[q] = _mm512_dpbf16_ps(high[q], second, weight);
        }
    }
#pragma GCC unroll 12
    for (int q = 0; q < QUERIES; ++q) {
        _mm512_store_ps(mixed + q * latent + column, low[q]);
        _mm512_store_ps(mixed + q * latent + column + 16, high[q]);
    }
}

template <int QUADS>
inline void mix_quads(const Bf16Tile& tile, int quad, const bf16* const* rows, int tokens, int latent,
                      RowsAhead& ahead) {
    for (int column = 0; column < latent; column += 32) {
        mix_columns_bf16<QUADS>(rows, tokens, column, tile.weights + quad * BF16_TOKENS / 2 * QUAD,
                                tile.shrink + quad * QUAD, tile.mixed + int64_t{quad} * QUAD * latent, latent,
                                ahead.take());
    }
}

inline void mix_tokens(const Bf16Tile& tile, const bf16* const* rows, int tokens, int quads, int latent,
                       RowsAhead& ahead) {
    for (int quad = 0; quad < quads;) {
        // 4 quads are 2 and 2: 4 at once need more registers than there are, and 3 and 1 read the rows for one alone.
        int left = quads - quad, together = left == 4 ? 2 : left < 3 ? left : 3;
        if (together == 3) mix_quads<3>(tile, quad, rows, tokens, latent, ahead);
        if (together == 2) mix_quads<2>(tile, quad, rows, tokens, latent, ahead);
        if (together == 1) mix_quads<1>(tile, quad, rows, tokens, latent, ahead);
        quad += together;
    }
}

inline void write_partials(const Bf16Tile& tile, int pairs, int latent, float* partial) {
    const __m512i order_low = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const __m512i order_high = _mm512_add_epi32(order_low, _mm512_set1_epi32(8));
    for (int pair = 0; pair < pairs; ++pair) {
        float* out = partial + pair * int64_t{latent + 2};
        const float *mixed = tile.mixed + pair * int64_t{latent}, *sums = tile.sum + pair / QUAD * 16 + pair % QUAD;
        out[0] = tile.largest[pair / QUAD * 16 + pair % QUAD];
        out[1] = sums[0] + sums[4] + sums[8] + sums[12];
        for (int column = 0; column < latent; column += 32) {
            __m512 low = _mm512_load_ps(mixed + column), high = _mm512_load_ps(mixed + column + 16);
            _mm512_storeu_ps(out + 2 + column, _mm512_permutex2var_ps(low, order_low, high));
            _mm512_storeu_ps(out + 2 + column + 16, _mm512_permutex2var_ps(low, order_high, high));
        }
    }
}

inline void attend_bf16(const MlaQueries& queries, int first, int pairs, float* partial, float* work) {
    int latent = queries.shape.latent, width = latent + queries.shape.rope, quads = (pairs + QUAD - 1) / QUAD;
    PageType type = queries.shape.type;
    // A row is asked for in as many pieces as it has 32 values.
    const int step = static_cast<int>((page_row_bytes(type, width) * 32 + width - 1) / width);
    Bf16Tile tile = bf16_tile(queries.shape, pairs, work);
    round_queries(queries, first, pairs, tile);
    int end = queries.limit(first + pairs - 1);  // later rows see more
    for (int position = queries.from; position < end; position += BF16_TOKENS) {
        int tokens = end - position < BF16_TOKENS ? end - position : BF16_TOKENS;
        int found = end - position < 2 * BF16_TOKENS ? end - position : 2 * BF16_TOKENS;
        const char* rows_found[2 * BF16_TOKENS];
        const bf16* rows[BF16_TOKENS];
        find_rows(queries, position, position + found, rows_found);
        for (int t = found; t < 2 * BF16_TOKENS; ++t) rows_found[t] = rows_found[found - 1];
        RowsAhead ahead{rows_found + BF16_TOKENS, BF16_TOKENS, step};
        tokens = (tokens + QUAD - 1) / QUAD * QUAD;  // the rows that fill up are past every limit
        for (int t = 0; t < tokens; ++t) {
            rows[t] = latent_row(type, rows_found[t], width, tile.widened + t * width);
        }
        score_tokens(tile, rows, tokens, quads, width, ahead);
        for (int quad = 0; quad < quads; ++quad) {
            int32_t limits[QUAD];
            for (int q = 0; q < QUAD; ++q) {
                int pair = quad * QUAD + q;
                limits[q] = queries.limit(first + (pair < pairs ? pair : pairs - 1));
            }
            if (limits[0] < position + tokens) {
                hide_unseen(tile.scores + quad * BF16_TOKENS * QUAD, tokens, position, limits);
            }
            exponentiate_quad(tile, quad, tokens);
        }
        mix_tokens(tile, rows, tokens, quads, latent, ahead);
    }
    write_partials(tile, pairs, latent, partial + first * int64_t{latent + 2});
}

}  // namespace midspan::MIDSPAN_ISA
