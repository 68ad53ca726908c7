// A batch as the bytes of an Arrow IPC stream, for a process on the other side of a socket.
//
//   std::string bytes = SW_TRY(EncodeArrowStream(rows));
//   Batch answer = SW_TRY(DecodeArrowStream(bytes, {.rows_max = rows.num_rows()}));
//
// What is decoded is hostile: memory stays within a few times the bytes' own. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/batch.h"

namespace sw::data {

Result<std::string> EncodeArrowStream(const Batch& batch);

struct ArrowStreamLimits {
  std::uint64_t rows_max = 10'000'000;
};

// INVALID_ARGUMENT for bytes that are no stream of flat columns, RESOURCE_EXHAUSTED above a limit.
// Compressed buffers must not grow beyond four times the stream.
Result<Batch> DecodeArrowStream(std::string_view bytes, const ArrowStreamLimits& limits = {});

}  // namespace sw::data
