// Grouped-query attention in a step.
#pragma once

#include "attention_parts.h"
#include "combine.h"

namespace midspan::MIDSPAN_ISA {

// values of a row: the queries of all heads, the keys of all kv heads, their values.
inline void rotate_kv(State& s, const Op& op, int64_t row) {
    const Shape& shape = s.shape;
    int width = shape.key_width;
    float* values = s.values + row * shape.values_width;
    const float *cos = s.cos + row * shape.rope, *sin = s.sin + row * shape.rope;
    for (int head = 0; head < shape.heads + shape.kv_heads; ++head) {
        rotate(shape, values + head * width, cos, sin);
    }
    write_page_row(s.page_row(op.layer, row), static_cast<PageType>(shape.page_type), values + shape.heads * width,
                   shape.page_width);
}

// The groups of kv heads that are attended on their own. Memory gives whole rows of tokens faster, so that one chunk
// takes all heads where that leaves enough chunks for the threads.
inline int kv_groups(const State& s) {
    for (int i = 0; i < s.batch->segment_count; ++i) {
        if (tiles_of(s.shape, s.batch->segments[i]) > 1) return s.shape.kv_heads;
    }
    return attention_chunks(s, 1) >= 2 * s.threads ? 1 : s.shape.kv_heads;
}

inline void attend_kv_chunk(State& s, const Op& op, int64_t chunk, int32_t thread) {
    const Shape& shape = s.shape;
    int groups = kv_groups(s), kv_heads = shape.kv_heads / groups;
    Part part = part_of(s, chunk, groups, shape.value_width);
    const Segment& segment = *part.segment;
    int64_t group = shape.heads / shape.kv_heads, width = shape.value_width + 2;
    KvQuery query{s.values + segment.start * shape.values_width, shape.values_width, segment.count, segment.length,
                  segment.table, s.pages(op.layer)};
    int64_t at = (static_cast<int64_t>(part.split) * shape.kv_heads + part.group) * segment.count + part.first_row;
    float* partial = s.partials + part.partial + at * group * width;
    attend_kv(s.kv_shape, query, part.group, kv_heads, part.first_row, part.rows, part.from, part.to, partial,
              s.work(thread));
}

inline void mix_kv(State& s, const Op& op, int64_t row) {
    const Shape& shape = s.shape;
    int64_t start, group = shape.heads / shape.kv_heads, width = shape.value_width + 2;
    const Segment& segment = segment_of(s, row, shape.value_width, &start);
    int64_t stride = segment.count * shape.heads * width;
    float* out = s.input.wide + row * s.input.width;
    for (int head = 0; head < shape.heads; ++head) {
        int64_t at = (head / group * segment.count + row - segment.start) * group + head % group;
        combine(s.partials + start + at * width, splits_of(segment), stride, shape.value_width, out + head * shape.value_width);
    }
    write_row(s.input, row, shape.heads * shape.value_width, op.is_quantized);
}

}  // namespace midspan::MIDSPAN_ISA
