// The functions that Python calls, and the choice of the instruction set for this machine.
#include <atomic>
#include <cstdint>
#include <cstring>

#include "exports.h"
#include "kernels.h"
#include "processor.h"

namespace midspan {

// setup.py defines MIDSPAN_HAS_... for each file that it could compile.
#define MIDSPAN_DECLARE(isa) \
    namespace isa {          \
    const Kernels& kernels(); \
    }
#ifdef MIDSPAN_HAS_AVX512_BF16
MIDSPAN_DECLARE(avx512_bf16)
#endif
#ifdef MIDSPAN_HAS_AVX512
MIDSPAN_DECLARE(avx512)
#endif
#ifdef MIDSPAN_HAS_AVX2
MIDSPAN_DECLARE(avx2)
#endif
#ifdef MIDSPAN_HAS_NEON_I8MM
MIDSPAN_DECLARE(neon_i8mm)
#endif
#ifdef MIDSPAN_HAS_NEON
MIDSPAN_DECLARE(neon)
#endif
MIDSPAN_DECLARE(portable)

namespace {

struct Choice {
    const Kernels& (*kernels)();
    bool (*can_run)();
};

bool always() { return true; }

// The fastest first.
constexpr Choice CHOICES[] = {
#ifdef MIDSPAN_HAS_AVX512_BF16
    {avx512_bf16::kernels, has_avx512_bf16},
#endif
#ifdef MIDSPAN_HAS_AVX512
    {avx512::kernels, has_avx512},
#endif
#ifdef MIDSPAN_HAS_AVX2
    {avx2::kernels, has_avx2},
#endif
#ifdef MIDSPAN_HAS_NEON_I8MM
    {neon_i8mm::kernels, has_neon_i8mm},
#endif
#ifdef MIDSPAN_HAS_NEON
    {neon::kernels, has_neon},
#endif
    {portable::kernels, always},
};

const Kernels* fastest() {
    for (const Choice& choice : CHOICES) {
        if (choice.can_run()) return &choice.kernels();
    }
    return nullptr;  // not reached: the last can always run
}

std::atomic<const Kernels*> chosen{fastest()};

}  // namespace

const Kernels& selected_kernels() { return *chosen.load(); }

}  // namespace midspan

MIDSPAN_EXPORT int32_t midspan_version() { return midspan::VERSION; }

// The name of the instruction set that serves.
MIDSPAN_EXPORT const char* midspan_isa() { return midspan::selected_kernels().isa; }

// Chooses another instruction set for all plans that are made later, for tests; returns 0 when this machine or this library has none
// of this name.
MIDSPAN_EXPORT int32_t midspan_select(const char* isa) {
    for (const midspan::Choice& choice : midspan::CHOICES) {
        if (!choice.can_run() || std::strcmp(choice.kernels().isa, isa) != 0) continue;
        midspan::chosen.store(&choice.kernels());
        return 1;
    }
    return 0;
}
