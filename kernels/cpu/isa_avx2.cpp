#define MIDSPAN_ISA avx2
#define MIDSPAN_AVX2

#include "export_kernels.h"
