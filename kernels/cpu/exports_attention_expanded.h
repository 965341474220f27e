// A C function of expanded latent attention for tests, midspan_ISA_attend_expanded, and of its work space.
#pragma once

#include "attention_expanded.h"
#include "exports.h"

#define MIDSPAN_PASTE(isa, name) midspan_##isa##_##name
#define MIDSPAN_OF(isa, name) MIDSPAN_PASTE(isa, name)

namespace midspan::MIDSPAN_ISA {

MIDSPAN_EXPORT int64_t MIDSPAN_OF(MIDSPAN_ISA, attend_expanded_work_bytes)(const ExpandedShape* shape, int rows) {
    return attend_expanded_work_bytes(*shape, rows);
}

MIDSPAN_EXPORT void MIDSPAN_OF(MIDSPAN_ISA, attend_expanded)(const ExpandedShape* shape, const KvQuery* query,
                                                             const HeadUp* up, int head, int first_row, int rows,
                                                             float* out, int64_t out_stride, void* work) {
    attend_expanded(*shape, *query, *up, head, first_row, rows, out, out_stride, work);
}

}  // namespace midspan::MIDSPAN_ISA
