// Memory for what is decoded from outside; inside this room only. Refuses what a message promises and does not
// hold: sizes of compressed buffers come from outside. Thread-safe as Arrow's pools are.
#pragma once

#include <cstdint>
#include <memory>

namespace arrow {
class MemoryPool;
}  // namespace arrow

namespace sw::data {

// Outlives every buffer that came from it.
std::shared_ptr<arrow::MemoryPool> MakeLimitedPool(std::int64_t bytes_max);

}  // namespace sw::data
