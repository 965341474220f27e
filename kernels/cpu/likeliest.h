// The likeliest token of a row of logits, and the log of its probability.
#pragma once

#include <cmath>
#include <cstdint>

#include "simd.h"

namespace midspan::MIDSPAN_ISA {

constexpr int64_t LOGITS_TOGETHER = 1024;
// A row of logits is looked at in parts, which are the same for any number of threads.
constexpr int64_t MOST_PARTS = 8;

// The likeliest token of a part, and the sum of e^(logit - largest).
struct LogitPart {
    float largest;
    int32_t token;
    double powers;
};

// The tokens of a part, but for the last one, which may have fewer.
inline int64_t part_tokens(int64_t known) {
    int64_t blocks = (known + LOGITS_TOGETHER - 1) / LOGITS_TOGETHER;
    return (blocks + MOST_PARTS - 1) / MOST_PARTS * LOGITS_TOGETHER;
}

inline int64_t parts_of(int64_t known) { return (known + part_tokens(known) - 1) / part_tokens(known); }

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

// Finds the likeliest of the tokens [from, to); the sum is left out.
inline LogitPart find_in_part(const float* logits, int64_t from, int64_t to) {
    int64_t token = from + first_largest(logits + from, to - from);
    return {logits[token], static_cast<int32_t>(token), 0};
}

inline LogitPart weigh_part(const float* logits, int64_t from, int64_t to) {
    LogitPart part = find_in_part(logits, from, to);
    if (part.largest == -INFINITY) return part;  // none of them may be chosen
    for (int64_t at = from; at < to; at += LOGITS_TOGETHER) {
        part.powers += sum_of_powers(logits + at, together(to, at), part.largest);
    }
    return part;
}

// The part with the first of the largest logits.
inline const LogitPart& likeliest_part(const LogitPart* parts, int64_t count) {
    const LogitPart* most = parts;
    for (int64_t i = 1; i < count; ++i) most = parts[i].largest > most->largest ? parts + i : most;
    return *most;
}

// Chooses the token of a row of logits that was weighed in parts.
inline void choose_likeliest(const LogitPart* parts, int64_t count, int32_t* token, float* logprob) {
    const LogitPart& most = likeliest_part(parts, count);
    double total = 0;
    for (int64_t i = 0; i < count; ++i) total += parts[i].powers * std::exp(double{parts[i].largest} - most.largest);
    *token = most.token;
    *logprob = static_cast<float>(-std::log(total));
}

}  // namespace midspan::MIDSPAN_ISA
