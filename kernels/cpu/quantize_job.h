// A matrix that is quantized in groups: to int4 or int5.
#pragma once

#include <cstdint>

namespace midspan {

struct QuantizeJob {
    const float* weights;  // [rows][columns], rows weights_stride apart; columns is a multiple of 32
    int64_t weights_stride, rows, columns;
    const float* units;     // [rows][2]: the units of the row's scales and offsets
    const float* costs;     // [columns] of errors
    const float* feedback;  // [columns][columns], used above the diagonal; null: columns do not make up for one another
    float largest;          // code: 15 or 31
    uint8_t* codes;         // [rows][columns]
    uint8_t* scale;         // [rows][columns / 32]
    uint8_t* offset;        // the same
};

// Rows are quantized 16 at a time.
static inline int64_t blocks_of(const QuantizeJob& job) { return (job.rows + 15) / 16; }

}  // namespace midspan
