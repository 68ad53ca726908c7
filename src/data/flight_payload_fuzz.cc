// Whatever FlightDecoder takes is a sound table whose every cell can be read, and that comes back from its own encoding.
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "data/flight_payload.h"

namespace {

// Two sizes of four bytes each, then header and body; again and again.
void Feed(std::string_view bytes, sw::data::FlightDecoder& decoder) {
  while (bytes.size() >= 8) {
    std::uint32_t sizes[2];
    std::memcpy(sizes, bytes.data(), sizeof sizes);
    bytes.remove_prefix(sizeof sizes);
    const std::string_view header = bytes.substr(0, sizes[0]);
    bytes.remove_prefix(header.size());
    const std::string_view body = bytes.substr(0, sizes[1]);
    bytes.remove_prefix(body.size());
    if (!decoder.Add({std::string(header), std::string(body)})) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sw::data::FlightDecoder decoder({.bytes_max = 1 << 20, .messages_max = 100});
  Feed(std::string_view(reinterpret_cast<const char*>(data), size), decoder);
  const auto table = decoder.Finish();
  if (!table || table->num_rows() > 1'000) return 0;  // a column of nulls takes no memory
  for (std::size_t column = 0; column < table->columns().size(); ++column) {
    static_cast<void>(table->Keys({column}));
    static_cast<void>(table->Times(column, sw::data::TimeUnit::kNanoseconds));
    for (std::size_t row = 0; row < table->num_rows(); ++row) SW_CHECK(table->Value(row, column).has_value(), "a decoded cell cannot be read");
  }
  auto encoder = sw::data::FlightEncoder::Make(*table);
  SW_CHECK(encoder.has_value(), "a decoded table has no encoding");
  sw::data::FlightDecoder again({});
  while (true) {
    auto message = encoder->Next();
    SW_CHECK(message.has_value(), "a decoded table has no encoding");
    if (!*message) break;
    SW_CHECK(again.Add(**std::move(message)).has_value(), "an encoded table is too large");
  }
  const auto back = again.Finish();
  SW_CHECK(back.has_value() && back->num_rows() == table->num_rows(), "an encoded table does not come back");
  return 0;
}
