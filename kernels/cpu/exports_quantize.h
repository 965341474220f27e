// A C function that quantizes rows of a matrix, for tests: midspan_ISA_quantize_rows.
#pragma once

#include "exports.h"
#include "quantize.h"

#define MIDSPAN_QUANTIZE_NAME(isa) midspan_##isa##_quantize_rows
#define MIDSPAN_QUANTIZE_OF(isa) MIDSPAN_QUANTIZE_NAME(isa)

MIDSPAN_EXPORT void MIDSPAN_QUANTIZE_OF(MIDSPAN_ISA)(const midspan::QuantizeJob* job, float* work) {
    for (int64_t block = 0; block < midspan::blocks_of(*job); ++block) {
        midspan::MIDSPAN_ISA::quantize_block(*job, block, work);
    }
}
