// The bit-sliced kernel for what every CPU of the architecture has: SSE2, or NEON.
#include "model/engines/slice.h"

namespace {
constexpr std::size_t kLane = 16;
}
#define SW_SLICE_NAME SliceSumBaseline
#include "model/engines/slice_bytes.inc"
