// AVX2 with FMA and F16C.
#pragma once

#include <immintrin.h>

namespace midspan::MIDSPAN_ISA {

constexpr int LANES = 8;
constexpr bool HAS_MANY_REGISTERS = false;
constexpr int SUMS_OF_ONE = 1;
#define MIDSPAN_UNROLL_GROUP _Pragma("GCC unroll 1")  // more, and the sums go through memory
#define MIDSPAN_UNROLL_INT8  // as the compiler likes

struct F32 {
    __m256 v;
};

inline F32 zero() { return {_mm256_setzero_ps()}; }
inline F32 broadcast(float x) { return {_mm256_set1_ps(x)}; }
inline F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store(float* p, F32 a) { _mm256_storeu_ps(p, a.v); }
inline F32 load(const bf16* p) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p)), 16))};
}
inline F32 load(const int8_t* p) { return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p)))}; }
inline F32 load_u8(const uint8_t* p) { return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)))}; }
inline F32 add(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
inline F32 sub(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline F32 mul(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline F32 div(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
inline F32 fma(F32 a, F32 b, F32 sum) { return {_mm256_fmadd_ps(a.v, b.v, sum.v)}; }
inline F32 max(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
inline F32 abs(F32 a) { return {_mm256_and_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff)))}; }
inline float sum(F32 a) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float largest(F32 a) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
// Lanes 2i and 2i + 1 change places.
inline F32 swap_pairs(F32 a) { return {_mm256_permute_ps(a.v, 0xb1)}; }

inline void store(bf16* p, F32 a) {
    __m256i bits = _mm256_castps_si256(a.v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
    __m256i halves = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    // The pack works within the two halves of a register.
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(halves, halves), 0x08);
    _mm_storeu_si128((__m128i*)p, _mm256_castsi256_si128(packed));
}

// The first `count` < LANES values at p, zeros behind them; nothing past them is touched.
inline __m256i first_lanes(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline F32 load_first(const float* p, int count) { return {_mm256_maskload_ps(p, first_lanes(count))}; }
inline F32 load_first(const bf16* p, int count) {
    bf16 values[LANES] = {};
    std::memcpy(values, p, static_cast<size_t>(count) * sizeof(bf16));
    return load(values);
}
inline void store_first(float* p, F32 a, int count) { _mm256_maskstore_ps(p, first_lanes(count), a.v); }

// Lane j of a[i] and lane i of a[j] change places, for all of LANES registers.
inline void transpose(F32* a) {
    __m256 b[8], c[8];
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i].v, a[i + 1].v);
        b[i + 1] = _mm256_unpackhi_ps(a[i].v, a[i + 1].v);
    }
    // Now c[4i + j] holds, in its half k, column 4k + j of the rows 4i to 4i + 3.
    for (int i = 0; i < 8; i += 4) {
        c[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44), c[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        c[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44), c[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    for (int j = 0; j < 4; ++j) {
        a[j].v = _mm256_permute2f128_ps(c[j], c[4 + j], 0x20);
        a[4 + j].v = _mm256_permute2f128_ps(c[j], c[4 + j], 0x31);
    }
}

inline int32_t sum_of(__m256i a) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x0e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0x01)));
}

// Rounds each lane to the nearest integer and stores the LANES low bytes; returns the sum of what was stored.
inline int32_t store_rounded(int8_t* p, F32 a) {
    __m256i rounded = _mm256_cvtps_epi32(a.v);
    const __m256i low_bytes = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                               0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i bytes = _mm256_shuffle_epi8(rounded, low_bytes);
    __m128i joined = _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    _mm_storel_epi64((__m128i*)p, joined);
    return sum_of(rounded);
}

// e^a within 2 units in the last place for a in [-87, 88]; smaller gives 0.
inline F32 exp(F32 a) {
    __m256 bounded = _mm256_min_ps(_mm256_max_ps(a.v, _mm256_set1_ps(-104.f)), _mm256_set1_ps(89.f));
    __m256 x = _mm256_mul_ps(bounded, _mm256_set1_ps(1.44269504f));
    __m256 whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    // The rest in two steps, because 1 / log2(e) is no float.
    __m256 rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(0.693359375f), bounded);
    rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(-2.12194440e-4f), rest);
    __m256 p = _mm256_set1_ps(1.9875691500e-4f);
    p = _mm256_fmadd_ps(p, rest, _mm256_set1_ps(1.3981999507e-3f));
    p = _mm256_fmadd_ps(p, rest, _mm256_set1_ps(8.3334519073e-3f));
    p = _mm256_fmadd_ps(p, rest, _mm256_set1_ps(4.1665795894e-2f));
    p = _mm256_fmadd_ps(p, rest, _mm256_set1_ps(1.6666665459e-1f));
    p = _mm256_fmadd_ps(p, rest, _mm256_set1_ps(5.0000001201e-1f));
    p = _mm256_fmadd_ps(_mm256_mul_ps(rest, rest), p, _mm256_add_ps(rest, _mm256_set1_ps(1.f)));
    // Twice half of the exponent, because 2^whole may be no normal float.
    __m256i exponent = _mm256_cvtps_epi32(whole);
    __m256i half = _mm256_srai_epi32(exponent, 1);
    __m256i other = _mm256_sub_epi32(exponent, half);
    const __m256i bias = _mm256_set1_epi32(127);
    __m256 first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    __m256 second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(other, bias), 23));
    return {_mm256_mul_ps(_mm256_mul_ps(p, first), second)};
}

// The exact integer sums of 16 rows while a group is multiplied, and the 64 bytes of four columns of a block.
struct Sums {
    __m256i v[2];
};
struct Bytes {
    __m256i v[2];
};

// Int8 codes lie in memory as code + 128. Here a product makes them signed, so nothing is to be subtracted.
constexpr int INT8_OFFSET = 0;

inline Sums sums_of(int32_t x) { return {{_mm256_set1_epi32(x), _mm256_set1_epi32(x)}}; }
inline Bytes load_bytes(const uint8_t* p) {
    return {{_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 32))}};
}
inline Bytes low_halves(Bytes w) {
    const __m256i mask = _mm256_set1_epi8(15);
    return {{_mm256_and_si256(w.v[0], mask), _mm256_and_si256(w.v[1], mask)}};
}
inline Bytes high_halves(Bytes w) {
    return low_halves({{_mm256_srli_epi16(w.v[0], 4), _mm256_srli_epi16(w.v[1], 4)}});
}
// Adds 16 to each code whose bit is set: bit i % 8 of bits[i / 8] is that of byte i.
inline Bytes add_fifth_bits(Bytes w, const uint8_t* bits) {
    const __m256i spread = _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    const __m256i own = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201)), sixteen = _mm256_set1_epi8(16);
    for (int i = 0; i < 2; ++i) {
        int32_t four;
        std::memcpy(&four, bits + 4 * i, 4);
        __m256i set = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(four), spread), own);
        w.v[i] = _mm256_or_si256(w.v[i], _mm256_and_si256(_mm256_cmpeq_epi8(set, own), sixteen));
    }
    return w;
}
inline __m256i four_activations(const int8_t* x) {
    int32_t four;
    std::memcpy(&four, x, 4);
    return _mm256_set1_epi32(four);
}
inline Sums add_pairs(Sums sums, __m256i first, __m256i second) {
    const __m256i ones = _mm256_set1_epi16(1);
    return {{_mm256_add_epi32(sums.v[0], _mm256_madd_epi16(first, ones)),
             _mm256_add_epi32(sums.v[1], _mm256_madd_epi16(second, ones))}};
}
// Adds the products of each row's four codes with four activations.
inline Sums dot_int4(Sums sums, Bytes w, const int8_t* x) {
    __m256i four = four_activations(x);
    return add_pairs(sums, _mm256_maddubs_epi16(w.v[0], four), _mm256_maddubs_epi16(w.v[1], four));
}
// The sign of a code moves to its activation: a pair of products of at most 128 and 127 is then no more than int16 holds.
inline Sums dot_int8(Sums sums, Bytes w, const int8_t* x) {
    __m256i four = four_activations(x);
    const __m256i top = _mm256_set1_epi8(-128);
    __m256i first = _mm256_xor_si256(w.v[0], top), second = _mm256_xor_si256(w.v[1], top);
    return add_pairs(sums, _mm256_maddubs_epi16(_mm256_abs_epi8(first), _mm256_sign_epi8(four, first)),
                     _mm256_maddubs_epi16(_mm256_abs_epi8(second), _mm256_sign_epi8(four, second)));
}
inline Sums add(Sums a, Sums b) { return {{_mm256_add_epi32(a.v[0], b.v[0]), _mm256_add_epi32(a.v[1], b.v[1])}}; }

// One float for each row of a block.
struct Block {
    __m256 v[2];
};
inline Block block_zero() { return {{_mm256_setzero_ps(), _mm256_setzero_ps()}}; }
inline Block block_load(const float* p) { return {{_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}}; }
inline Block block_load_u8(const uint8_t* p) { return {{load_u8(p).v, load_u8(p + 8).v}}; }
inline void block_store(float* p, Block a) {
    _mm256_storeu_ps(p, a.v[0]);
    _mm256_storeu_ps(p + 8, a.v[1]);
}
inline Block block_of(Sums a) { return {{_mm256_cvtepi32_ps(a.v[0]), _mm256_cvtepi32_ps(a.v[1])}}; }
inline Block block_mul(Block a, Block b) { return {{_mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1])}}; }
inline Block block_scale(Block a, float b) {
    return {{_mm256_mul_ps(a.v[0], _mm256_set1_ps(b)), _mm256_mul_ps(a.v[1], _mm256_set1_ps(b))}};
}
inline Block block_sub(Block a, Block b) { return {{_mm256_sub_ps(a.v[0], b.v[0]), _mm256_sub_ps(a.v[1], b.v[1])}}; }
inline Block block_add(Block a, Block b) { return {{_mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1])}}; }
inline Block block_fma(Block a, Block b, Block sum) {
    return {{_mm256_fmadd_ps(a.v[0], b.v[0], sum.v[0]), _mm256_fmadd_ps(a.v[1], b.v[1], sum.v[1])}};
}
inline Block block_fma(Block a, float b, Block sum) {
    __m256 factor = _mm256_set1_ps(b);
    return {{_mm256_fmadd_ps(a.v[0], factor, sum.v[0]), _mm256_fmadd_ps(a.v[1], factor, sum.v[1])}};
}
inline Block block_fnma(Block a, float b, Block sum) {
    __m256 factor = _mm256_set1_ps(b);
    return {{_mm256_fnmadd_ps(a.v[0], factor, sum.v[0]), _mm256_fnmadd_ps(a.v[1], factor, sum.v[1])}};
}

inline void prefetch(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_T0); }
inline void prefetch_to_l2(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_T1); }
inline void prefetch_once(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_NTA); }
inline void pause() { _mm_pause(); }

}  // namespace midspan::MIDSPAN_ISA
