// A stream of events means the same to who reads it in one piece as in the pieces in which a network brings it, and
// what was read is read again as it was written. The first byte chooses the pieces.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "net/event_source.h"

namespace {

std::vector<sw::net::Event> Read(std::string_view bytes, std::size_t step) {
  sw::net::EventParser parser;
  std::vector<sw::net::Event> all;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto events = parser.Feed(bytes.substr(at, step));
    if (!events) break;
    all.insert(all.end(), events->begin(), events->end());
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<sw::net::Event> events = Read(bytes, std::max<std::size_t>(bytes.size(), 1));
  SW_CHECK(Read(bytes, 1 + data[0] % 32) == events, "pieces of a stream mean something else than the whole");
  for (const sw::net::Event& event : events) {
    std::string type = event.type;
    std::ranges::replace(type, '\0', ' ');  // as every field is written
    const std::vector<sw::net::Event> again = Read(sw::net::FormatEvent(event), 7);
    SW_CHECK(again.size() == 1 && again[0].data == event.data && again[0].type == type && again[0].id == event.id,
             "an event is not read as it was written");
  }
  return 0;
}
