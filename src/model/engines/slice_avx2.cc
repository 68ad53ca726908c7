// The bit-sliced kernel for AVX2. Compiled with -mavx2; call it only where the CPU has it.
#include "model/engines/slice.h"

namespace {
constexpr std::size_t kLane = 32;
}
#define SW_SLICE_NAME SliceSumAvx2
#include "model/engines/slice_bytes.inc"
