// The instruction sets that this processor has and the operating system allows.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace midspan {

#if defined(__x86_64__)

// Intel's manual (volume 2A, CPUID; volume 1, 13.3): leaves 1 and 7, and the registers that the system saves (XCR0).
struct Processor {
    unsigned leaf1_ecx = 0, leaf7_ebx = 0, leaf7_ecx = 0, leaf7_1_eax = 0;
    unsigned saved = 0;

    Processor() {
        unsigned a, b, c, d;
        if (!__get_cpuid(1, &a, &b, &c, &d)) return;
        leaf1_ecx = c;
        if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
            leaf7_ebx = b;
            leaf7_ecx = c;
            if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) leaf7_1_eax = a;
        }
        constexpr unsigned OSXSAVE = 1u << 27;
        if (leaf1_ecx & OSXSAVE) asm volatile("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
    }

    static bool has(unsigned value, unsigned bits) { return (value & bits) == bits; }
};

inline bool has_avx2() {
    const Processor here;
    constexpr unsigned FMA = 1u << 12, AVX = 1u << 28, F16C = 1u << 29, AVX2 = 1u << 5, YMM = 0x6;
    return Processor::has(here.leaf1_ecx, FMA | AVX | F16C) && Processor::has(here.leaf7_ebx, AVX2) &&
           Processor::has(here.saved, YMM);
}

inline bool has_avx512() {
    const Processor here;
    constexpr unsigned F = 1u << 16, DQ = 1u << 17, BW = 1u << 30, VL = 1u << 31, VNNI = 1u << 11, ZMM = 0xe6;
    return has_avx2() && Processor::has(here.leaf7_ebx, F | DQ | BW | VL) && Processor::has(here.leaf7_ecx, VNNI) &&
           Processor::has(here.saved, ZMM);
}

inline bool has_avx512_bf16() {
    const Processor here;
    return has_avx512() && Processor::has(here.leaf7_1_eax, 1u << 5);
}

#elif defined(__aarch64__) && defined(__linux__)

inline bool has_neon() { return getauxval(AT_HWCAP) & HWCAP_ASIMDDP; }
inline bool has_neon_i8mm() { return has_neon() && (getauxval(AT_HWCAP2) & HWCAP2_I8MM); }

#elif defined(__aarch64__) && defined(__APPLE__)

inline bool has_feature(const char* name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value;
}
inline bool has_neon() { return has_feature("hw.optional.arm.FEAT_DotProd"); }
inline bool has_neon_i8mm() { return has_neon() && has_feature("hw.optional.arm.FEAT_I8MM"); }

#endif

}  // namespace midspan
