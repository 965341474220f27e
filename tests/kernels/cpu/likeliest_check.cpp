// Compares the choice of the likeliest token with plain loops.
#include <limits>
#include <vector>

#include "check.h"
#include "likeliest.h"

using namespace midspan;
using namespace midspan::MIDSPAN_ISA;

namespace {

constexpr float INF = std::numeric_limits<float>::infinity();

// Weighs a row of logits part by part, the last one first.
void choose(const float* logits, int64_t known, int32_t* token, float* logprob) {
    const int64_t count = parts_of(known), each = part_tokens(known);
    check::equal("there are no more parts", count <= MOST_PARTS, true);
    std::vector<LogitPart> parts(static_cast<size_t>(count), {INF, -7, -7.});
    for (int64_t i = count - 1; i >= 0; --i) {
        parts[i] = weigh_part(logits, i * each, std::min(known, (i + 1) * each));
    }
    choose_likeliest(parts.data(), count, token, logprob);
}

// Rows of logits whose last `padding` belong to no token and are the largest.
void check_rows(int known, int padding, float scale) {
    const int rows = 3, vocabulary = known + padding;
    std::vector<float> logits(static_cast<size_t>(rows * vocabulary));
    for (float& logit : logits) logit = scale * check::number();
    for (int row = 0; row < rows; ++row) {
        float* values = logits.data() + row * vocabulary;
        for (int i = known; i < vocabulary; ++i) values[i] = 2 * scale;
        if (row == 0 && known > 1) values[check::whole(0, known - 1)] = -INF;
        if (row == 2) {  // of a part none may be chosen
            for (int i = 0; i < known / 2; ++i) values[i] = -INF;
        }
        if (row == 1) {  // two of them are the largest
            values[check::whole(0, known - 1)] = 1.5f * scale;
            values[check::whole(0, known - 1)] = 1.5f * scale;
        }
    }
    std::vector<int32_t> tokens(rows + 1, -7);
    std::vector<float> logprobs(rows + 1, -7.f);
    for (int row = 0; row < rows; ++row) {
        const float* values = logits.data() + row * vocabulary;
        choose(values, known, &tokens[row], &logprobs[row]);
        int wanted = 0;
        for (int i = 1; i < known; ++i) wanted = values[i] > values[wanted] ? i : wanted;
        double total = 0;
        for (int i = 0; i < known; ++i) total += std::exp(static_cast<double>(values[i]) - values[wanted]);
        check::equal("the likeliest token", tokens[row], wanted);
        check::near("its log-probability", logprobs[row], -std::log(total), 2e-6 * (1 + std::log(total)));
        check::equal("a token behind the rows", tokens[row + 1], -7);
        check::equal("a log-probability behind the rows", logprobs[row + 1], -7);
    }
}

void check_equal_logits() {
    const int count = 5000;
    std::vector<float> logits(static_cast<size_t>(count), 1.f);
    for (int from : {0, 3, 1023, 1024, 1030, 4999}) {
        for (int i = 0; i < from; ++i) logits[i] = 0.f;
        check::equal("the first of equal logits", first_largest(logits.data(), count), from);
    }
}

}  // namespace

int main() {
    for (int known : {1, 2, 15, 16, 17, 63, 64, 100, 1023, 1024, 1025, 2049, 50257, 151643}) {
        for (int padding : {0, 1, 37}) {
            for (float scale : {0.01f, 1.f, 30.f, 300.f}) check_rows(known, padding, scale);
        }
    }
    check_equal_logits();
    return check::report();
}
