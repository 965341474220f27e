// Quantizes rows of a matrix in groups; several threads may call this for different rows at the same time.
#include "exports.h"
#include "kernels.h"

// `work` holds 32 floats for each column.
MIDSPAN_EXPORT void midspan_quantize_rows(const midspan::QuantizeJob* job, float* work) {
    const midspan::Kernels& kernels = midspan::selected_kernels();
    for (int64_t block = 0; block < midspan::blocks_of(*job); ++block) kernels.quantize_block(*job, block, work);
}
