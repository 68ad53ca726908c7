// Whatever DecodeArrowStream takes is a sound batch that comes back from its own encoding.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "data/arrow_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const sw::Result<sw::data::Batch> batch = sw::data::DecodeArrowStream(bytes, {.rows_max = 10'000});
  if (!batch) return 0;
  SW_CHECK(batch->Check().has_value(), "a decoded stream is not sound");
  const sw::Result<std::string> again = sw::data::EncodeArrowStream(*batch);
  SW_CHECK(again.has_value(), "a decoded stream has no encoding");
  const sw::Result<sw::data::Batch> back = sw::data::DecodeArrowStream(*again);
  SW_CHECK(back.has_value() && back->num_rows() == batch->num_rows(), "an encoded stream does not come back");
  return 0;
}
