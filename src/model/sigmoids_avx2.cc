// The kernel of normal_exp.h for AVX2. Compiled with its own flags;
// call it only where the CPU has it.
#define SW_SIGMOIDS_NAME SigmoidsAvx2
#include "model/sigmoids.inc"
