#define MIDSPAN_ISA avx512_bf16
#define MIDSPAN_AVX512
#define MIDSPAN_BF16

#include "export_kernels.h"
