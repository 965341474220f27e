// The flat plan of a model: its operations in their order, with the weights that they read. All memory is the caller's.
#pragma once

#include <cstdint>

namespace midspan {

// INT8_UPPER: the upper four bits of codes of INT8, which only a step's logits are made of.
enum Form : int32_t { WIDE_F32 = 0, WIDE_BF16 = 1, INT8 = 2, INT4 = 3, INT5 = 4, INT8_UPPER = 5 };
enum PageType : int32_t { PAGES_F32 = 0, PAGES_BF16 = 1, PAGES_INT8 = 2 };  // page_row.h says how a row lies

// Weights [rows, columns] of a product. Wide ones lie row by row; inference/weights/native_layout.py says how codes lie.
struct Matrix {
    const void* codes;
    const float* scale;   // of each row; null for wide ones
    const float* offset;  // of each row of INT4 and INT5
    const float* bias;    // of each row, or null
    int32_t form;
    int32_t rows;
    int32_t columns;
    int32_t target;  // the first column of its result among the results of an operation
};

struct Mlp {
    Matrix gate, up, down;
};

enum Kind : int32_t {
    EMBED,          // residual = rows of the embedding; the rotations of the rows' positions
    NORM,           // input = rmsnorm(residual)
    PRODUCT,        // values = input @ W.T
    ADD_PRODUCT,    // residual += input @ W.T
    GATED_PRODUCT,  // hidden = silu(input @ gate.T) * (input @ up.T)
    ADD_HIDDEN,     // residual += hidden @ down.T
    ROTATE_KV,      // rotate the queries in values; write keys and values into the pages
    ATTEND_KV,      // partials = attention of the queries
    MIX_KV,         // input = the merged partials
    NORM_QUERY,     // input = rmsnorm(values): the latent of the queries
    ROTATE_LATENT,  // rotate the queries in values; write the latent and the key that heads share into the pages
    ABSORB_QUERY,   // queries = the queries of values in the space of the latent
    ATTEND_LATENT,  // partials = attention of the queries over latents
    MIX_LATENT,     // input = the merged partials, through each head's value projection
    ATTEND_EXPANDED,  // input = attention of the segments of many rows over expanded keys and values
    QUANTIZE,       // the codes of input
    ROUTE,          // the experts of each row and their weights
    GROUP_ROWS,     // sort the pairs of row and expert by expert
    GATHER,         // input of each pair
    GATED_EXPERTS,  // hidden of each pair
    ADD_EXPERTS,    // residual += the weighted sum of the experts
    PICK,           // input = rmsnorm(residual) of the rows whose logits are asked for
    LOGITS,         // logits = input @ head.T
    GUESS,          // the likeliest logits of each part of a row, where they are made of half of the head
    WEIGH,          // the likeliest token of each part of a row of logits, and the sum of all
    LIKELIEST,      // the likeliest token of each row of logits
    KEEP_ROWS,      // what follows is only of the rows that kept_rows.h keeps
    END_SUBLAYER,   // here the step may stop; of what it has computed, only pages and `activations` are read later
};

struct Op {
    int32_t kind;
    int32_t layer;
    int32_t count;         // of matrices
    int32_t is_quantized;  // the product that reads what this writes takes codes
    float eps;             // of a norm
    int32_t width;         // of a norm
    const Matrix* matrices;  // for latent attention the up-projections of all heads: [heads * (nope + value), latent],
                             // each head's keys and then its values; codes of INT8 are signed and lie row by row
    const float* vector;   // the weights of a norm; of ROUTE [experts, hidden]
    const Mlp* mlps;       // of experts, or one
};

struct Shape {
    int32_t hidden, vocabulary, layers;
    int32_t known_tokens;            // those of the vocabulary that the tokenizer has: the likeliest is one of them
    int32_t heads, kv_heads;
    int32_t key_width, value_width;  // of a head; key_width is nope + rope for latent attention
    int32_t latent, rope;            // latent: 0 without latent attention; rope: the rotated values of a head
    int32_t query_at, latent_at;     // the columns of values where latent attention finds them
    int32_t experts, top_k, groups, top_groups;
    int32_t is_group_limited, is_normalized;
    int32_t page_tokens, page_width, page_type;  // page_width: the values of a row
    int32_t wide_form;       // of the weights that are never quantized
    int32_t largest_input;   // columns of the widest input of a product
    int32_t values_width;    // columns of what PRODUCT writes
    int32_t hidden_width;    // columns of the widest MLP that is no expert
    int32_t expert_width;    // columns of an expert
    int32_t rotates_halves;  // pairs are (i, i + rope / 2) instead of neighbours
    int32_t expand_from_rows;  // of a segment: it is attended expanded from this number of rows on
    float softmax_scale, routed_scaling, rotation_factor;
    const float* inverse_frequencies;  // [rope / 2]
};

// The new tokens of one sequence: rows [start, start + count) of the batch.
struct Segment {
    int32_t start, count;
    int32_t length;        // tokens after this step, the new ones included
    const int32_t* table;  // the pages
};

struct Batch {
    const int64_t* tokens;     // [rows]
    const int64_t* positions;  // [rows]
    const int64_t* slots;      // [rows]
    const int64_t* logit_rows;
    const Segment* segments;
    int32_t rows, segment_count, logit_count;
    uint8_t* pages;        // [layers, P, S, W]
    int64_t layer_bytes;   // from one layer's pages to the next
    float* logits;         // [logit_count, vocabulary]
    int32_t* likeliest;    // [logit_count]: the first of the largest logits
    float* likeliest_logprobs;  // [logit_count]
    // The upper four bits of the codes of a head in int8, as inference/native/head_screen.py lays them; or null. With them, the
    // step finds the same likeliest tokens, and the other logits are not exact.
    const uint8_t* screen;
    // What is added to the first row of logits, for each known token: -inf where it may not be chosen. Or null.
    const float* addends;
    // All that a step keeps from one sublayer to the next: the residual [rows, hidden], then the cosines and the sines of the rows'
    // rotations, [rows, rope] each, and room for a vector past the last value.
    float* activations;
};

}  // namespace midspan
