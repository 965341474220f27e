// The rows that the last layer of a step goes on with once all have written what later steps attend to: of each segment
// those from the first on whose logits are asked for.
#pragma once

#include <algorithm>
#include <vector>

#include "plan.h"

namespace midspan {

struct KeptRows {
    explicit KeptRows(const Batch& whole) : batch(whole) {
        logit_rows.resize(whole.logit_count);
        for (int32_t i = 0; i < whole.segment_count; ++i) keep_of_segment(whole, whole.segments[i]);
        batch.logit_rows = logit_rows.data();
        batch.segments = segments.data();
        batch.segment_count = static_cast<int32_t>(segments.size());
        batch.rows = static_cast<int32_t>(rows.size());
    }

    Batch batch;                // of the kept rows alone; its tokens, positions and slots are those of the whole step
    std::vector<int64_t> rows;  // where each of them lies in the whole step, ascending

private:
    void keep_of_segment(const Batch& whole, Segment segment) {
        const int64_t end = segment.start + segment.count;
        auto is_here = [&](int64_t row) { return row >= segment.start && row < end; };
        int64_t first = end;
        for (int32_t k = 0; k < whole.logit_count; ++k) {
            if (is_here(whole.logit_rows[k])) first = std::min(first, whole.logit_rows[k]);
        }
        if (first == end) return;
        const int64_t kept = static_cast<int64_t>(rows.size());
        for (int32_t k = 0; k < whole.logit_count; ++k) {
            if (is_here(whole.logit_rows[k])) logit_rows[k] = kept + whole.logit_rows[k] - first;
        }
        for (int64_t row = first; row < end; ++row) rows.push_back(row);
        segment.start = static_cast<int32_t>(kept);
        segment.count = static_cast<int32_t>(end - first);
        segments.push_back(segment);
    }

    std::vector<int64_t> logit_rows;
    std::vector<Segment> segments;
};

}  // namespace midspan
