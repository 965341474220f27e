// The logits of a step, and of each row the likeliest token with the log of its probability.
//
// Where nothing else is asked for, a head in int8 is read by half. The upper four bits of its codes give every logit, with an
// error that is as good as random and of a known deviation. The rows of the head that may yet be the likeliest, or that weigh
// in the sum of all, are then multiplied whole.
#pragma once

#include "likeliest.h"
#include "step_products.h"

namespace midspan::MIDSPAN_ISA {

constexpr float LOST_BITS = 4.61f;  // the deviation of the lower four bits: of sixteen numbers that are equally likely
constexpr float MOST_DEVIATIONS = 8;
constexpr float LIGHT = 2;  // what is so far below the largest logit may keep its error: the log of the sum changes by 0.03 at most

inline Matrix head_of(const State& s, const Op& op) {
    Matrix head = op.matrices[0];
    if (!s.batch->screen) return head;
    head.codes = s.batch->screen;
    head.form = INT8_UPPER;
    return head;
}

inline void multiply_head(State& s, const Op& op, int64_t chunk) {
    Matrix head = head_of(s, op);
    Op screened = op;
    screened.matrices = &head;
    product(s, screened, chunk, s.batch->logit_count, s.batch->logits, s.shape.vocabulary);
}

// The largest that a logit may be whose error is at most `error` times the scale of its row of the head.
inline float largest_with_error(const float* logits, const float* scale, int count, float error) {
    F32 most = broadcast(-INFINITY), reach = broadcast(error);
    int k = 0;
    for (; k + LANES <= count; k += LANES) most = max(most, fma(load(scale + k), reach, load(logits + k)));
    float found = largest(most);
    for (; k < count; ++k) found = std::fmax(found, logits[k] + error * scale[k]);
    return found;
}

// Adds to the logits of a row, `count` of them from token `start` on, what the step adds to those of the first row.
inline void add_to_first_row(const State& s, int64_t row, int64_t start, int64_t count, float* logits) {
    if (!s.batch->addends || row) return;
    for (int64_t k = 0; k < count; ++k) logits[k] += s.batch->addends[start + k];
}

// Makes the logits of a unit of the head exact, and returns the largest of them.
inline float multiply_whole(State& s, const Matrix& head, int64_t unit, int64_t row) {
    alignas(64) float exact[1][UNIT_ROWS];
    int64_t start = unit * UNIT_ROWS, left = s.shape.known_tokens - start;
    int count = static_cast<int>(left < UNIT_ROWS ? left : UNIT_ROWS);
    multiply_unit_rows(head, unit, s.input, row, Pass{0, 1, 1}, exact);
    add_to_first_row(s, row, start, count, exact[0]);
    std::memcpy(s.batch->logits + row * s.shape.vocabulary + start, exact[0], count * sizeof(float));
    return largest_of(exact[0], count);
}

inline void multiply_likely(State& s, const Matrix& head, int64_t row) {
    const float* logits = s.batch->logits + row * s.shape.vocabulary;
    const float* input = s.input.wide + row * s.input.width;
    int64_t known = s.shape.known_tokens;
    float square = 0;
    for (int64_t k = 0; k < head.columns; ++k) square += input[k] * input[k];
    float error = MOST_DEVIATIONS * LOST_BITS * std::sqrt(square);
    int64_t first = first_largest(logits, known) / UNIT_ROWS;
    float most = multiply_whole(s, head, first, row);
    for (int64_t at = 0; at < known; at += LOGITS_TOGETHER) {
        int count = together(known, at);
        if (largest_with_error(logits + at, head.scale + at, count, error) < most - LIGHT) continue;
        for (int k = 0; k < count; k += UNIT_ROWS) {
            int64_t unit = (at + k) / UNIT_ROWS;
            int rows = count - k < UNIT_ROWS ? count - k : UNIT_ROWS;
            if (unit == first || largest_with_error(logits + at + k, head.scale + at + k, rows, error) < most - LIGHT) continue;
            most = std::fmax(most, multiply_whole(s, head, unit, row));
        }
    }
}

inline void choose_likeliest(State& s, const Op& op, int64_t row) {
    add_to_first_row(s, row, 0, s.shape.known_tokens, s.batch->logits + row * s.shape.vocabulary);
    if (s.batch->screen) multiply_likely(s, op.matrices[0], row);
    find_likeliest(s.shape, *s.batch, row);
}

}  // namespace midspan::MIDSPAN_ISA
