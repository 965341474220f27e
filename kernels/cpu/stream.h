// A block of codes that is read as a stream, and the lines that are fetched ahead of it.
#pragma once

#include "product_shape.h"

namespace midspan::MIDSPAN_ISA {

// A block of a quantized matrix, where its results for M input rows go, UNIT_ROWS apart, and how far ahead of it as many bytes
// as it has are fetched meanwhile: 0 where what comes next is in the cache. In int8, `fetched` lines for `read` ones.
struct Stream {
    const Matrix* matrix;
    int64_t block;
    float* out;
    int64_t ahead_bytes = 0;
    int64_t fetched = 1, read = 1;

    const uint8_t* codes() const { return block_codes(*matrix, block); }
};

// Fetches the line that lies ahead of one that M rows read: ONCE where no other pass reads it, which needs no second cache.
// Fetched one by one between products, lines hold up nothing.
template <int M, bool ONCE>
inline void fetch_line(const uint8_t* line, const Stream& stream) {
    if (ONCE) {
        prefetch_once(line + (M > 2 ? PREFETCH_OF_MANY_BYTES : PREFETCH_BYTES));
    } else if (stream.ahead_bytes) {
        prefetch_to_l2(line + stream.ahead_bytes);
    }
}

// The lines that a product in int8 fetches for a later pass: where two blocks are read together, the first one's. To count lines
// would hold up the products of codes in groups, which read half as much and wait for no memory.
class Lines {
public:
    explicit Lines(const Stream& stream)
        : next_(stream.codes() + stream.ahead_bytes), fetched_(stream.ahead_bytes ? stream.fetched : 0), read_(stream.read) {}

    // Called for each line that is read.
    void fetch_due() {
        due_ += fetched_;
        if (due_ < read_) return;
        due_ -= read_;
        prefetch_to_l2(next_);
        next_ += 64;
    }

private:
    const uint8_t* next_;
    int64_t fetched_, read_, due_ = 0;
};

// The first of two blocks that rows [row, row + count) of `rows` meet, and what they fetch of the unit behind it. In int8 that
// is as much for each row: memory gives less than the first rows alone could read.
inline Stream first_of_both(const Matrix& matrix, int64_t block, float* out, int64_t row, int64_t count, int64_t rows) {
    Stream stream{&matrix, block, out};
    int64_t bytes = block_bytes(matrix), unit = UNIT_BLOCKS * bytes;
    if (matrix.form == INT8) {
        stream.ahead_bytes = unit + unit / 64 * row / rows * 64;
        stream.fetched = UNIT_BLOCKS * count, stream.read = rows;
    } else if (row < ROWS_AT_ONCE) {
        stream.ahead_bytes = unit + row / ROWS_OF_BOTH * bytes;
    }
    return stream;
}

}  // namespace midspan::MIDSPAN_ISA
