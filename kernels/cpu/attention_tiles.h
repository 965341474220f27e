// Products and softmax of the tiles that blocked attention is made of (FlashAttention, arXiv:2205.14135, section 3.1).
//
// Keys and values of a block of tokens are packed into words of 32 bits, so that one row of words serves LANES tokens
// (keys) or LANES columns (values). A tile is up to TILE_ROWS queries.
#pragma once

#include "simd.h"

#ifdef MIDSPAN_BF16
#include "bf16_pairs.h"
#endif

namespace midspan::MIDSPAN_ISA::kv {

// FLOATS: a word is a float. PAIRS: a word is two neighbouring bf16 values, and queries and probabilities are rounded
// to bf16, as keys and values have been.
enum Form { FLOATS, PAIRS };

constexpr int TILE_ROWS = LANES == 8 ? 6 : 8;  // two sums for each row; AVX2 has 16 registers
constexpr int STEP = 2 * LANES;                // columns of one product

constexpr int values_per_word(Form form) { return form == FLOATS ? 1 : 2; }
inline int round_up(int n, int step) { return (n + step - 1) / step * step; }

// Two parts of some rows, which will be read soon. Products fetch two cache lines for each row of words, which is just
// enough and nearly as even as memory gives them: the processor drops a prefetch when it tracks too many.
struct Fetch {
    const char* const* row;
    const char* const* end;                        // of the rows
    int64_t first, first_end, second, second_end;  // the bytes of the parts in a row; whole pairs of lines
    int64_t at;                                    // the byte that is next
};

[[gnu::always_inline]] inline void fetch_lines(Fetch& fetch) {
    if (fetch.row == fetch.end) return;
    const char* line = *fetch.row + fetch.at;
    prefetch(line);
    prefetch(line + 64);
    fetch.at += 128;
    if (fetch.at == fetch.first_end) {
        fetch.at = fetch.second;
    } else if (fetch.at == fetch.second_end) {
        fetch.at = fetch.first;
        ++fetch.row;
    }
}

// e^a of what becomes a word.
template <Form FORM>
inline F32 exp_word(F32 a) {
#ifdef MIDSPAN_BF16
    if constexpr (FORM == PAIRS) return exp_rough(a);
#endif
    return exp(a);
}

template <Form FORM>
inline F32 multiply_words(F32 sum, F32 a, F32 b) {
#ifdef MIDSPAN_BF16
    if constexpr (FORM == PAIRS) return dot_pairs(sum, a, b);
#endif
    return fma(a, b, sum);
}

// c[m][n] = c[m][n] * shrink[m] + sum over w of a[m][w] * b[w][n], for n below `columns`, a multiple of STEP. A c
// without shrink is only written.
struct Product {
    const float* a;
    int64_t a_stride;
    const float* b;
    int64_t b_stride;
    int words, columns;
    float* c;
    int64_t c_stride;
    const float* shrink;
    Fetch& fetch;
};

template <int ROWS, Form FORM>
inline void multiply_rows(const Product& p) {
    Fetch fetch = p.fetch;  // a copy, so that it stays in registers
    for (int n = 0; n < p.columns; n += STEP) {
        F32 left[ROWS], right[ROWS];
#pragma GCC unroll 8
        for (int m = 0; m < ROWS; ++m) {
            const float* c = p.c + m * p.c_stride + n;
            left[m] = p.shrink ? mul(load(c), broadcast(p.shrink[m])) : zero();
            right[m] = p.shrink ? mul(load(c + LANES), broadcast(p.shrink[m])) : zero();
        }
        const float* b = p.b + n;
        for (int w = 0; w < p.words; ++w, b += p.b_stride) {
            fetch_lines(fetch);
            F32 b_left = load(b), b_right = load(b + LANES);
#pragma GCC unroll 8
            for (int m = 0; m < ROWS; ++m) {
                F32 a = broadcast(p.a[m * p.a_stride + w]);
                left[m] = multiply_words<FORM>(left[m], a, b_left);
                right[m] = multiply_words<FORM>(right[m], a, b_right);
            }
        }
#pragma GCC unroll 8
        for (int m = 0; m < ROWS; ++m) {
            store(p.c + m * p.c_stride + n, left[m]);
            store(p.c + m * p.c_stride + n + LANES, right[m]);
        }
    }
    p.fetch = fetch;
}

template <Form FORM>
inline void multiply(int rows, const Product& p) {
    switch (rows) {
        case 1: return multiply_rows<1, FORM>(p);
        case 2: return multiply_rows<2, FORM>(p);
        case 3: return multiply_rows<3, FORM>(p);
        case 4: return multiply_rows<4, FORM>(p);
        case 5: return multiply_rows<5, FORM>(p);
        case 6: return multiply_rows<6, FORM>(p);
        case 7: return multiply_rows<TILE_ROWS < 7 ? TILE_ROWS : 7, FORM>(p);
        case 8: return multiply_rows<TILE_ROWS, FORM>(p);
    }
}

// Writes values as the words of a row of a product's `a`, and returns what they are in these words.
template <Form FORM>
inline F32 store_words(float* row, int index, F32 values) {
    if constexpr (FORM == FLOATS) {
        store(row + index, values);
        return values;
    } else {
        bf16* rounded = reinterpret_cast<bf16*>(row) + index;
        store(rounded, values);
        return load(rounded);
    }
}

// The running softmax of one tile: largest and sum of each row over what was seen before.
struct Softmax {
    int rows, columns;    // columns: a multiple of STEP
    const int* visible;   // of each row, the tokens of this block that it sees
    float* scores;        // [rows][stride]
    int64_t stride;
    float* probabilities;  // words, [rows][stride]
    float *largest, *sum;
    float* shrink;  // the factor of what was mixed before; TILE_ROWS rounded up to LANES floats
};

// Turns scores into exp(score - largest), as words.
template <Form FORM>
inline void soften(const Softmax& s) {
    float base[TILE_ROWS];
    for (int m = 0; m < s.rows; ++m) {
        float* row = s.scores + m * s.stride;
        for (int t = s.visible[m]; t < s.columns; ++t) row[t] = -INFINITY;
        F32 top = load(row);
        for (int t = LANES; t < s.columns; t += LANES) top = max(top, load(row + t));
        float now = largest(top);
        now = now > s.largest[m] ? now : s.largest[m];
        base[m] = now == -INFINITY ? 0.f : now;  // a row that has seen nothing gets probabilities of 0
        s.shrink[m] = s.largest[m] - base[m];
        s.largest[m] = now;
    }
    for (int m = 0; m < s.rows; m += LANES) store(s.shrink + m, exp(load(s.shrink + m)));
    for (int m = 0; m < s.rows; ++m) {
        F32 total = zero();
        for (int t = 0; t < s.columns; t += LANES) {
            F32 probability = exp_word<FORM>(sub(load(s.scores + m * s.stride + t), broadcast(base[m])));
            // The sum is that of the rounded ones, which are mixed, so that the weights sum to one.
            total = add(total, store_words<FORM>(s.probabilities + m * s.stride, t, probability));
        }
        s.sum[m] = s.sum[m] * s.shrink[m] + sum(total);
    }
}

}  // namespace midspan::MIDSPAN_ISA::kv
