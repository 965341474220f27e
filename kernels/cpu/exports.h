#pragma once

#if defined(_WIN32)
#define MIDSPAN_EXPORT extern "C" __declspec(dllexport)
#else
#define MIDSPAN_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace midspan {

struct Kernels;

// The kernels for this processor, or those that midspan_select chose.
const Kernels& selected_kernels();

}  // namespace midspan
