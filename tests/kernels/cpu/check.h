// What the self-checks of the native step share: seeded numbers, and failures told by name.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>

namespace check {

inline int failures = 0;

inline void that(bool holds, const char* what, double found, double wanted) {
    if (holds) return;
    if (++failures <= 20) std::printf("%s: %.9g instead of %.9g\n", what, found, wanted);
}

inline void equal(const char* what, double found, double wanted) {
    that(found == wanted || (found != found && wanted != wanted), what, found, wanted);
}

inline void near(const char* what, double found, double wanted, double tolerance) {
    that(std::fabs(found - wanted) <= tolerance, what, found, wanted);
}

inline int report() {
    std::printf("%d failures\n", failures);
    return failures != 0;
}

inline uint32_t next_random() {
    static uint32_t state = 20261127;
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

// Uniform in [-1, 1).
inline float number() { return static_cast<float>(next_random()) / (1 << 23) - 1.f; }
inline int whole(int from, int to) { return from + static_cast<int>(next_random() % static_cast<uint32_t>(to - from + 1)); }

}  // namespace check
