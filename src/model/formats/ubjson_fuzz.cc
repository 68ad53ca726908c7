// Bytes are refused, or they become a tree that is no larger than they allow.
#include <cstdint>

#include "base/check.h"
#include "model/formats/ubjson.h"

namespace {

std::size_t Values(const sw::model::Document& document) {
  std::size_t count = 1;
  if (const auto* items = std::get_if<sw::model::Document::Array>(&document.value())) {
    for (const auto& item : *items) count += Values(item);
  } else if (const auto* members = std::get_if<sw::model::Document::Object>(&document.value())) {
    for (const auto& member : *members) count += Values(member.second);
  } else {
    count += document.size();
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = sw::model::ReadUbjson({reinterpret_cast<const char*>(data), size});
  if (document) SW_CHECK(Values(*document) <= size, "a tree has more values than the file has bytes");
  return 0;
}
