// The likeliest token of a row of logits, and the log of its probability.
#pragma once

#include "plan.h"
#include "simd.h"

namespace midspan::MIDSPAN_ISA {

constexpr int64_t LOGITS_TOGETHER = 1024;

inline int together(int64_t count, int64_t at) {
    return static_cast<int>(count - at < LOGITS_TOGETHER ? count - at : LOGITS_TOGETHER);
}

inline float largest_of(const float* values, int count) {
    F32 most = broadcast(values[0]);
    int k = 0;
    for (; k + LANES <= count; k += LANES) most = max(most, load(values + k));
    float found = largest(most);
    for (; k < count; ++k) found = values[k] > found ? values[k] : found;
    return found;
}

// The first of the largest values.
inline int64_t first_largest(const float* values, int64_t count) {
    int64_t block = 0;
    float most = largest_of(values, together(count, 0));
    for (int64_t at = LOGITS_TOGETHER; at < count; at += LOGITS_TOGETHER) {
        float largest = largest_of(values + at, together(count, at));
        if (!(largest > most)) continue;
        most = largest;
        block = at;
    }
    int64_t token = block;
    while (token < count - 1 && values[token] != most) ++token;
    return token;
}

// The sum of e^(value - most) of a few values.
inline float sum_of_powers(const float* values, int count, float most) {
    F32 even = zero(), odd = zero(), shift = broadcast(most);
    int k = 0;
    for (; k + 2 * LANES <= count; k += 2 * LANES) {
        even = add(even, exp(sub(load(values + k), shift)));
        odd = add(odd, exp(sub(load(values + k + LANES), shift)));
    }
    float total = sum(add(even, odd));
    for (; k < count; ++k) total += std::exp(values[k] - most);
    return total;
}

inline void find_likeliest(const Shape& shape, const Batch& batch, int64_t row) {
    const float* logits = batch.logits + row * shape.vocabulary;
    int64_t token = first_largest(logits, shape.known_tokens);
    batch.likeliest[row] = static_cast<int32_t>(token);
    double total = 0;
    for (int64_t at = 0; at < shape.known_tokens; at += LOGITS_TOGETHER) {
        total += sum_of_powers(logits + at, together(shape.known_tokens, at), logits[token]);
    }
    batch.likeliest_logprobs[row] = static_cast<float>(-std::log(total));
}

}  // namespace midspan::MIDSPAN_ISA
