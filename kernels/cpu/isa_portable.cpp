#define MIDSPAN_ISA portable

#include "export_kernels.h"
