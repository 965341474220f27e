// Chooses the experts of a row (DeepSeek-V2, arXiv:2405.04434, section 2.2), as kernels/router.py does in torch.
#pragma once

#include "simd.h"

namespace midspan {

struct RouterShape {
    int32_t hidden, experts, top_k, groups, top_groups;
    int32_t is_group_limited, is_normalized;
    float scaling;
};

}  // namespace midspan

namespace midspan::MIDSPAN_ISA {

constexpr int MOST_EXPERTS = 1024;
constexpr int EXPERTS_AT_ONCE = 8;

// scores[e] = x . weight[e] for EXPERTS experts.
template <int EXPERTS>
inline void score_some(const float* x, const float* weight, int hidden, float* scores) {
    F32 sums[EXPERTS];
    for (int e = 0; e < EXPERTS; ++e) sums[e] = zero();
    int k = 0;
    for (; k + LANES <= hidden; k += LANES) {
        F32 columns = load(x + k);
        for (int e = 0; e < EXPERTS; ++e) sums[e] = fma(columns, load(weight + int64_t{e} * hidden + k), sums[e]);
    }
    for (int e = 0; e < EXPERTS; ++e) {
        scores[e] = sum(sums[e]);
        for (int rest = k; rest < hidden; ++rest) scores[e] += x[rest] * weight[int64_t{e} * hidden + rest];
    }
}

// scores[e] = x . weight[e] for the experts [from, to).
inline void score_experts(const RouterShape& shape, const float* x, const float* weight, int from, int to, float* scores) {
    int e = from;
    for (; e + EXPERTS_AT_ONCE <= to; e += EXPERTS_AT_ONCE) {
        score_some<EXPERTS_AT_ONCE>(x, weight + int64_t{e} * shape.hidden, shape.hidden, scores + e);
    }
    for (; e < to; ++e) score_some<1>(x, weight + int64_t{e} * shape.hidden, shape.hidden, scores + e);
}

inline void softmax(float* scores, int count) {
    float most = scores[0], total = 0;
    for (int e = 1; e < count; ++e) most = scores[e] > most ? scores[e] : most;
    int e = 0;
    F32 totals = zero();
    for (; e + LANES <= count; e += LANES) {
        F32 part = exp(sub(load(scores + e), broadcast(most)));
        store(scores + e, part);
        totals = add(totals, part);
    }
    for (; e < count; ++e) total += scores[e] = std::exp(scores[e] - most);
    total += sum(totals);
    for (e = 0; e < count; ++e) scores[e] /= total;
}

constexpr float TAKEN = -1;  // no softmax gives it

// Returns where the largest value is, the first of equal ones, and takes it out.
inline int32_t take_largest(float* values, int count) {
    int best = -1;
    for (int i = 0; i < count; ++i) {
        if (values[i] != TAKEN && (best < 0 || values[i] > values[best])) best = i;
    }
    values[best] = TAKEN;
    return best;
}

// The scores of all but the groups with the best experts become 0.
inline void keep_best_groups(const RouterShape& shape, float* scores) {
    float best[MOST_EXPERTS];
    int size = shape.experts / shape.groups;
    for (int g = 0; g < shape.groups; ++g) {
        best[g] = scores[g * size];
        for (int e = 1; e < size; ++e) best[g] = scores[g * size + e] > best[g] ? scores[g * size + e] : best[g];
    }
    for (int k = 0; k < shape.top_groups; ++k) take_largest(best, shape.groups);
    for (int g = 0; g < shape.groups; ++g) {
        if (best[g] == TAKEN) continue;
        for (int e = 0; e < size; ++e) scores[g * size + e] = 0;
    }
}

// Chooses a row's experts by the products in `scores`, which it overwrites: ids and weights [top_k], the best first. Of
// equal scores the lower id comes first; torch.topk leaves that open.
inline void choose_experts(const RouterShape& shape, float* scores, int32_t* ids, float* weights) {
    softmax(scores, shape.experts);
    if (shape.is_group_limited) keep_best_groups(shape, scores);
    float left[MOST_EXPERTS], total = 1e-20f;
    std::memcpy(left, scores, shape.experts * sizeof(float));
    for (int k = 0; k < shape.top_k; ++k) {
        ids[k] = take_largest(left, shape.experts);
        weights[k] = scores[ids[k]];
        total += weights[k];
    }
    // As DeepSeek's released code: normalised weights are not scaled, and one weight is not normalised.
    bool divides = shape.is_normalized && shape.top_k > 1;
    for (int k = 0; k < shape.top_k; ++k) weights[k] = divides ? weights[k] / total : weights[k] * shape.scaling;
}

// x [hidden], weight [experts, hidden], at most MOST_EXPERTS -> ids and weights [top_k].
inline void route_row(const RouterShape& shape, const float* x, const float* weight, int32_t* ids, float* weights) {
    float scores[MOST_EXPERTS];
    score_experts(shape, x, weight, 0, shape.experts, scores);
    choose_experts(shape, scores, ids, weights);
}

}  // namespace midspan::MIDSPAN_ISA
