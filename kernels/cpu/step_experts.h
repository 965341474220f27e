// The mixture of experts (DeepSeek-V2, arXiv:2405.04434, section 2.2) in a step: no weight is copied, and an expert's
// weights are read once for all its rows.
#pragma once

#include "router.h"
#include "step_products.h"

namespace midspan::MIDSPAN_ISA {

// Of few rows, each chunk scores some experts with all rows, so that all threads read the router's weights, and
// group_rows chooses. Of many, each chunk is a row.
constexpr int ROUTED_EXPERTS = 2 * EXPERTS_AT_ONCE;

inline bool is_routed_by_experts(const State& s) { return s.batch->rows <= ROWS_AT_ONCE; }

inline int64_t route_chunks(const State& s) {
    return is_routed_by_experts(s) ? (s.shape.experts + ROUTED_EXPERTS - 1) / ROUTED_EXPERTS : s.batch->rows;
}

inline void route(State& s, const Op& op, int64_t chunk) {
    if (is_routed_by_experts(s)) {
        int from = static_cast<int>(chunk) * ROUTED_EXPERTS, to = from + ROUTED_EXPERTS;
        if (to > s.shape.experts) to = s.shape.experts;
        for (int64_t row = 0; row < s.batch->rows; ++row) {
            const float* x = s.input.wide + row * s.input.width;
            score_experts(s.router_shape, x, op.vector, from, to, s.experts.scores + row * s.shape.experts);
        }
        return;
    }
    int64_t at = chunk * s.shape.top_k;
    route_row(s.router_shape, s.input.wide + chunk * s.input.width, op.vector, s.experts.ids + at, s.experts.weights + at);
}

inline void group_rows(State& s) {
    Experts& e = s.experts;
    if (is_routed_by_experts(s)) {
        for (int64_t row = 0; row < s.batch->rows; ++row) {
            int64_t at = row * s.shape.top_k;
            choose_experts(s.router_shape, e.scores + row * s.shape.experts, e.ids + at, e.weights + at);
        }
    }
    int64_t pairs = static_cast<int64_t>(s.batch->rows) * s.shape.top_k, at = 0;
    int32_t starts[MOST_EXPERTS + 1] = {};
    for (int64_t pair = 0; pair < pairs; ++pair) ++starts[e.ids[pair] + 1];
    e.used_count = 0;
    for (int32_t expert = 0; expert < s.shape.experts; ++expert) {
        int32_t count = starts[expert + 1];
        starts[expert + 1] += starts[expert];
        if (!count) continue;
        e.used[e.used_count] = expert;
        e.starts[e.used_count++] = static_cast<int32_t>(at);
        at += count;
    }
    e.starts[e.used_count] = static_cast<int32_t>(at);
    for (int64_t pair = 0; pair < pairs; ++pair) {
        int32_t place = starts[e.ids[pair]]++;
        e.rows[place] = static_cast<int32_t>(pair / s.shape.top_k);
        e.pair_weights[place] = e.weights[pair];
    }
}

// Copies the input of a pair's row to the pair.
inline void gather(State& s, const Op& op, int64_t pair) {
    const Input &from = s.input, &to = s.gathered;
    int64_t row = s.experts.rows[pair], groups = from.width / GROUP, width = round_up(op.width, TILE_COLUMNS);
    if (!op.is_quantized) {
        std::memcpy(to.wide + pair * to.width, from.wide + row * from.width, op.width * sizeof(float));
        narrow_columns(to, pair, 0, op.width, from.wide + row * from.width);
        return;
    }
    std::memcpy(to.codes + pair * to.width, from.codes + row * from.width, width);
    int64_t to_group = pair * to.width / GROUP, bytes = width / GROUP * 4;
    std::memcpy(to.scale + to_group, from.scale + row * groups, bytes);
    std::memcpy(to.scaled_sum + to_group, from.scaled_sum + row * groups, bytes);
    std::memcpy(to.start + to_group, from.start + row * groups, bytes);
}

inline int64_t most_used_experts(const Shape& shape, int64_t rows) {
    int64_t pairs = rows * shape.top_k;
    return pairs < shape.experts ? pairs : shape.experts;
}

inline void gated_experts(State& s, const Op& op, int64_t chunk) {
    const Experts& e = s.experts;
    int64_t chunks = chunks_of(op.mlps[0].gate, s.batch->rows), index = chunk / chunks;
    if (index >= e.used_count) return;
    const Mlp& mlp = op.mlps[e.used[index]];
    each_unit(mlp.gate, chunk % chunks, s.batch->rows, [&](int64_t unit) {
        gated_unit(mlp, unit, s.gathered, e.starts[index], e.starts[index + 1] - e.starts[index], s.expert_hidden);
    });
}

// Adds to one unit of the residual what all experts yield, the experts in the order of their numbers.
inline void add_experts(State& s, const Op& op, int64_t unit) {
    const Experts& e = s.experts;
    for (int32_t index = 0; index < e.used_count; ++index) {
        const Matrix& down = op.mlps[e.used[index]].down;
        int64_t start = e.starts[index];
        multiply_unit(down, unit, s.expert_hidden, start, e.starts[index + 1] - start,
                      [&](int64_t m, const float* results, int64_t count) {
            float* out = s.residual + e.rows[start + m] * s.shape.hidden + unit * UNIT_ROWS;
            for (int64_t n = 0; n < count; ++n) out[n] += e.pair_weights[start + m] * results[n];
        });
    }
}

}  // namespace midspan::MIDSPAN_ISA
