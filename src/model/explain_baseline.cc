// The kernel of explain_kernel.h for what every CPU of the architecture has.
#define SW_EXPLAIN_NAME ExplainBaseline
#define SW_EXPLAIN_BYTES 16
#include "model/explain_kernel.inc"
