#define MIDSPAN_ISA neon
#define MIDSPAN_NEON

#include "export_kernels.h"
