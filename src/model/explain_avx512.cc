// The kernel of explain_kernel.h for AVX-512. Compiled with its own flags;
// call it only where the CPU has it.
#define SW_EXPLAIN_NAME ExplainAvx512
#define SW_EXPLAIN_BYTES 64
#include "model/explain_kernel.inc"
