// A block of codes that is read as a stream, and the lines that are fetched ahead of it.
#pragma once

#include "product_shape.h"

namespace midspan::MIDSPAN_ISA {

// A block of a quantized matrix, where its results for M input rows go, UNIT_ROWS apart, and how far ahead of it as many bytes
// as it has are fetched meanwhile: 0 where what comes next is in the cache.
struct Stream {
    const Matrix* matrix;
    int64_t block;
    float* out;
    int64_t ahead_bytes;

    const uint8_t* codes() const { return block_codes(*matrix, block); }
};

// Fetches the line that lies ahead of one that is read: ONCE where no other pass reads it, which needs no second cache. Fetched
// one by one between products, lines hold up nothing.
template <bool ONCE>
inline void fetch_line(const uint8_t* line, const Stream& stream) {
    if (ONCE) {
        prefetch_once(line + PREFETCH_BYTES);
    } else if (stream.ahead_bytes) {
        prefetch_to_l2(line + stream.ahead_bytes);
    }
}

}  // namespace midspan::MIDSPAN_ISA
