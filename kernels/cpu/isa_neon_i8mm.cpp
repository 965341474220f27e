#define MIDSPAN_ISA neon_i8mm
#define MIDSPAN_NEON
#define MIDSPAN_I8MM

#include "export_kernels.h"
