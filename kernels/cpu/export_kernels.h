// The body of every isa_*.cpp, which says for which instruction set the operations are compiled.
//
// A function that two of these files share must be static or in namespace midspan::MIDSPAN_ISA: of an inline function
// the linker keeps one copy for all, perhaps that of an instruction set that this machine does not have.
#pragma once

#include <new>

#include "kernels.h"
#include "prepare.h"
#include "quantize.h"

#define MIDSPAN_WORD(name) #name
#define MIDSPAN_NAME(macro) MIDSPAN_WORD(macro)

namespace midspan::MIDSPAN_ISA {

const Kernels& kernels() {
    static constexpr Kernels here = {
        MIDSPAN_NAME(MIDSPAN_ISA),
        [](const Shape& shape, int32_t threads) -> void* { return new (std::nothrow) State(shape, threads); },
        [](void* state) { delete static_cast<State*>(state); },
        [](void* state, const Batch& batch) { return prepare(*static_cast<State*>(state), batch); },
        [](const void* state, const Op& op) { return chunks_of_op(*static_cast<const State*>(state), op); },
        [](void* state, const int64_t* rows, int64_t count) { keep_rows(*static_cast<State*>(state), rows, count); },
        [](void* state, const Op& op, int64_t chunk, int32_t thread) {
            run_chunk(*static_cast<State*>(state), op, chunk, thread);
        },
        [](const QuantizeJob& job, int64_t block, float* work) { quantize_block(job, block, work); },
    };
    return here;
}

}  // namespace midspan::MIDSPAN_ISA
