// The kernel of explain_kernel.h for AVX2. Compiled with its own flags;
// call it only where the CPU has it.
#define SW_EXPLAIN_NAME ExplainAvx2
#define SW_EXPLAIN_BYTES 32
#include "model/explain_kernel.inc"
