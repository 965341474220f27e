// Compares the vector layer of one instruction set, which the compiler is told, with plain loops.
#include <limits>

#include "check.h"
#include "simd.h"

using namespace midspan;
using namespace midspan::MIDSPAN_ISA;

namespace {

constexpr float INF = std::numeric_limits<float>::infinity();
constexpr float NOT_A_NUMBER = std::numeric_limits<float>::quiet_NaN();

uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}

void check_arithmetic() {
    float a[LANES], b[LANES], c[LANES], out[LANES + 1];
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < LANES; ++i) a[i] = check::number() * 100, b[i] = check::number() + 2, c[i] = check::number();
        out[LANES] = 7;
        auto lanes = [&](const char* what, F32 result, auto wanted, float tolerance = 0) {
            store(out, result);
            for (int i = 0; i < LANES; ++i) check::near(what, out[i], wanted(i), tolerance);
            check::equal("a store past its lanes", out[LANES], 7);
        };
        lanes("zero", zero(), [&](int) { return 0.f; });
        lanes("broadcast", broadcast(b[0]), [&](int) { return b[0]; });
        lanes("load", load(a), [&](int i) { return a[i]; });
        lanes("add", add(load(a), load(b)), [&](int i) { return a[i] + b[i]; });
        lanes("sub", sub(load(a), load(b)), [&](int i) { return a[i] - b[i]; });
        lanes("mul", mul(load(a), load(b)), [&](int i) { return a[i] * b[i]; });
        lanes("div", div(load(a), load(b)), [&](int i) { return a[i] / b[i]; }, 1e-5f);
        lanes("fma", fma(load(a), load(b), load(c)), [&](int i) { return a[i] * b[i] + c[i]; }, 5e-5f);
        lanes("max", max(load(a), load(c)), [&](int i) { return a[i] > c[i] ? a[i] : c[i]; });
        lanes("abs", abs(load(a)), [&](int i) { return std::fabs(a[i]); });
        lanes("swap_pairs", swap_pairs(load(a)), [&](int i) { return a[i ^ 1]; });
        double total = 0, most = a[0];
        for (float x : a) total += x, most = x > most ? x : most;
        check::near("sum", sum(load(a)), total, 1e-3);
        check::equal("largest", largest(load(a)), most);
    }
}

void check_bf16() {
    bf16 stored[LANES + 1];
    float values[LANES], wide[LANES];
    const float special[] = {0.f, -0.f, INF, -INF, NOT_A_NUMBER, 3.4e38f, -3.4e38f, 1.00390625f, 1.01171875f, 1e-30f};
    for (int round = 0; round < 2000; ++round) {
        for (float& value : values) {
            uint32_t bits = check::next_random() << 8 ^ check::next_random();
            std::memcpy(&value, &bits, 4);
            if (round < 20) value = special[check::whole(0, 9)];
            // The instruction of AVX-512 takes numbers below the normal ones for zeros.
            if (std::fabs(value) < std::numeric_limits<float>::min()) value = 0;
        }
        stored[LANES] = 7;
        store(stored, load(values));
        check::equal("a bf16 store past its lanes", stored[LANES], 7);
        store(wide, load(stored));
        for (int i = 0; i < LANES; ++i) {
            check::equal("a stored bf16", widen(stored[i]), widen(narrow(values[i])));
            check::that(bits_of(wide[i]) == bits_of(widen(stored[i])), "a loaded bf16", wide[i], widen(stored[i]));
        }
    }
}

void check_bytes() {
    uint8_t bytes[LANES];
    int8_t rounded[LANES + 1];
    float out[LANES], values[LANES];
    const float ties[] = {0.5f, -0.5f, 1.5f, -1.5f, 126.5f, -126.5f, 2.4999998f, 127.f, -127.f, 0.f};
    for (int round = 0; round < 200; ++round) {
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(check::whole(0, 255));
        store(out, load_u8(bytes));
        for (int i = 0; i < LANES; ++i) check::equal("load_u8", out[i], bytes[i]);
        for (float& value : values) value = round < 50 ? ties[check::whole(0, 9)] : check::number() * 127;
        rounded[LANES] = 7;
        int32_t wanted_sum = 0, found_sum = store_rounded(rounded, load(values));
        for (int i = 0; i < LANES; ++i) {
            check::equal("store_rounded", rounded[i], std::nearbyint(values[i]));
            wanted_sum += static_cast<int32_t>(std::nearbyint(values[i]));
        }
        check::equal("the sum of store_rounded", found_sum, wanted_sum);
        check::equal("store_rounded past its lanes", rounded[LANES], 7);
    }
}

void check_first_lanes() {
    for (int count = 0; count < LANES; ++count) {
        float values[LANES], out[LANES], stored[LANES];
        bf16 narrowed[LANES];
        for (int i = 0; i < LANES; ++i) values[i] = check::number(), narrowed[i] = narrow(values[i]), stored[i] = 7;
        store(out, load_first(values, count));
        for (int i = 0; i < LANES; ++i) check::equal("load_first", out[i], i < count ? values[i] : 0);
        store(out, load_first(narrowed, count));
        for (int i = 0; i < LANES; ++i) check::equal("load_first of bf16", out[i], i < count ? widen(narrowed[i]) : 0);
        store_first(stored, load(values), count);
        for (int i = 0; i < LANES; ++i) check::equal("store_first", stored[i], i < count ? values[i] : 7);
    }
}

void check_transpose() {
    F32 rows[LANES];
    float out[LANES];
    for (int i = 0; i < LANES; ++i) {
        for (int j = 0; j < LANES; ++j) out[j] = static_cast<float>(i * LANES + j);
        rows[i] = load(out);
    }
    transpose(rows);
    for (int i = 0; i < LANES; ++i) {
        store(out, rows[i]);
        for (int j = 0; j < LANES; ++j) check::equal("transpose", out[j], j * LANES + i);
    }
}

void check_exp() {
    float in[LANES], out[LANES];
    for (int step = 0; step < 40000; step += LANES) {
        for (int i = 0; i < LANES; ++i) in[i] = -87.f + 175.f * static_cast<float>(step + i) / 40000;
        store(out, exp(load(in)));
        for (int i = 0; i < LANES; ++i) {
            float wanted = static_cast<float>(std::exp(static_cast<double>(in[i])));
            double last_place = std::nextafter(wanted, INF) - wanted;
            check::near("exp", out[i], wanted, 2 * last_place);
        }
    }
    const float low_ones[] = {-104.f, -1000.f, -1e30f, -INF};
    for (float low : low_ones) {
        store(out, exp(broadcast(low)));
        for (float lane : out) check::equal("exp of a number that is far below zero", lane, 0);
    }
    store(out, exp(broadcast(1000.f)));
    for (float lane : out) check::equal("exp of a thousand", lane, INF);
    store(out, exp(zero()));
    for (float lane : out) check::equal("exp of zero", lane, 1);
}

void check_dots() {
    uint8_t codes[4 * BLOCK_ROWS + 1];  // from its second byte on, so that no load may count on an alignment
    int8_t x[4];
    float out[BLOCK_ROWS];
    for (int round = 0; round < 500; ++round) {
        bool extreme = round < 100;
        for (uint8_t& code : codes) {
            code = static_cast<uint8_t>(extreme ? 255 * check::whole(0, 1) : check::whole(0, 255));
        }
        for (int8_t& value : x) {
            value = static_cast<int8_t>(extreme ? 254 * check::whole(0, 1) - 127 : check::whole(-127, 127));
        }
        Bytes w = load_bytes(codes + 1);
        int start = check::whole(-1000, 1000);
        Sums int8 = dot_int8(sums_of(start), w, x), low = dot_int4(sums_of(start), low_halves(w), x);
        Sums high = dot_int4(sums_of(start), high_halves(w), x);
        uint8_t fifth[8];
        for (uint8_t& bits : fifth) bits = static_cast<uint8_t>(extreme ? 255 : check::whole(0, 255));
        Sums five = dot_int4(sums_of(start), add_fifth_bits(low_halves(w), fifth), x);
        Sums both = add(low, high);
        int wanted8[BLOCK_ROWS], wanted_low[BLOCK_ROWS], wanted_high[BLOCK_ROWS], wanted_five[BLOCK_ROWS];
        for (int row = 0; row < BLOCK_ROWS; ++row) {
            wanted8[row] = wanted_low[row] = wanted_high[row] = wanted_five[row] = start;
            for (int k = 0; k < 4; ++k) {
                int code = codes[1 + 4 * row + k];
                wanted8[row] += (code - 128 + INT8_OFFSET) * x[k];
                wanted_low[row] += (code & 15) * x[k];
                wanted_high[row] += (code >> 4) * x[k];
                int byte = 4 * row + k;
                wanted_five[row] += ((code & 15) + 16 * (fifth[byte / 8] >> byte % 8 & 1)) * x[k];
            }
        }
        auto rows = [&](const char* what, Sums sums, auto wanted) {
            block_store(out, block_of(sums));
            for (int row = 0; row < BLOCK_ROWS; ++row) check::equal(what, out[row], wanted(row));
        };
        rows("dot_int8", int8, [&](int row) { return wanted8[row]; });
        rows("dot_int4 of low halves", low, [&](int row) { return wanted_low[row]; });
        rows("dot_int4 of high halves", high, [&](int row) { return wanted_high[row]; });
        rows("dot_int4 of codes of five bits", five, [&](int row) { return wanted_five[row]; });
        rows("a sum of sums", both, [&](int row) { return wanted_low[row] + wanted_high[row]; });
    }
}

void check_blocks() {
    float a[BLOCK_ROWS], b[BLOCK_ROWS], c[BLOCK_ROWS], out[BLOCK_ROWS + 1];
    uint8_t bytes[BLOCK_ROWS];
    for (int round = 0; round < 100; ++round) {
        for (int row = 0; row < BLOCK_ROWS; ++row) {
            a[row] = check::number(), b[row] = check::number(), c[row] = check::number();
            bytes[row] = static_cast<uint8_t>(check::whole(0, 255));
        }
        out[BLOCK_ROWS] = 7;
        auto rows = [&](const char* what, Block block, auto wanted) {
            block_store(out, block);
            for (int row = 0; row < BLOCK_ROWS; ++row) check::near(what, out[row], wanted(row), 5e-7);
            check::equal("a block's store past its rows", out[BLOCK_ROWS], 7);
        };
        Block x = block_load(a), y = block_load(b), z = block_load(c);
        rows("block_zero", block_zero(), [&](int) { return 0.f; });
        rows("block_load", x, [&](int row) { return a[row]; });
        rows("block_load_u8", block_load_u8(bytes), [&](int row) { return bytes[row]; });
        rows("block_add", block_add(x, y), [&](int row) { return a[row] + b[row]; });
        rows("block_sub", block_sub(x, y), [&](int row) { return a[row] - b[row]; });
        rows("block_mul", block_mul(x, y), [&](int row) { return a[row] * b[row]; });
        rows("block_scale", block_scale(x, b[0]), [&](int row) { return a[row] * b[0]; });
        rows("block_fma", block_fma(x, y, z), [&](int row) { return a[row] * b[row] + c[row]; });
        rows("block_fma with a number", block_fma(x, b[0], z), [&](int row) { return a[row] * b[0] + c[row]; });
        rows("block_fnma", block_fnma(x, b[0], z), [&](int row) { return c[row] - a[row] * b[0]; });
    }
}

}  // namespace

int main() {
    check_arithmetic();
    check_bf16();
    check_bytes();
    check_first_lanes();
    check_transpose();
    check_exp();
    check_dots();
    check_blocks();
    prefetch(&check::failures);
    pause();
    return check::report();
}
