// Expanded latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1.1) in a step: of the segments of many rows.
#pragma once

#include "attention_expanded.h"
#include "attention_parts.h"
#include "step_latent.h"

namespace midspan::MIDSPAN_ISA {

// Each chunk is a head with a tile of rows. Tiles are as large as can be: each expands all that its rows see.
constexpr int LEAST_EXPANDED_ROWS = 256;
constexpr int CHUNKS_OF_THREAD = 4;  // enough, that no thread waits long for the last one

inline ExpandedShape expanded_shape(const Shape& shape) {
    return {shape.heads, shape.latent, shape.key_width - shape.rope, shape.rope, shape.value_width, shape.softmax_scale,
            static_cast<PageType>(shape.page_type), static_cast<Form>(shape.wide_form), shape.page_tokens};
}

inline int64_t expanded_tiles(const State& s, const Segment& segment) {
    if (!is_expanded(s.shape, segment)) return 0;
    int64_t tiles = CHUNKS_OF_THREAD * s.threads / s.shape.heads, most = segment.count / LEAST_EXPANDED_ROWS;
    tiles = tiles < most ? tiles : most;
    return tiles < 1 ? 1 : tiles;
}

inline int64_t expanded_tile_rows(const State& s, const Segment& segment) {
    int64_t tiles = expanded_tiles(s, segment);
    return (segment.count + tiles - 1) / tiles;
}

inline int64_t expanded_chunks(const State& s) {
    int64_t chunks = 0;
    for (int i = 0; i < s.batch->segment_count; ++i) chunks += expanded_tiles(s, s.batch->segments[i]) * s.shape.heads;
    return chunks;
}

inline void attend_expanded_chunk(State& s, const Op& op, int64_t chunk, int32_t thread) {
    const Shape& shape = s.shape;
    const Segment* segment = s.batch->segments;
    for (int64_t chunks; chunk >= (chunks = expanded_tiles(s, *segment) * shape.heads); ++segment) chunk -= chunks;
    int64_t head = chunk % shape.heads, rows = expanded_tile_rows(s, *segment);
    // The last tile sees the most, so that it begins first.
    int64_t first = (expanded_tiles(s, *segment) - 1 - chunk / shape.heads) * rows;
    if (segment->count - first < rows) rows = segment->count - first;
    ExpandedShape expanded = expanded_shape(shape);
    HeadUp up = up_of_head(shape, op, head);
    KvQuery query{s.values + segment->start * shape.values_width + shape.query_at, shape.values_width, segment->count,
                  segment->length, segment->table, s.pages(op.layer)};
    float* out = s.input.wide + (segment->start + first) * s.input.width + head * shape.value_width;
    attend_expanded(expanded, query, up, static_cast<int>(head), static_cast<int>(first), static_cast<int>(rows), out,
                    s.input.width, s.work(thread));
}

}  // namespace midspan::MIDSPAN_ISA
