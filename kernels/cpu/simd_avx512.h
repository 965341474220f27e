// AVX-512 with VNNI and, where MIDSPAN_BF16 is defined, with bf16 products.
#pragma once

#include <immintrin.h>

namespace midspan::MIDSPAN_ISA {

constexpr int LANES = 16;
constexpr bool HAS_MANY_REGISTERS = true;  // for the sums of four input rows with two blocks
constexpr int SUMS_OF_ONE = 2;  // a product waits for the one before it in its sum, so another sum takes turns
// Of the products of a group: a loop carries the sums from register to register.
#define MIDSPAN_UNROLL_GROUP _Pragma("GCC unroll 4")
#define MIDSPAN_UNROLL_INT8 _Pragma("GCC unroll 8")

struct F32 {
    __m512 v;
};

inline F32 zero() { return {_mm512_setzero_ps()}; }
inline F32 broadcast(float x) { return {_mm512_set1_ps(x)}; }
inline F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, F32 a) { _mm512_storeu_ps(p, a.v); }
inline F32 load(const bf16* p) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)), 16))};
}
inline F32 load(const int8_t* p) { return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p)))}; }
inline F32 load_u8(const uint8_t* p) { return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)))}; }
inline F32 add(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline F32 sub(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline F32 mul(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline F32 div(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline F32 fma(F32 a, F32 b, F32 sum) { return {_mm512_fmadd_ps(a.v, b.v, sum.v)}; }
inline F32 max(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline F32 abs(F32 a) { return {_mm512_abs_ps(a.v)}; }
inline float sum(F32 a) { return _mm512_reduce_add_ps(a.v); }
inline float largest(F32 a) { return _mm512_reduce_max_ps(a.v); }
// Lanes 2i and 2i + 1 change places.
inline F32 swap_pairs(F32 a) { return {_mm512_permute_ps(a.v, 0xb1)}; }

inline void store(bf16* p, F32 a) {
#ifdef MIDSPAN_BF16
    _mm256_storeu_si256((__m256i*)p, (__m256i)_mm512_cvtneps_pbh(a.v));
#else
    __m512i bits = _mm512_castps_si512(a.v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    rounded = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
#endif
}

// Rounds each lane to the nearest integer and stores the LANES low bytes; returns the sum of what was stored.
inline int32_t store_rounded(int8_t* p, F32 a) {
    __m512i rounded = _mm512_cvtps_epi32(a.v);
    _mm_storeu_si128((__m128i*)p, _mm512_cvtepi32_epi8(rounded));
    return _mm512_reduce_add_epi32(rounded);
}

// e^a within 2 units in the last place for a in [-87, 88]; smaller gives 0.
inline F32 exp(F32 a) {
    __m512 x = _mm512_mul_ps(_mm512_max_ps(a.v, _mm512_set1_ps(-104.f)), _mm512_set1_ps(1.44269504f));
    __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    // The rest in two steps, because 1 / log2(e) is no float.
    __m512 rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(0.693359375f), _mm512_max_ps(a.v, _mm512_set1_ps(-104.f)));
    rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(-2.12194440e-4f), rest);
    __m512 p = _mm512_set1_ps(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_fmadd_ps(_mm512_mul_ps(rest, rest), p, _mm512_add_ps(rest, _mm512_set1_ps(1.f)));
    return {_mm512_scalef_ps(p, whole)};
}

// The exact integer sums of 16 rows while a group is multiplied, and the 64 bytes of four columns of a block.
struct Sums {
    __m512i v;
};
struct Bytes {
    __m512i v;
};

// Int8 codes lie in memory as code + INT8_OFFSET; a product subtracts INT8_OFFSET times the sum of the activations.
constexpr int INT8_OFFSET = 128;

inline Sums sums_of(int32_t x) { return {_mm512_set1_epi32(x)}; }
inline Bytes load_bytes(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
inline Bytes low_halves(Bytes w) { return {_mm512_and_si512(w.v, _mm512_set1_epi8(15))}; }
inline Bytes high_halves(Bytes w) { return {_mm512_and_si512(_mm512_srli_epi16(w.v, 4), _mm512_set1_epi8(15))}; }
// Adds 16 to each code whose bit is set: bit i % 8 of bits[i / 8] is that of byte i.
inline Bytes add_fifth_bits(Bytes w, const uint8_t* bits) {
    __mmask64 mask;
    std::memcpy(&mask, bits, 8);
    return {_mm512_mask_add_epi8(w.v, mask, w.v, _mm512_set1_epi8(16))};
}
// Adds the products of each row's four codes with four activations.
inline Sums dot(Sums sums, Bytes w, const int8_t* x) {
    int32_t four;
    std::memcpy(&four, x, 4);
    return {_mm512_dpbusd_epi32(sums.v, w.v, _mm512_set1_epi32(four))};
}
inline Sums dot_int4(Sums sums, Bytes w, const int8_t* x) { return dot(sums, w, x); }
inline Sums dot_int8(Sums sums, Bytes w, const int8_t* x) { return dot(sums, w, x); }
inline Sums add(Sums a, Sums b) { return {_mm512_add_epi32(a.v, b.v)}; }

// One float for each row of a block.
struct Block {
    __m512 v;
};
inline Block block_zero() { return {_mm512_setzero_ps()}; }
inline Block block_load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline Block block_load_u8(const uint8_t* p) { return {load_u8(p).v}; }
inline void block_store(float* p, Block a) { _mm512_storeu_ps(p, a.v); }
inline Block block_of(Sums a) { return {_mm512_cvtepi32_ps(a.v)}; }
inline Block block_mul(Block a, Block b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Block block_scale(Block a, float b) { return {_mm512_mul_ps(a.v, _mm512_set1_ps(b))}; }
inline Block block_sub(Block a, Block b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Block block_add(Block a, Block b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Block block_fma(Block a, Block b, Block sum) { return {_mm512_fmadd_ps(a.v, b.v, sum.v)}; }
inline Block block_fma(Block a, float b, Block sum) { return {_mm512_fmadd_ps(a.v, _mm512_set1_ps(b), sum.v)}; }
inline Block block_fnma(Block a, float b, Block sum) { return {_mm512_fnmadd_ps(a.v, _mm512_set1_ps(b), sum.v)}; }

// The first `count` < LANES floats at p, zeros behind them; nothing past them is touched.
inline F32 load_first(const float* p, int count) { return {_mm512_maskz_loadu_ps((1u << count) - 1, p)}; }
inline F32 load_first(const bf16* p, int count) {
    __m256i values = _mm256_maskz_loadu_epi16((1u << count) - 1, p);
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16))};
}
inline void store_first(float* p, F32 a, int count) { _mm512_mask_storeu_ps(p, (1u << count) - 1, a.v); }

// Lane j of a[i] and lane i of a[j] change places, for all of LANES registers.
inline void transpose(F32* a) {
    __m512 b[16];
    for (int i = 0; i < 16; i += 4) {
        __m512 low = _mm512_unpacklo_ps(a[i].v, a[i + 1].v), high = _mm512_unpackhi_ps(a[i].v, a[i + 1].v);
        __m512 low2 = _mm512_unpacklo_ps(a[i + 2].v, a[i + 3].v), high2 = _mm512_unpackhi_ps(a[i + 2].v, a[i + 3].v);
        b[i] = _mm512_shuffle_ps(low, low2, 0x44), b[i + 1] = _mm512_shuffle_ps(low, low2, 0xee);
        b[i + 2] = _mm512_shuffle_ps(high, high2, 0x44), b[i + 3] = _mm512_shuffle_ps(high, high2, 0xee);
    }
    // Now b[4i + j] holds, in its quarter k, column 4k + j of the rows 4i to 4i + 3.
    for (int j = 0; j < 4; j++) {
        __m512 even = _mm512_shuffle_f32x4(b[j], b[4 + j], 0x88), odd = _mm512_shuffle_f32x4(b[j], b[4 + j], 0xdd);
        __m512 even2 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0x88), odd2 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0xdd);
        a[j].v = _mm512_shuffle_f32x4(even, even2, 0x88), a[8 + j].v = _mm512_shuffle_f32x4(even, even2, 0xdd);
        a[4 + j].v = _mm512_shuffle_f32x4(odd, odd2, 0x88), a[12 + j].v = _mm512_shuffle_f32x4(odd, odd2, 0xdd);
    }
}

inline void prefetch(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_T0); }
// Volatile, so that the compiler leaves them between the products: all at once, they hold up what is read.
inline void prefetch_to_l2(const void* p) { asm volatile("prefetcht1 %0" : : "m"(*static_cast<const char*>(p))); }
inline void prefetch_once(const void* p) { asm volatile("prefetchnta %0" : : "m"(*static_cast<const char*>(p))); }
inline void pause() { _mm_pause(); }

}  // namespace midspan::MIDSPAN_ISA
