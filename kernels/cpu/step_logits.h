// The logits of a step, and of each row the likeliest token with the log of its probability.
//
// Where nothing else is asked for, a head in int8 is read by half. The upper four bits of its codes give every logit, with an
// error that is as good as random and of a known deviation. The rows of the head that may yet be the likeliest, or that weigh
// in the sum of all, are then multiplied whole. Of a model that is seldom sure these are most, so that half is not worth it.
#pragma once

#include "likeliest.h"
#include "step_products.h"

namespace midspan::MIDSPAN_ISA {

constexpr float LOST_BITS = 4.61f;  // the deviation of the lower four bits: of sixteen numbers that are equally likely
constexpr float MOST_DEVIATIONS = 8;
constexpr int64_t TRIED_ROWS = 32;  // of logits, by which a model is judged
constexpr float LIGHT = 2;  // what is so far below the largest logit may keep its error: the log of the sum changes by 0.03 at most

inline Matrix head_of(const State& s, const Op& op) {
    Matrix head = op.matrices[0];
    if (!s.is_screened) return head;
    head.codes = s.batch->screen;
    head.form = INT8_UPPER;
    return head;
}

// Adds to the logits of a row, `count` of them from token `start` on, what the step adds to those of the first row.
inline void add_to_first_row(const State& s, int64_t row, int64_t start, int64_t count, float* logits) {
    if (!s.batch->addends || row) return;
    for (int64_t k = 0; k < count && start + k < s.shape.known_tokens; ++k) logits[k] += s.batch->addends[start + k];
}

inline void multiply_head(State& s, const Op& op, int64_t chunk) {
    const Matrix head = head_of(s, op);
    const int64_t rows = s.batch->logit_count;
    each_unit(head, chunk, rows, [&](int64_t unit) {
        const int64_t start = unit * UNIT_ROWS;
        multiply_unit(head, unit, s.input, 0, rows, [&](int64_t row, const float* results, int64_t count) {
            float* logits = s.batch->logits + row * s.shape.vocabulary + start;
            std::memcpy(logits, results, count * sizeof(float));
            add_to_first_row(s, row, start, count, logits);
        });
    });
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

// True unless two units of five had to be read whole as well.
inline bool pays_screen(const State& s) {
    const int64_t rows = s.screened_rows.load(std::memory_order_relaxed);
    const int64_t units = rows * (s.shape.vocabulary + UNIT_ROWS - 1) / UNIT_ROWS;
    return rows < TRIED_ROWS || 5 * s.whole_units.load(std::memory_order_relaxed) < 2 * units;
}

// A part of a row of logits: the tokens [from, to).
struct PartOfRow {
    int64_t row, from, to;
    const float* logits;  // of the row
    const LogitPart* guesses;  // of all parts of the row
};

inline int64_t logit_parts(const State& s) { return s.batch->logit_count * parts_of(s.shape.known_tokens); }

inline PartOfRow part_of_row(const State& s, int64_t chunk) {
    const int64_t known = s.shape.known_tokens, parts = parts_of(known), tokens = part_tokens(known);
    const int64_t row = chunk / parts, from = chunk % parts * tokens, to = from + tokens;
    return {row, from, to < known ? to : known, s.batch->logits + row * s.shape.vocabulary, s.guesses + row * parts};
}

// Makes the logits of the unit of the head exact that begins with token `start`, and returns the largest of them.
inline float multiply_whole(const State& s, const Matrix& head, int64_t start, int64_t row) {
    alignas(64) float exact[1][UNIT_ROWS];
    const int64_t left = s.shape.known_tokens - start;
    const int count = static_cast<int>(left < UNIT_ROWS ? left : UNIT_ROWS);
    multiply_unit_rows(head, start / UNIT_ROWS, s.input, row, Pass{0, 1, 1}, exact);
    add_to_first_row(s, row, start, count, exact[0]);
    std::memcpy(s.batch->logits + row * s.shape.vocabulary + start, exact[0], count * sizeof(float));
    return largest_of(exact[0], count);
}

inline int64_t start_of_unit(int64_t token) { return token / UNIT_ROWS * UNIT_ROWS; }

// Makes the logits exact around the largest one of a part.
inline void guess_part(State& s, const Op& op, int64_t chunk) {
    const PartOfRow part = part_of_row(s, chunk);
    LogitPart guess = find_in_part(part.logits, part.from, part.to);
    guess.largest = multiply_whole(s, op.matrices[0], start_of_unit(guess.token), part.row);
    s.guesses[chunk] = guess;
}

// Makes the other logits of a part exact that may be the largest of the row, or weigh in the sum.
inline void multiply_likely(State& s, const Matrix& head, const PartOfRow& part, int64_t guessed) {
    const float square = sum_of_squares(s.input.wide + part.row * s.input.width, head.columns);
    const float error = MOST_DEVIATIONS * LOST_BITS * std::sqrt(square);
    float most = likeliest_part(part.guesses, parts_of(s.shape.known_tokens)).largest;
    int64_t units = 1;  // the guessed one
    auto may_weigh = [&](int64_t at, int count) {
        return largest_with_error(part.logits + at, head.scale + at, count, error) >= most - LIGHT;
    };
    for (int64_t at = part.from; at < part.to; at += LOGITS_TOGETHER) {
        const int count = together(part.to, at);
        if (!may_weigh(at, count)) continue;
        for (int k = 0; k < count; k += UNIT_ROWS) {
            const int rows = count - k < UNIT_ROWS ? count - k : UNIT_ROWS;
            if (at + k == start_of_unit(guessed) || !may_weigh(at + k, rows)) continue;
            most = std::fmax(most, multiply_whole(s, head, at + k, part.row));
            ++units;
        }
    }
    s.whole_units.fetch_add(units, std::memory_order_relaxed);
}

inline void weigh_logits(State& s, const Op& op, int64_t chunk) {
    const PartOfRow part = part_of_row(s, chunk);
    if (s.is_screened) multiply_likely(s, op.matrices[0], part, s.guesses[chunk].token);
    s.parts[chunk] = weigh_part(part.logits, part.from, part.to);
}

inline void choose_token(State& s, int64_t row) {
    const int64_t parts = parts_of(s.shape.known_tokens);
    if (s.is_screened) s.screened_rows.fetch_add(1, std::memory_order_relaxed);
    choose_likeliest(s.parts + row * parts, parts, s.batch->likeliest + row, s.batch->likeliest_logprobs + row);
}

}  // namespace midspan::MIDSPAN_ISA
