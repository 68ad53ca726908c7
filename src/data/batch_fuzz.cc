// Whatever DecodeBatch takes is a sound batch, and has that one encoded form.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "data/batch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kVersionsEnd =
      6;  // another version of the format may have the same content
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const sw::Result<sw::data::Batch> batch = sw::data::DecodeBatch(bytes);
  if (!batch) return 0;
  SW_CHECK(batch->Check().has_value(), "a decoded batch is not sound");
  const std::string again = sw::data::EncodeBatch(*batch);
  SW_CHECK(again.substr(kVersionsEnd) == bytes.substr(kVersionsEnd),
           "two encoded forms of one batch");
  for (std::size_t row = 0; row < batch->num_rows(); ++row) {
    for (std::size_t column = 0; column < batch->num_columns(); ++column)
      batch->column(column).ToText(row);
  }
  return 0;
}
