// The operations as one instruction set has them. Each isa_*.cpp compiles all of them and fills one of these.
#pragma once

#include "plan.h"
#include "quantize_job.h"

namespace midspan {

constexpr int VERSION = 9;  // of the exported functions and of plan.h; library.py asks for the same

struct Kernels {
    const char* isa;
    void* (*make_state)(const Shape& shape, int32_t threads);
    void (*free_state)(void* state);
    bool (*prepare)(void* state, const Batch& batch);
    int64_t (*chunks_of_op)(const void* state, const Op& op);
    void (*keep_rows)(void* state, const int64_t* rows, int64_t count);
    void (*run_chunk)(void* state, const Op& op, int64_t chunk, int32_t thread);
    void (*quantize_block)(const QuantizeJob& job, int64_t block, float* work);
};

}  // namespace midspan
