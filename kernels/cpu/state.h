// The memory that the operations of a step share: it grows with the rows of the largest step. Steps that have stopped share it
// too, so it holds nothing from one sublayer to the next; `residual`, `cos` and `sin` are the step's own.
#pragma once

#include <atomic>
#include <cstdlib>

#include "attention_kv.h"
#include "attention_mla.h"
#include "input.h"
#include "likeliest.h"
#include "router.h"

namespace midspan::MIDSPAN_ISA {

// Memory that its owner frees; `reserve` loses what it held.
template <typename Value>
struct Buffer {
    Value* data = nullptr;
    int64_t size = 0;

    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data); }

    // False: there is no memory.
    bool reserve(int64_t wanted) {
        if (wanted <= size) return true;
        std::free(data);
        // A vector may be read past the last value.
        size_t bytes = static_cast<size_t>(round_up(wanted * static_cast<int64_t>(sizeof(Value)), 64)) + 64;
        data = static_cast<Value*>(std::aligned_alloc(64, bytes));
        size = data ? wanted : 0;
        return data;
    }
};

struct InputMemory {
    Buffer<float> wide, scale, scaled_sum;
    Buffer<bf16> narrow;
    Buffer<int8_t> codes;
    Buffer<int32_t> start;

    bool reserve(int64_t rows, int64_t width, Input* input) {
        width = round_up(width, TILE_COLUMNS);
        int64_t groups = rows * width / GROUP;
        if (!wide.reserve(rows * width) || !codes.reserve(rows * width) ||
            !narrow.reserve(MULTIPLIES_BF16 ? rows * width : 0) || !scale.reserve(groups) ||
            !scaled_sum.reserve(groups) || !start.reserve(groups)) {
            return false;
        }
        *input = Input{wide.data, narrow.data, codes.data, scale.data, scaled_sum.data, start.data, width};
        return true;
    }
};

// A pair is a row with one of its experts. Pairs are sorted by expert, so that an expert's rows lie behind one another.
struct Experts {
    int32_t* ids;         // [rows, top_k]
    float* weights;       // [rows, top_k]
    float* scores;        // [rows, experts] of few rows
    int32_t* rows;        // [pairs]: the row of each sorted pair
    float* pair_weights;  // [pairs]
    int32_t* used;        // the experts that have pairs
    int32_t* starts;      // [used + 1]: where the pairs of each begin
    int32_t used_count;
};

struct State {
    explicit State(const Shape& shape, int32_t threads) : shape(shape), threads(threads) {
        kv_shape = KvShape{shape.heads,         shape.kv_heads,   shape.key_width,
                           shape.value_width,   shape.softmax_scale, static_cast<PageType>(shape.page_type),
                           shape.page_tokens,   shape.page_width, shape.kv_heads * shape.key_width};
        mla_shape = MlaShape{shape.heads, shape.latent, shape.rope, shape.softmax_scale,
                             static_cast<PageType>(shape.page_type), shape.page_tokens};
        row_bytes = page_row_bytes(static_cast<PageType>(shape.page_type), shape.page_width);
        router_shape = RouterShape{shape.hidden, shape.experts, shape.top_k, shape.groups, shape.top_groups,
                                   shape.is_group_limited, shape.is_normalized, shape.routed_scaling};
    }

    const Shape shape;
    const int32_t threads;
    const Batch* batch = nullptr;
    KvShape kv_shape;
    MlaShape mla_shape;
    RouterShape router_shape;
    int64_t row_bytes;  // of a token in the pages of a layer
    Input input, hidden, gathered, expert_hidden;  // the last two: of pairs
    Experts experts;
    float *residual = nullptr, *values = nullptr, *queries = nullptr, *cos = nullptr, *sin = nullptr, *partials = nullptr;
    LogitPart *guesses = nullptr, *parts = nullptr;  // [logit_count, parts]
    int64_t work_bytes = 0;
    bool is_screened = false;  // the logits are made of half of the head first
    std::atomic<int64_t> screened_rows{0}, whole_units{0};  // of all steps that were screened: what they have read whole

    Buffer<float> values_memory, queries_memory, partials_memory, weights_memory;
    Buffer<int32_t> experts_memory;
    Buffer<uint8_t> work_memory;
    Buffer<LogitPart> parts_memory;
    InputMemory input_memory, hidden_memory, gathered_memory, expert_hidden_memory;

    uint8_t* pages(int32_t layer) const { return batch->pages + layer * batch->layer_bytes; }

    uint8_t* page_row(int32_t layer, int64_t row) const {
        return pages(layer) + batch->slots[row] * row_bytes;
    }

    void* work(int32_t thread) const { return work_memory.data + thread * work_bytes; }
};

}  // namespace midspan::MIDSPAN_ISA
