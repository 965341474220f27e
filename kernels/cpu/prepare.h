// Prepares a step: the memory that its batch needs, and the rows that its last layer keeps.
#pragma once

#include "step.h"

namespace midspan::MIDSPAN_ISA {

// The bytes that one thread needs for its part of any attention, the floats of all partials, and the rows that are
// attended in parts.
inline void measure_attention(const State& s, const Batch& batch, int64_t* work, int64_t* partials, int64_t* rows_in_parts) {
    const Shape& shape = s.shape;
    int mixed = shape.latent ? shape.latent : shape.value_width;
    *partials = *rows_in_parts = 0;
    *work = shape.latent ? mix_latent_work_bytes(shape) : 0;
    for (int i = 0; i < batch.segment_count; ++i) {
        const Segment& segment = batch.segments[i];
        if (is_expanded(shape, segment)) {
            int tile = static_cast<int>(expanded_tile_rows(s, segment));
            int64_t bytes = attend_expanded_work_bytes(expanded_shape(shape), tile);
            if (bytes > *work) *work = bytes;
            continue;
        }
        *rows_in_parts += segment.count;
        bool is_tiled = tiles_of(shape, segment) > 1;
        int splits = splits_of(segment), rows = is_tiled ? tile_rows(shape) : segment.count;
        *partials += static_cast<int64_t>(splits) * segment.count * shape.heads * (mixed + 2);
        int64_t bytes = shape.latent ? attend_mla_work_bytes(s.mla_shape, shape.heads, rows)
                                     : attend_kv_work_bytes(s.kv_shape, is_tiled ? 1 : shape.kv_heads, rows);
        if (bytes > *work) *work = bytes;
    }
    *work = round_up(*work, 64);
}

inline bool reserve_experts(State& s, int64_t rows) {
    const Shape& shape = s.shape;
    int64_t pairs = rows * shape.top_k;
    if (!s.gathered_memory.reserve(pairs, shape.hidden, &s.gathered) ||
        !s.expert_hidden_memory.reserve(pairs, shape.expert_width, &s.expert_hidden) || !s.weights_memory.reserve(2 * pairs + ROWS_AT_ONCE * int64_t{shape.experts}) ||
        !s.experts_memory.reserve(2 * pairs + 2 * shape.experts + 1)) {
        return false;
    }
    int32_t* ids = s.experts_memory.data;
    float* weights = s.weights_memory.data;
    s.experts = Experts{ids,           weights,         weights + 2 * pairs,             ids + pairs,
                        weights + pairs, ids + 2 * pairs, ids + 2 * pairs + shape.experts, 0};
    return true;
}

// False: there is no memory.
inline bool prepare(State& s, const Batch& batch) {
    s.batch = &batch;
    const Shape& shape = s.shape;
    int64_t rows = batch.rows, parts = logit_parts(s), partials, rows_in_parts;
    measure_attention(s, batch, &s.work_bytes, &partials, &rows_in_parts);
    if (!s.values_memory.reserve(rows * shape.values_width) ||
        !s.queries_memory.reserve(shape.latent ? rows_in_parts * shape.heads * (shape.latent + shape.rope) : 0) ||
        !s.partials_memory.reserve(partials) || !s.parts_memory.reserve(2 * parts) ||
        !s.work_memory.reserve(s.work_bytes * s.threads) ||
        !s.input_memory.reserve(rows, shape.largest_input, &s.input) ||
        !s.hidden_memory.reserve(rows, shape.hidden_width, &s.hidden) ||
        (shape.experts && !reserve_experts(s, rows))) {
        return false;
    }
    s.residual = batch.activations;
    s.values = s.values_memory.data;
    s.queries = s.queries_memory.data;
    s.cos = s.residual + rows * shape.hidden;
    s.sin = s.cos + rows * shape.rope;
    s.partials = s.partials_memory.data;
    s.guesses = s.parts_memory.data;
    s.parts = s.guesses + parts;
    s.is_screened = batch.screen && pays_screen(s);
    return true;
}

// Moves what the last layer goes on with to the first rows: of the rows `from`, which ascend.
inline void keep_rows(State& s, const int64_t* from, int64_t count) {
    const int64_t hidden = s.shape.hidden, values = s.shape.values_width;
    for (int64_t row = 0; row < count; ++row) {
        std::memmove(s.residual + row * hidden, s.residual + from[row] * hidden, hidden * sizeof(float));
        std::memmove(s.values + row * values, s.values + from[row] * values, values * sizeof(float));
    }
}

}  // namespace midspan::MIDSPAN_ISA
