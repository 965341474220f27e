// What attention over paged keys and values is asked.
#pragma once

#include "plan.h"
#include "simd.h"

namespace midspan::MIDSPAN_ISA {

// New tokens of a sequence that are few: a token and the longest draft behind it. They are computed as one after another
// would be, bit for bit.
constexpr int FEW_ROWS = 17;

// A token's row holds row_width values: its keys [kv_heads][key_width] first, and its values [kv_heads][value_width]
// from value_start on.
struct KvShape {
    int heads, kv_heads, key_width, value_width;
    float scale;
    PageType type;
    int page_tokens, row_width, value_start;
};

// The queries are the last `rows` of `length` tokens, whose rows stand in the pages already. A query row holds all
// heads; q_stride floats lie between two rows. Slots past the length and table entries past its last page are not read.
struct KvQuery {
    const float* q;
    int64_t q_stride;
    int rows, length;
    const int32_t* table;
    const void* pages;
};

}  // namespace midspan::MIDSPAN_ISA
