// Latent attention in floats, for any instruction set and any width. 16 queries lie side by side in a block; rows that
// are not floats are widened once for all queries of a tile.
#pragma once

#include "mla_queries.h"

namespace midspan::MIDSPAN_ISA {

constexpr int WIDE_TOKENS = 32;
constexpr int SCORED_TOKENS = LANES == 8 ? 4 : 8;  // AVX2 has half of the registers of the others
constexpr int MIXED_QUERIES = 4;
constexpr int MIXED_VECTORS = LANES == 8 ? 2 : 4;

struct WideTile {
    float* queries;  // [groups][latent + rope][16], scaled
    float* mixed;    // [groups * 16][latent]
    float* largest;  // [groups * 16]
    float* sum;      // [groups * 16]
    float* scores;   // [WIDE_TOKENS][16], then their exponentials
    float* widened;  // [WIDE_TOKENS][latent + rope]
};

inline WideTile wide_tile(const MlaShape& shape, int pairs, float*& work) {
    int64_t padded = (pairs + BLOCK_ROWS - 1) / BLOCK_ROWS * BLOCK_ROWS, width = shape.latent + shape.rope;
    return {take_floats(work, padded * width),
            take_floats(work, padded * shape.latent),
            take_floats(work, padded),
            take_floats(work, padded),
            take_floats(work, WIDE_TOKENS * BLOCK_ROWS),
            take_floats(work, WIDE_TOKENS * width)};
}

inline void interleave_queries(const MlaQueries& queries, int first, int pairs, const WideTile& tile) {
    int width = queries.shape.latent + queries.shape.rope;
    for (int pair = 0; pair < (pairs + BLOCK_ROWS - 1) / BLOCK_ROWS * BLOCK_ROWS; ++pair) {
        float* lane = tile.queries + pair / BLOCK_ROWS * BLOCK_ROWS * width + pair % BLOCK_ROWS;
        const float* vector = pair < pairs ? queries.vector(first + pair) : nullptr;
        for (int d = 0; d < width; ++d) lane[d * BLOCK_ROWS] = vector ? vector[d] * queries.shape.scale : 0.f;
        for (int c = 0; c < queries.shape.latent; ++c) tile.mixed[pair * int64_t{queries.shape.latent} + c] = 0;
        tile.largest[pair] = -INFINITY;
        tile.sum[pair] = 0;
    }
}

// scores[t][lane] = queries[.][lane] . rows[t] for SCORED_TOKENS tokens.
inline void score_block(const float* queries, const float* const* rows, int width, float* scores) {
    Block sums[SCORED_TOKENS];
    for (int t = 0; t < SCORED_TOKENS; ++t) sums[t] = block_zero();
    for (int d = 0; d < width; ++d) {
        Block query = block_load(queries + d * BLOCK_ROWS);
        for (int t = 0; t < SCORED_TOKENS; ++t) sums[t] = block_fma(query, rows[t][d], sums[t]);
    }
    for (int t = 0; t < SCORED_TOKENS; ++t) block_store(scores + t * BLOCK_ROWS, sums[t]);
}

// Turns scores into exponentials of their distance to the largest so far (FlashAttention, arXiv:2205.14135,
// section 3.1); `shrink` is the factor for what was mixed before.
inline void exponentiate(float* scores, int tokens, float* largest, float* total, float* shrink) {
    for (int lane = 0; lane < BLOCK_ROWS; lane += LANES) {
        F32 before = load(largest + lane), most = before;
        for (int t = 0; t < tokens; ++t) most = max(most, load(scores + t * BLOCK_ROWS + lane));
        F32 shift = max(most, broadcast(LOWEST_SCORE)), kept = exp(sub(before, shift));
        F32 sums = mul(load(total + lane), kept);
        for (int t = 0; t < tokens; ++t) {
            F32 weight = exp(sub(load(scores + t * BLOCK_ROWS + lane), shift));
            store(scores + t * BLOCK_ROWS + lane, weight);
            sums = add(sums, weight);
        }
        store(largest + lane, most);
        store(total + lane, sums);
        store(shrink + lane, kept);
    }
}

// mixed[q] = mixed[q] * shrink[q] + sum of weights[t][q] * rows[t], for four queries and VECTORS * LANES columns.
template <int VECTORS>
inline void mix_columns(const float* weights, const float* const* rows, int tokens, int column, const float* shrink,
                        float* mixed, int latent) {
    F32 sums[MIXED_QUERIES][VECTORS];
    for (int q = 0; q < MIXED_QUERIES; ++q) {
        for (int v = 0; v < VECTORS; ++v) {
            sums[q][v] = mul(broadcast(shrink[q]), load(mixed + q * latent + column + v * LANES));
        }
    }
    for (int t = 0; t < tokens; ++t) {
        F32 row[VECTORS];
        for (int v = 0; v < VECTORS; ++v) row[v] = load(rows[t] + column + v * LANES);
        for (int q = 0; q < MIXED_QUERIES; ++q) {
            F32 weight = broadcast(weights[t * BLOCK_ROWS + q]);
            for (int v = 0; v < VECTORS; ++v) sums[q][v] = fma(weight, row[v], sums[q][v]);
        }
    }
    for (int q = 0; q < MIXED_QUERIES; ++q) {
        for (int v = 0; v < VECTORS; ++v) store(mixed + q * latent + column + v * LANES, sums[q][v]);
    }
}

inline void mix_four(const float* weights, const float* const* rows, int tokens, const float* shrink, float* mixed,
                     int latent) {
    int column = 0;
    for (; column + MIXED_VECTORS * LANES <= latent; column += MIXED_VECTORS * LANES) {
        mix_columns<MIXED_VECTORS>(weights, rows, tokens, column, shrink, mixed, latent);
    }
    for (; column + LANES <= latent; column += LANES) {
        mix_columns<1>(weights, rows, tokens, column, shrink, mixed, latent);
    }
    for (; column < latent; ++column) {
        for (int q = 0; q < MIXED_QUERIES; ++q) {
            float total = mixed[q * latent + column] * shrink[q];
            for (int t = 0; t < tokens; ++t) total += weights[t * BLOCK_ROWS + q] * rows[t][column];
            mixed[q * latent + column] = total;
        }
    }
}

// Attends with 16 pairs, of which the first `pairs` count, to `tokens` rows; `position` is that of rows[0].
inline void attend_group(const MlaQueries& queries, const WideTile& tile, int first, int group, int pairs,
                         const float* const* rows, int position, int tokens) {
    int latent = queries.shape.latent, width = latent + queries.shape.rope, start = group * BLOCK_ROWS;
    for (int t = 0; t < tokens; t += SCORED_TOKENS) {
        score_block(tile.queries + int64_t{start} * width, rows + t, width, tile.scores + t * BLOCK_ROWS);
    }
    for (int lane = 0; lane < pairs; ++lane) {
        int seen = queries.limit(first + start + lane) - position;
        for (int t = seen < 0 ? 0 : seen; t < tokens; ++t) tile.scores[t * BLOCK_ROWS + lane] = -INFINITY;
    }
    alignas(64) float shrink[BLOCK_ROWS];
    exponentiate(tile.scores, tokens, tile.largest + start, tile.sum + start, shrink);
    for (int q = 0; q < pairs; q += MIXED_QUERIES) {
        mix_four(tile.scores + q, rows, tokens, shrink + q, tile.mixed + int64_t{start + q} * latent, latent);
    }
}

inline void attend_wide(const MlaQueries& queries, int first, int pairs, float* partial, float* work) {
    int latent = queries.shape.latent, width = latent + queries.shape.rope;
    WideTile tile = wide_tile(queries.shape, pairs, work);
    interleave_queries(queries, first, pairs, tile);
    int end = queries.limit(first + pairs - 1);  // later rows see more
    for (int position = queries.from; position < end; position += WIDE_TOKENS) {
        int tokens = end - position < WIDE_TOKENS ? end - position : WIDE_TOKENS;
        int padded = (tokens + SCORED_TOKENS - 1) / SCORED_TOKENS * SCORED_TOKENS;
        const char* found[WIDE_TOKENS];
        const float* rows[WIDE_TOKENS];
        find_rows(queries, position, position + tokens, found);
        for (int t = 0; t < tokens; ++t) {
            rows[t] = latent_row(queries.shape.type, found[t], width, tile.widened + t * width);
        }
        for (int t = tokens; t < padded; ++t) rows[t] = rows[0];
        for (int group = 0; group * BLOCK_ROWS < pairs; ++group) {
            int left = pairs - group * BLOCK_ROWS;
            attend_group(queries, tile, first, group, left < BLOCK_ROWS ? left : BLOCK_ROWS, rows, position, padded);
        }
    }
    for (int pair = 0; pair < pairs; ++pair) {
        float* out = partial + (first + pair) * int64_t{latent + 2};
        out[0] = tile.largest[pair];
        out[1] = tile.sum[pair];
        std::memcpy(out + 2, tile.mixed + pair * int64_t{latent}, latent * sizeof(float));
    }
}

}  // namespace midspan::MIDSPAN_ISA
