// A model's plan with its threads: makes it, runs a step, frees it.
#include "plan.h"

#include <new>
#include <vector>

#include "exports.h"
#include "kept_rows.h"
#include "kernels.h"
#include "threads.h"

namespace midspan {

struct Plan {
    Plan(const Kernels& kernels, const Shape& shape, const Op* ops, int32_t count, int32_t threads)
        : kernels(kernels), ops(ops, ops + count), chunks(count), threads(threads, count),
          state(kernels.make_state(shape, threads)) {
        while (kept_from < count && ops[kept_from].kind != KEEP_ROWS) ++kept_from;
    }
    ~Plan() { kernels.free_state(state); }

    const Kernels& kernels;
    const std::vector<Op> ops;
    std::vector<int32_t> chunks;
    Threads threads;
    void* state;
    int32_t kept_from = 0;  // the operation from which on only some rows are needed
    const volatile int32_t* stop = nullptr;  // of the call that runs
    int32_t left = 0;                        // sublayers that it may still run

    // At the end of a sublayer: true when the step is to go on.
    bool goes_on() { return --left > 0 && !*stop; }

    // Runs the operations from `first` to `end`. Returns the one at which it has stopped, or -1 when there is no memory.
    int32_t run(const Batch& batch, int32_t first, int32_t end) {
        if (!state || !kernels.prepare(state, batch)) return -1;
        for (int32_t i = 0; i < end; ++i) {
            bool runs = i >= first && (stop || ops[i].kind != END_SUBLAYER);
            chunks[i] = runs ? static_cast<int32_t>(kernels.chunks_of_op(state, ops[i])) : 0;
        }
        return threads.run(
            end, chunks.data(),
            [](void* context, int32_t op, int32_t chunk, int32_t thread) {
                Plan& running = *static_cast<Plan*>(context);
                if (running.ops[op].kind == END_SUBLAYER) return running.goes_on();
                running.kernels.run_chunk(running.state, running.ops[op], chunk, thread);
                return true;
            },
            this);
    }

    // The same, of the rows that are needed: those of the whole step up to `kept_from`, and some of them from there on.
    int32_t run_needed(const Batch& batch, int32_t first) {
        const int32_t end = static_cast<int32_t>(ops.size());
        if (batch.logit_count == batch.rows) return run(batch, first, end);  // a decoded token, or a draft
        const KeptRows kept(batch);
        if (first < kept_from) {
            int32_t reached = run(batch, first, kept_from);
            if (reached < kept_from) return reached;
            kernels.keep_rows(state, kept.rows.data(), kept.batch.rows);
        }
        return kept.batch.rows ? run(kept.batch, std::max(first, kept_from), end) : end;
    }
};

}  // namespace midspan

using midspan::Plan;

MIDSPAN_EXPORT Plan* midspan_make_plan(const midspan::Shape* shape, const midspan::Op* ops, int32_t count, int32_t threads) {
    try {
        return new Plan(midspan::selected_kernels(), *shape, ops, count, threads);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

MIDSPAN_EXPORT void midspan_free_plan(Plan* plan) { delete plan; }

// Runs a step from its operation `first` on. It stops at the end of a sublayer when `*stop` is no longer 0, which any thread may
// write, or when it has run `most` sublayers; with `stop` null it runs to its end. Returns the operation at which a later
// call goes on, which is the number of operations when the step is complete, or -1 when there is no memory for the step.
MIDSPAN_EXPORT int32_t midspan_step(Plan* plan, const midspan::Batch* batch, int32_t first, int32_t most, const int32_t* stop) {
    plan->stop = stop;
    plan->left = most;
    try {
        return plan->run_needed(*batch, first);
    } catch (const std::bad_alloc&) {
        return -1;
    }
}
