// The parts of an attention: the chunks of a step, and the partials that they write.
#pragma once

#include "combine.h"
#include "step_products.h"

namespace midspan::MIDSPAN_ISA {

constexpr int SPLIT_POSITIONS = 256;
constexpr int TILE_ROWS = 32;  // where each group of heads is a chunk of its own

// The part of an attention that one chunk computes.
struct Part {
    const Segment* segment;
    int64_t partial;  // where the segment's partials begin, in floats
    int64_t query;    // where its rows begin among those of all segments that are attended in parts
    int32_t splits, group, first_row, rows, from, to, split;
};

// True for latent attention of many rows, which attention_expanded.h computes whole.
inline bool is_expanded(const Shape& shape, const Segment& segment) {
    return shape.latent && segment.count >= shape.expand_from_rows;
}

// The positions of one split. Splits begin where they begin in a shorter context, so that a row's result does not depend on
// the rows behind it.
inline int32_t split_size(const Segment& segment) {
    if (segment.count > FEW_ROWS) return segment.length;
    int32_t most = SPLIT_POSITIONS * MOST_PARTIALS;
    return SPLIT_POSITIONS * ((segment.length + most - 1) / most);
}

inline int32_t splits_of(const Segment& segment) {
    return (segment.length + split_size(segment) - 1) / split_size(segment);
}

// The most rows of a tile. All heads of latent attention read the same rows of pages, so that a tile is as many rows as
// attend_mla takes at once: there are tiles for all threads, and none reads the pages twice.
inline int32_t tile_rows(const Shape& shape) {
    if (!shape.latent) return TILE_ROWS;
    return shape.heads < MLA_QUERIES ? MLA_QUERIES / shape.heads : 1;
}

inline int32_t tiles_of(const Shape& shape, const Segment& segment) {
    return segment.count > FEW_ROWS ? (segment.count + tile_rows(shape) - 1) / tile_rows(shape) : 1;
}

// Returns the chunk's part where each of `groups` groups of heads is attended on its own; `width` is that of a mix.
inline Part part_of(const State& s, int64_t chunk, int groups, int width) {
    int64_t partial = 0, query = 0;
    for (int i = 0;; ++i) {
        const Segment& segment = s.batch->segments[i];
        if (is_expanded(s.shape, segment)) continue;
        int64_t splits = splits_of(segment), tiles = tiles_of(s.shape, segment), chunks = splits * tiles * groups;
        if (chunk >= chunks) {
            chunk -= chunks;
            partial += splits * segment.count * s.shape.heads * (width + 2);
            query += segment.count;
            continue;
        }
        Part part{&segment, partial, query, static_cast<int32_t>(splits), static_cast<int32_t>(chunk % groups), 0, segment.count, 0, 0, 0};
        chunk /= groups;
        if (tiles > 1) {
            // The last tile sees the most, so that it begins first.
            const int32_t most = tile_rows(s.shape);
            part.first_row = static_cast<int32_t>(tiles - 1 - chunk) * most;
            part.rows = segment.count - part.first_row < most ? segment.count - part.first_row : most;
        }
        part.split = static_cast<int32_t>(tiles > 1 ? 0 : chunk);
        part.from = part.split * split_size(segment);
        part.to = part.from + split_size(segment);
        int32_t seen = segment.length - segment.count + part.first_row + part.rows;
        if (part.to > seen) part.to = seen;
        return part;
    }
}

inline int64_t attention_chunks(const State& s, int groups) {
    int64_t chunks = 0;
    for (int i = 0; i < s.batch->segment_count; ++i) {
        const Segment& segment = s.batch->segments[i];
        if (!is_expanded(s.shape, segment)) chunks += splits_of(segment) * tiles_of(s.shape, segment) * groups;
    }
    return chunks;
}

// Finds the segment of a row and where its partials begin.
inline const Segment& segment_of(const State& s, int64_t row, int width, int64_t* partial) {
    *partial = 0;
    int i = 0;
    for (; row >= s.batch->segments[i].start + s.batch->segments[i].count; ++i) {
        const Segment& segment = s.batch->segments[i];
        *partial += static_cast<int64_t>(splits_of(segment)) * segment.count * s.shape.heads * (width + 2);
    }
    return s.batch->segments[i];
}

}  // namespace midspan::MIDSPAN_ISA
