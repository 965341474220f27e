// C functions of latent attention and the router, one by one, for tests: midspan_ISA_attend_mla and so on.
#pragma once

#include "attention_mla.h"
#include "exports.h"
#include "mla_project.h"
#include "router.h"

#define MIDSPAN_PASTE(isa, name) midspan_##isa##_##name
#define MIDSPAN_OF(isa, name) MIDSPAN_PASTE(isa, name)

namespace midspan::MIDSPAN_ISA {

MIDSPAN_EXPORT int64_t MIDSPAN_OF(MIDSPAN_ISA, attend_mla_work_bytes)(const MlaShape* shape, int heads, int rows) {
    return attend_mla_work_bytes(*shape, heads, rows);
}

MIDSPAN_EXPORT void MIDSPAN_OF(MIDSPAN_ISA, attend_mla)(const MlaShape* shape, const KvQuery* query, int first_head,
                                                        int heads, int first_row, int rows, int from, int to,
                                                        float* partial, void* work) {
    attend_mla(*shape, *query, first_head, heads, first_row, rows, from, to, partial, work);
}

MIDSPAN_EXPORT void MIDSPAN_OF(MIDSPAN_ISA, absorb_head)(const HeadWeights* key_up, const float* q, int64_t q_stride,
                                                         int rows, float* out, int64_t out_stride) {
    absorb_head(*key_up, q, q_stride, rows, out, out_stride);
}

MIDSPAN_EXPORT void MIDSPAN_OF(MIDSPAN_ISA, project_head)(const HeadWeights* value_up, const float* mixed,
                                                          int64_t mixed_stride, int rows, float* out,
                                                          int64_t out_stride) {
    project_head(*value_up, mixed, mixed_stride, rows, out, out_stride);
}

MIDSPAN_EXPORT void MIDSPAN_OF(MIDSPAN_ISA, write_latent)(int latent, int rope, float* values, const float* norm,
                                                          float eps, const float* cos, const float* sin, PageType type,
                                                          uint8_t* row) {
    write_latent(latent, rope, values, norm, eps, cos, sin, type, row);
}

MIDSPAN_EXPORT void MIDSPAN_OF(MIDSPAN_ISA, route_row)(const RouterShape* shape, const float* x, const float* weight,
                                                       int32_t* ids, float* weights) {
    route_row(*shape, x, weight, ids, weights);
}

}  // namespace midspan::MIDSPAN_ISA
