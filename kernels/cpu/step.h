// Runs the operations of a plan: the number of chunks of each, and the work of one chunk.
#pragma once

#include "step_expanded.h"
#include "step_experts.h"
#include "step_kv.h"
#include "step_latent.h"
#include "step_logits.h"

namespace midspan::MIDSPAN_ISA {

inline int64_t chunks_of_op(const State& s, const Op& op) {
    const Batch& batch = *s.batch;
    int64_t chunks = 0;
    switch (op.kind) {
        case EMBED:
        case NORM:
        case ROTATE_KV:
        case MIX_KV:
        case NORM_QUERY:
        case ROTATE_LATENT:
        case QUANTIZE: return batch.rows;
        case ROUTE: return route_chunks(s);
        case ABSORB_QUERY:
        case MIX_LATENT: return s.shape.heads;
        case ATTEND_LATENT: return attention_chunks(s, 1);
        case ATTEND_EXPANDED: return expanded_chunks(s);
        case GROUP_ROWS:
        case END_SUBLAYER: return 1;
        case GATHER: return static_cast<int64_t>(batch.rows) * s.shape.top_k;
        case GATED_EXPERTS: return most_used_experts(s.shape, batch.rows) * chunks_of(op.mlps[0].gate, batch.rows);
        case ADD_EXPERTS: return units_of(op.mlps[0].down);
        case PICK:
        case LIKELIEST: return batch.logit_count;
        case GUESS: return s.is_screened ? logit_parts(s) : 0;
        case WEIGH: return logit_parts(s);
        case PRODUCT:
        case ADD_PRODUCT:
        case ADD_HIDDEN:
            for (int i = 0; i < op.count; ++i) chunks += chunks_of(op.matrices[i], batch.rows);
            return chunks;
        case LOGITS: return batch.logit_count ? chunks_of(head_of(s, op), batch.logit_count) : 0;
        case GATED_PRODUCT: return chunks_of(op.mlps[0].gate, batch.rows);
        case ATTEND_KV: return attention_chunks(s, kv_groups(s));
        default: return 0;
    }
}

inline void run_chunk(State& s, const Op& op, int64_t chunk, int32_t thread) {
    switch (op.kind) {
        case EMBED: return embed(s, op, chunk);
        case NORM: return norm(s, op, chunk, chunk);
        case PICK: return norm(s, op, s.batch->logit_rows[chunk], chunk);
        case PRODUCT: return product(s, op, chunk, s.batch->rows, s.values, s.shape.values_width);
        case LOGITS: return multiply_head(s, op, chunk);
        case GUESS: return guess_part(s, op, chunk);
        case WEIGH: return weigh_logits(s, op, chunk);
        case LIKELIEST: return choose_token(s, chunk);
        case ADD_PRODUCT: return add_product(s, op, chunk, s.input);
        case ADD_HIDDEN: return add_product(s, op, chunk, s.hidden);
        case GATED_PRODUCT: return gated_product(s, op, chunk);
        case ROTATE_KV: return rotate_kv(s, op, chunk);
        case ATTEND_KV: return attend_kv_chunk(s, op, chunk, thread);
        case MIX_KV: return mix_kv(s, op, chunk);
        case NORM_QUERY: return norm_query(s, op, chunk);
        case ROTATE_LATENT: return rotate_latent(s, op, chunk);
        case ABSORB_QUERY: return absorb_query(s, op, chunk);
        case ATTEND_LATENT: return attend_latent(s, op, chunk, thread);
        case MIX_LATENT: return mix_latent(s, op, chunk, thread);
        case ATTEND_EXPANDED: return attend_expanded_chunk(s, op, chunk, thread);
        case QUANTIZE: return quantize_input(s, op, chunk);
        case ROUTE: return route(s, op, chunk);
        case GROUP_ROWS: return group_rows(s);
        case GATHER: return gather(s, op, chunk);
        case GATED_EXPERTS: return gated_experts(s, op, chunk);
        case ADD_EXPERTS: return add_experts(s, op, chunk);
        default: return;
    }
}

}  // namespace midspan::MIDSPAN_ISA
