// A model's plan with its threads: makes it, runs a step, frees it.
#include "plan.h"

#include <new>
#include <vector>

#include "exports.h"
#include "kernels.h"
#include "threads.h"

namespace midspan {

struct Plan {
    Plan(const Kernels& kernels, const Shape& shape, const Op* ops, int32_t count, int32_t threads)
        : kernels(kernels), ops(ops, ops + count), chunks(count), threads(threads, count),
          state(kernels.make_state(shape, threads)) {}
    ~Plan() { kernels.free_state(state); }

    const Kernels& kernels;
    const std::vector<Op> ops;
    std::vector<int32_t> chunks;
    Threads threads;
    void* state;
};

}  // namespace midspan

using midspan::Plan;

MIDSPAN_EXPORT Plan* midspan_make_plan(const midspan::Shape* shape, const midspan::Op* ops, int32_t count, int32_t threads) {
    return new (std::nothrow) Plan(midspan::selected_kernels(), *shape, ops, count, threads);
}

MIDSPAN_EXPORT void midspan_free_plan(Plan* plan) { delete plan; }

// Returns 0, or 1 when there is no memory for the step.
MIDSPAN_EXPORT int32_t midspan_step(Plan* plan, const midspan::Batch* batch) {
    if (!plan->state || !plan->kernels.prepare(plan->state, *batch)) return 1;
    int32_t count = static_cast<int32_t>(plan->ops.size());
    for (int32_t i = 0; i < count; ++i) {
        plan->chunks[i] = static_cast<int32_t>(plan->kernels.chunks_of_op(plan->state, plan->ops[i]));
    }
    plan->threads.run(
        count, plan->chunks.data(),
        [](void* context, int32_t op, int32_t chunk, int32_t thread) {
            Plan& running = *static_cast<Plan*>(context);
            running.kernels.run_chunk(running.state, running.ops[op], chunk, thread);
        },
        plan);
    return 0;
}
