#define MIDSPAN_ISA avx512
#define MIDSPAN_AVX512

#include "export_kernels.h"
