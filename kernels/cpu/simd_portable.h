// Plain C++, for a machine without the other instruction sets. Compilers make vectors of the loops where they can.
#pragma once

namespace midspan::MIDSPAN_ISA {

constexpr int LANES = 4;
constexpr bool HAS_MANY_REGISTERS = false;
constexpr int SUMS_OF_ONE = 1;
#define MIDSPAN_UNROLL_GROUP  // as the compiler likes
#define MIDSPAN_UNROLL_INT8

struct F32 {
    float v[LANES];
};

inline F32 broadcast(float x) { return {{x, x, x, x}}; }
inline F32 zero() { return broadcast(0); }
inline F32 load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
inline void store(float* p, F32 a) { std::memcpy(p, a.v, sizeof a.v); }
inline F32 load(const bf16* p) { return {{widen(p[0]), widen(p[1]), widen(p[2]), widen(p[3])}}; }
inline F32 load(const int8_t* p) { return {{float(p[0]), float(p[1]), float(p[2]), float(p[3])}}; }
inline F32 load_u8(const uint8_t* p) { return {{float(p[0]), float(p[1]), float(p[2]), float(p[3])}}; }
inline F32 add(F32 a, F32 b) {
    for (int i = 0; i < LANES; ++i) a.v[i] += b.v[i];
    return a;
}
inline F32 sub(F32 a, F32 b) {
    for (int i = 0; i < LANES; ++i) a.v[i] -= b.v[i];
    return a;
}
inline F32 mul(F32 a, F32 b) {
    for (int i = 0; i < LANES; ++i) a.v[i] *= b.v[i];
    return a;
}
inline F32 div(F32 a, F32 b) {
    for (int i = 0; i < LANES; ++i) a.v[i] /= b.v[i];
    return a;
}
inline F32 fma(F32 a, F32 b, F32 sum) {
    for (int i = 0; i < LANES; ++i) sum.v[i] += a.v[i] * b.v[i];
    return sum;
}
inline F32 max(F32 a, F32 b) {
    for (int i = 0; i < LANES; ++i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
}
inline F32 abs(F32 a) {
    for (float& lane : a.v) lane = std::fabs(lane);
    return a;
}
inline float sum(F32 a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
inline float largest(F32 a) {
    float most = a.v[0];
    for (float lane : a.v) most = lane > most ? lane : most;
    return most;
}
// Lanes 2i and 2i + 1 change places.
inline F32 swap_pairs(F32 a) { return {{a.v[1], a.v[0], a.v[3], a.v[2]}}; }

inline void store(bf16* p, F32 a) {
    for (int i = 0; i < LANES; ++i) p[i] = narrow(a.v[i]);
}

// The first `count` < LANES values at p, zeros behind them; nothing past them is touched.
inline F32 load_first(const float* p, int count) {
    F32 a = zero();
    std::memcpy(a.v, p, static_cast<size_t>(count) * sizeof(float));
    return a;
}
inline F32 load_first(const bf16* p, int count) {
    bf16 values[LANES] = {};
    std::memcpy(values, p, static_cast<size_t>(count) * sizeof(bf16));
    return load(values);
}
inline void store_first(float* p, F32 a, int count) { std::memcpy(p, a.v, static_cast<size_t>(count) * sizeof(float)); }

// Lane j of a[i] and lane i of a[j] change places, for all of LANES registers.
inline void transpose(F32* a) {
    for (int i = 0; i < LANES; ++i) {
        for (int j = 0; j < i; ++j) {
            float lane = a[i].v[j];
            a[i].v[j] = a[j].v[i];
            a[j].v[i] = lane;
        }
    }
}

// Rounds to the nearest integer, ties to even, by a number whose last place is 1.
inline float round_to_even(float x) { return (x + 12582912.f) - 12582912.f; }

// Rounds each lane to the nearest integer and stores the LANES low bytes; returns the sum of what was stored.
inline int32_t store_rounded(int8_t* p, F32 a) {
    int32_t total = 0;
    for (int i = 0; i < LANES; ++i) {
        int32_t rounded = static_cast<int32_t>(round_to_even(a.v[i]));
        p[i] = static_cast<int8_t>(rounded);
        total += rounded;
    }
    return total;
}

inline float power_of_two(int32_t exponent) {
    int32_t bits = (exponent + 127) << 23;
    float power;
    std::memcpy(&power, &bits, 4);
    return power;
}

inline float exp_of(float a) {
    a = a > -104.f ? a : -104.f;
    a = a < 89.f ? a : 89.f;
    float whole = round_to_even(a * 1.44269504f);
    // The rest in two steps, because 1 / log2(e) is no float.
    float rest = (a - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * rest + 1.3981999507e-3f;
    p = p * rest + 8.3334519073e-3f;
    p = p * rest + 4.1665795894e-2f;
    p = p * rest + 1.6666665459e-1f;
    p = p * rest + 5.0000001201e-1f;
    p = rest * rest * p + (rest + 1.f);
    // Twice half of the exponent, because 2^whole may be no normal float.
    int32_t exponent = static_cast<int32_t>(whole);
    int32_t half = exponent >> 1;
    return p * power_of_two(half) * power_of_two(exponent - half);
}

// e^a within 2 units in the last place for a in [-87, 88]; smaller gives 0.
inline F32 exp(F32 a) {
    for (float& lane : a.v) lane = exp_of(lane);
    return a;
}

// The exact integer sums of 16 rows while a group is multiplied, and the 64 bytes of four columns of a block.
struct Sums {
    int32_t v[BLOCK_ROWS];
};
struct Bytes {
    uint8_t v[4 * BLOCK_ROWS];
};

// Int8 codes lie in memory as code + INT8_OFFSET; a product subtracts INT8_OFFSET times the sum of the activations.
constexpr int INT8_OFFSET = 128;

inline Sums sums_of(int32_t x) {
    Sums sums;
    for (int32_t& total : sums.v) total = x;
    return sums;
}
inline Bytes load_bytes(const uint8_t* p) {
    Bytes w;
    std::memcpy(w.v, p, sizeof w.v);
    return w;
}
inline Bytes low_halves(Bytes w) {
    for (uint8_t& code : w.v) code &= 15;
    return w;
}
inline Bytes high_halves(Bytes w) {
    for (uint8_t& code : w.v) code >>= 4;
    return w;
}
// Adds 16 to each code whose bit is set: bit i % 8 of bits[i / 8] is that of byte i.
inline Bytes add_fifth_bits(Bytes w, const uint8_t* bits) {
    for (int i = 0; i < 4 * BLOCK_ROWS; ++i) w.v[i] = static_cast<uint8_t>(w.v[i] + 16 * (bits[i / 8] >> i % 8 & 1));
    return w;
}
// Adds the products of each row's four codes with four activations.
inline Sums dot(Sums sums, Bytes w, const int8_t* x) {
    for (int row = 0; row < BLOCK_ROWS; ++row) {
        const uint8_t* codes = w.v + 4 * row;
        sums.v[row] += codes[0] * x[0] + codes[1] * x[1] + codes[2] * x[2] + codes[3] * x[3];
    }
    return sums;
}
inline Sums dot_int4(Sums sums, Bytes w, const int8_t* x) { return dot(sums, w, x); }
inline Sums dot_int8(Sums sums, Bytes w, const int8_t* x) { return dot(sums, w, x); }
inline Sums add(Sums a, Sums b) {
    for (int row = 0; row < BLOCK_ROWS; ++row) a.v[row] += b.v[row];
    return a;
}

// One float for each row of a block.
struct Block {
    float v[BLOCK_ROWS];
};
inline Block block_zero() { return {}; }
inline Block block_load(const float* p) {
    Block a;
    std::memcpy(a.v, p, sizeof a.v);
    return a;
}
inline Block block_load_u8(const uint8_t* p) {
    Block a;
    for (int row = 0; row < BLOCK_ROWS; ++row) a.v[row] = p[row];
    return a;
}
inline void block_store(float* p, Block a) { std::memcpy(p, a.v, sizeof a.v); }
inline Block block_of(Sums a) {
    Block floats;
    for (int row = 0; row < BLOCK_ROWS; ++row) floats.v[row] = static_cast<float>(a.v[row]);
    return floats;
}
inline Block block_mul(Block a, Block b) {
    for (int row = 0; row < BLOCK_ROWS; ++row) a.v[row] *= b.v[row];
    return a;
}
inline Block block_scale(Block a, float b) {
    for (float& number : a.v) number *= b;
    return a;
}
inline Block block_sub(Block a, Block b) {
    for (int row = 0; row < BLOCK_ROWS; ++row) a.v[row] -= b.v[row];
    return a;
}
inline Block block_add(Block a, Block b) {
    for (int row = 0; row < BLOCK_ROWS; ++row) a.v[row] += b.v[row];
    return a;
}
inline Block block_fma(Block a, Block b, Block sum) {
    for (int row = 0; row < BLOCK_ROWS; ++row) sum.v[row] += a.v[row] * b.v[row];
    return sum;
}
inline Block block_fma(Block a, float b, Block sum) {
    for (int row = 0; row < BLOCK_ROWS; ++row) sum.v[row] += a.v[row] * b;
    return sum;
}
inline Block block_fnma(Block a, float b, Block sum) {
    for (int row = 0; row < BLOCK_ROWS; ++row) sum.v[row] -= a.v[row] * b;
    return sum;
}

inline void prefetch(const void* p) { __builtin_prefetch(p); }
inline void prefetch_to_l2(const void* p) { __builtin_prefetch(p, 0, 2); }
inline void prefetch_once(const void* p) { prefetch_to_l2(p); }
inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace midspan::MIDSPAN_ISA
