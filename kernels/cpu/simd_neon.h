// NEON of ARMv8.2 with dotprod and, where MIDSPAN_I8MM is defined, with i8mm.
#pragma once

#include <arm_neon.h>

namespace midspan::MIDSPAN_ISA {

constexpr int LANES = 4;
constexpr bool HAS_MANY_REGISTERS = false;
constexpr int SUMS_OF_ONE = 1;
#define MIDSPAN_UNROLL_GROUP  // as the compiler likes
#define MIDSPAN_UNROLL_INT8

struct F32 {
    float32x4_t v;
};

inline F32 zero() { return {vdupq_n_f32(0)}; }
inline F32 broadcast(float x) { return {vdupq_n_f32(x)}; }
inline F32 load(const float* p) { return {vld1q_f32(p)}; }
inline void store(float* p, F32 a) { vst1q_f32(p, a.v); }
inline F32 load(const bf16* p) { return {vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16))}; }
inline F32 load(const int8_t* p) {
    uint32_t four;
    std::memcpy(&four, p, 4);
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(four)))))};
}
inline F32 load_u8(const uint8_t* p) {
    uint32_t four;
    std::memcpy(&four, p, 4);
    return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))))};
}
inline F32 add(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
inline F32 sub(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
inline F32 mul(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
inline F32 div(F32 a, F32 b) { return {vdivq_f32(a.v, b.v)}; }
inline F32 fma(F32 a, F32 b, F32 sum) { return {vfmaq_f32(sum.v, a.v, b.v)}; }
inline F32 max(F32 a, F32 b) { return {vmaxq_f32(a.v, b.v)}; }
inline F32 abs(F32 a) { return {vabsq_f32(a.v)}; }
inline float sum(F32 a) { return vaddvq_f32(a.v); }
inline float largest(F32 a) { return vmaxvq_f32(a.v); }
// Lanes 2i and 2i + 1 change places.
inline F32 swap_pairs(F32 a) { return {vrev64q_f32(a.v)}; }

inline void store(bf16* p, F32 a) {
    uint32x4_t bits = vreinterpretq_u32_f32(a.v);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
    uint32x4_t number = vceqq_f32(a.v, a.v);
    vst1_u16(p, vshrn_n_u32(vbslq_u32(number, rounded, vorrq_u32(bits, vdupq_n_u32(0x400000))), 16));
}

// The first `count` < LANES values at p, zeros behind them; nothing past them is touched.
inline F32 load_first(const float* p, int count) {
    float values[LANES] = {};
    std::memcpy(values, p, static_cast<size_t>(count) * sizeof(float));
    return load(values);
}
inline F32 load_first(const bf16* p, int count) {
    bf16 values[LANES] = {};
    std::memcpy(values, p, static_cast<size_t>(count) * sizeof(bf16));
    return load(values);
}
inline void store_first(float* p, F32 a, int count) {
    float values[LANES];
    store(values, a);
    std::memcpy(p, values, static_cast<size_t>(count) * sizeof(float));
}

// Lane j of a[i] and lane i of a[j] change places, for all of LANES registers.
inline void transpose(F32* a) {
    float32x4x2_t low = vtrnq_f32(a[0].v, a[1].v), high = vtrnq_f32(a[2].v, a[3].v);
    for (int j = 0; j < 2; ++j) {
        a[j].v = vcombine_f32(vget_low_f32(low.val[j]), vget_low_f32(high.val[j]));
        a[2 + j].v = vcombine_f32(vget_high_f32(low.val[j]), vget_high_f32(high.val[j]));
    }
}

// Rounds each lane to the nearest integer and stores the LANES low bytes; returns the sum of what was stored.
inline int32_t store_rounded(int8_t* p, F32 a) {
    int32x4_t rounded = vcvtnq_s32_f32(a.v);
    int16x4_t narrow = vmovn_s32(rounded);
    int32_t four = vget_lane_s32(vreinterpret_s32_s8(vmovn_s16(vcombine_s16(narrow, narrow))), 0);
    std::memcpy(p, &four, 4);
    return vaddvq_s32(rounded);
}

// e^a within 2 units in the last place for a in [-87, 88]; smaller gives 0.
inline F32 exp(F32 a) {
    float32x4_t bounded = vminq_f32(vmaxq_f32(a.v, vdupq_n_f32(-104.f)), vdupq_n_f32(89.f));
    float32x4_t whole = vrndnq_f32(vmulq_f32(bounded, vdupq_n_f32(1.44269504f)));
    // The rest in two steps, because 1 / log2(e) is no float.
    float32x4_t rest = vfmsq_f32(bounded, whole, vdupq_n_f32(0.693359375f));
    rest = vfmsq_f32(rest, whole, vdupq_n_f32(-2.12194440e-4f));
    float32x4_t p = vdupq_n_f32(1.9875691500e-4f);
    p = vfmaq_f32(vdupq_n_f32(1.3981999507e-3f), p, rest);
    p = vfmaq_f32(vdupq_n_f32(8.3334519073e-3f), p, rest);
    p = vfmaq_f32(vdupq_n_f32(4.1665795894e-2f), p, rest);
    p = vfmaq_f32(vdupq_n_f32(1.6666665459e-1f), p, rest);
    p = vfmaq_f32(vdupq_n_f32(5.0000001201e-1f), p, rest);
    p = vfmaq_f32(vaddq_f32(rest, vdupq_n_f32(1.f)), vmulq_f32(rest, rest), p);
    // Twice half of the exponent, because 2^whole may be no normal float.
    int32x4_t exponent = vcvtq_s32_f32(whole);
    int32x4_t half = vshrq_n_s32(exponent, 1);
    int32x4_t other = vsubq_s32(exponent, half);
    const int32x4_t bias = vdupq_n_s32(127);
    float32x4_t first = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
    float32x4_t second = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(other, bias), 23));
    return {vmulq_f32(vmulq_f32(p, first), second)};
}

// The exact integer sums of 16 rows while a group is multiplied, and the 64 bytes of four columns of a block.
struct Sums {
    int32x4_t v[4];
};
struct Bytes {
    uint8x16_t v[4];
};

inline Sums sums_of(int32_t x) { return {{vdupq_n_s32(x), vdupq_n_s32(x), vdupq_n_s32(x), vdupq_n_s32(x)}}; }
inline Bytes load_bytes(const uint8_t* p) { return {{vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}}; }
inline Bytes low_halves(Bytes w) {
    for (uint8x16_t& codes : w.v) codes = vandq_u8(codes, vdupq_n_u8(15));
    return w;
}
inline Bytes high_halves(Bytes w) {
    for (uint8x16_t& codes : w.v) codes = vshrq_n_u8(codes, 4);
    return w;
}
// Adds 16 to each code whose bit is set: bit i % 8 of bits[i / 8] is that of byte i.
inline Bytes add_fifth_bits(Bytes w, const uint8_t* bits) {
    const uint8x8_t own = vcreate_u8(0x8040201008040201);
    for (int i = 0; i < 4; ++i) {
        uint8x16_t spread = vcombine_u8(vdup_n_u8(bits[2 * i]), vdup_n_u8(bits[2 * i + 1]));
        uint8x16_t is_set = vtstq_u8(spread, vcombine_u8(own, own));
        w.v[i] = vorrq_u8(w.v[i], vandq_u8(is_set, vdupq_n_u8(16)));
    }
    return w;
}
inline int8x16_t four_activations(const int8_t* x) {
    int32_t four;
    std::memcpy(&four, x, 4);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}
// Adds the products of each row's four codes with four activations.
inline Sums dot_int4(Sums sums, Bytes w, const int8_t* x) {
    int8x16_t four = four_activations(x);
    for (int i = 0; i < 4; ++i) sums.v[i] = vdotq_s32(sums.v[i], vreinterpretq_s8_u8(w.v[i]), four);
    return sums;
}
// Int8 codes lie in memory as code + 128; a product subtracts INT8_OFFSET times the sum of the activations.
#ifdef MIDSPAN_I8MM
constexpr int INT8_OFFSET = 128;
inline Sums dot_int8(Sums sums, Bytes w, const int8_t* x) {
    int8x16_t four = four_activations(x);
    for (int i = 0; i < 4; ++i) sums.v[i] = vusdotq_s32(sums.v[i], w.v[i], four);
    return sums;
}
#else
constexpr int INT8_OFFSET = 0;
inline Sums dot_int8(Sums sums, Bytes w, const int8_t* x) {
    int8x16_t four = four_activations(x);
    for (int i = 0; i < 4; ++i) {
        int8x16_t codes = vreinterpretq_s8_u8(veorq_u8(w.v[i], vdupq_n_u8(128)));
        sums.v[i] = vdotq_s32(sums.v[i], codes, four);
    }
    return sums;
}
#endif
inline Sums add(Sums a, Sums b) {
    for (int i = 0; i < 4; ++i) a.v[i] = vaddq_s32(a.v[i], b.v[i]);
    return a;
}

// One float for each row of a block.
struct Block {
    float32x4_t v[4];
};
inline Block block_zero() { return {{vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}}; }
inline Block block_load(const float* p) { return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}}; }
inline Block block_load_u8(const uint8_t* p) {
    return {{load_u8(p).v, load_u8(p + 4).v, load_u8(p + 8).v, load_u8(p + 12).v}};
}
inline void block_store(float* p, Block a) {
    for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, a.v[i]);
}
inline Block block_of(Sums a) {
    return {{vcvtq_f32_s32(a.v[0]), vcvtq_f32_s32(a.v[1]), vcvtq_f32_s32(a.v[2]), vcvtq_f32_s32(a.v[3])}};
}
inline Block block_mul(Block a, Block b) {
    for (int i = 0; i < 4; ++i) a.v[i] = vmulq_f32(a.v[i], b.v[i]);
    return a;
}
inline Block block_scale(Block a, float b) {
    for (int i = 0; i < 4; ++i) a.v[i] = vmulq_n_f32(a.v[i], b);
    return a;
}
inline Block block_sub(Block a, Block b) {
    for (int i = 0; i < 4; ++i) a.v[i] = vsubq_f32(a.v[i], b.v[i]);
    return a;
}
inline Block block_add(Block a, Block b) {
    for (int i = 0; i < 4; ++i) a.v[i] = vaddq_f32(a.v[i], b.v[i]);
    return a;
}
inline Block block_fma(Block a, Block b, Block sum) {
    for (int i = 0; i < 4; ++i) sum.v[i] = vfmaq_f32(sum.v[i], a.v[i], b.v[i]);
    return sum;
}
inline Block block_fma(Block a, float b, Block sum) {
    for (int i = 0; i < 4; ++i) sum.v[i] = vfmaq_n_f32(sum.v[i], a.v[i], b);
    return sum;
}
inline Block block_fnma(Block a, float b, Block sum) {
    for (int i = 0; i < 4; ++i) sum.v[i] = vfmsq_n_f32(sum.v[i], a.v[i], b);
    return sum;
}

inline void prefetch(const void* p) { __builtin_prefetch(p); }
inline void prefetch_to_l2(const void* p) { __builtin_prefetch(p, 0, 2); }
inline void prefetch_once(const void* p) { prefetch_to_l2(p); }
inline void pause() { asm volatile("yield"); }

}  // namespace midspan::MIDSPAN_ISA
