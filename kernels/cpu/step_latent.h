// Latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1) in a step.
#pragma once

#include "attention_mla.h"
#include "attention_parts.h"
#include "mla_project.h"

namespace midspan::MIDSPAN_ISA {

// The released code builds the norms of both latents with its default, whatever rms_norm_eps says.
constexpr float LATENT_NORM_EPS = 1e-6f;

inline void norm_query(State& s, const Op& op, int64_t row) {
    rmsnorm_row(s.values + row * s.shape.values_width, op.vector, op.width, LATENT_NORM_EPS, s.input.wide + row * s.input.width);
    write_row(s.input, row, op.width, op.is_quantized);
}

inline void rotate_latent(State& s, const Op& op, int64_t row) {
    const Shape& shape = s.shape;
    float* values = s.values + row * shape.values_width;
    const float *cos = s.cos + row * shape.rope, *sin = s.sin + row * shape.rope;
    for (int head = 0; head < shape.heads; ++head) {
        rotate_neighbours(values + shape.query_at + (head + 1) * shape.key_width - shape.rope, cos, sin, shape.rope);
    }
    write_latent(shape.latent, shape.rope, values + shape.latent_at, op.vector, LATENT_NORM_EPS, cos, sin,
                 static_cast<PageType>(shape.page_type), s.page_row(op.layer, row));
}

inline HeadUp up_of_head(const Shape& shape, const Op& op, int64_t head) {
    const Matrix& up = op.matrices[0];
    const Form form = static_cast<Form>(up.form);
    const int64_t itemsize = form == INT8 ? 1 : form == WIDE_BF16 ? 2 : 4;
    const int nope = shape.key_width - shape.rope;
    auto rows_from = [&](int64_t row, int rows) {
        const void* values = static_cast<const uint8_t*>(up.codes) + row * shape.latent * itemsize;
        return HeadWeights{form, values, up.scale ? up.scale + row : nullptr, rows, shape.latent,
                           static_cast<Form>(shape.wide_form)};
    };
    const int64_t first = head * (nope + shape.value_width);
    return {rows_from(first, nope), rows_from(first + nope, shape.value_width)};
}

inline void absorb_query(State& s, const Op& op, int64_t head) {
    const Shape& shape = s.shape;
    int nope = shape.key_width - shape.rope, width = shape.latent + shape.rope;
    const float* q = s.values + shape.query_at + head * shape.key_width;
    float* out = s.queries + head * width;
    const HeadWeights up = up_of_head(shape, op, head).key;
    for (int i = 0; i < s.batch->segment_count; ++i) {
        const Segment& segment = s.batch->segments[i];
        if (is_expanded(shape, segment)) continue;
        const float* from = q + segment.start * shape.values_width;
        absorb_head(up, from, shape.values_width, segment.count, out, shape.heads * width);
        for (int row = 0; row < segment.count; ++row, from += shape.values_width, out += shape.heads * width) {
            std::memcpy(out + shape.latent, from + nope, shape.rope * sizeof(float));
        }
    }
}

inline void attend_latent(State& s, const Op& op, int64_t chunk, int32_t thread) {
    const Shape& shape = s.shape;
    Part part = part_of(s, chunk, 1, shape.latent);
    const Segment& segment = *part.segment;
    int64_t stride = shape.heads * (shape.latent + shape.rope), width = shape.latent + 2;
    KvQuery query{s.queries + part.query * stride, stride, segment.count, segment.length, segment.table, s.pages(op.layer)};
    int64_t at = static_cast<int64_t>(part.split) * segment.count + part.first_row;
    attend_mla(s.mla_shape, query, 0, shape.heads, part.first_row, part.rows, part.from, part.to,
               s.partials + part.partial + at * shape.heads * width, s.work(thread));
}

inline int64_t mix_latent_work_bytes(const Shape& shape) { return PROJECTED_ROWS * shape.latent * sizeof(float); }

inline void mix_latent(State& s, const Op& op, int64_t head, int32_t thread) {
    const Shape& shape = s.shape;
    int64_t width = shape.latent + 2, partial = 0;
    float* mixed = static_cast<float*>(s.work(thread));
    const HeadWeights up = up_of_head(shape, op, head).value;
    for (int i = 0; i < s.batch->segment_count; ++i) {
        const Segment& segment = s.batch->segments[i];
        if (is_expanded(shape, segment)) continue;
        int64_t stride = segment.count * shape.heads * width;
        for (int64_t first = 0; first < segment.count; first += PROJECTED_ROWS) {
            int64_t rows = segment.count - first < PROJECTED_ROWS ? segment.count - first : PROJECTED_ROWS;
            for (int64_t m = 0; m < rows; ++m) {
                const float* at = s.partials + partial + ((first + m) * shape.heads + head) * width;
                combine(at, splits_of(segment), stride, shape.latent, mixed + m * shape.latent);
            }
            float* out = s.input.wide + (segment.start + first) * s.input.width + head * shape.value_width;
            project_head(up, mixed, shape.latent, static_cast<int>(rows), out, s.input.width);
        }
        partial += splits_of(segment) * stride;
    }
}

inline void quantize_input(State& s, const Op& op, int64_t row) { write_row(s.input, row, op.width, op.is_quantized); }

}  // namespace midspan::MIDSPAN_ISA
