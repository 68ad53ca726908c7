// The kernel of normal_exp.h for what every CPU of the architecture has.
#define SW_SIGMOIDS_NAME SigmoidsBaseline
#include "model/sigmoids.inc"
