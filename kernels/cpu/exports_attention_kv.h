// C functions that run attention by itself, for tests: midspan_ISA_attend_kv and so on.
#pragma once

#include "attention_kv.h"
#include "combine.h"

#define MIDSPAN_JOINED(isa, name) midspan_##isa##_##name
#define MIDSPAN_JOIN(isa, name) MIDSPAN_JOINED(isa, name)
#define MIDSPAN_TESTED(name) __attribute__((visibility("default"))) MIDSPAN_JOIN(MIDSPAN_ISA, name)

extern "C" {

void MIDSPAN_TESTED(attend_kv)(const midspan::MIDSPAN_ISA::KvShape* shape, const midspan::MIDSPAN_ISA::KvQuery* query,
                               int kv_head, int kv_heads, int first_row, int rows, int from, int to, float* partial,
                               void* work) {
    midspan::MIDSPAN_ISA::attend_kv(*shape, *query, kv_head, kv_heads, first_row, rows, from, to, partial, work);
}

int64_t MIDSPAN_TESTED(attend_kv_work_bytes)(const midspan::MIDSPAN_ISA::KvShape* shape, int kv_heads, int rows) {
    return midspan::MIDSPAN_ISA::attend_kv_work_bytes(*shape, kv_heads, rows);
}

void MIDSPAN_TESTED(combine)(const float* partials, int count, int64_t stride, int width, float* out) {
    midspan::MIDSPAN_ISA::combine(partials, count, stride, width, out);
}

}
