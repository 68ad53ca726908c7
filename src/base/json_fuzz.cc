// Both of its readers agree, and whatever Json::Parse takes must print as text that it takes again, as the same value.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "base/json_cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const sw::Result<sw::Json> first = sw::Json::Parse(text);
  const sw::Result<sw::Json> library = sw::base::ParseAnyJson(text, {});
  SW_CHECK(first == library, "the quick reader and the library differ");
  if (!first) return 0;
  const sw::Result<sw::Json> second = sw::Json::Parse(first->Dump());
  SW_CHECK(second.has_value(), "printed JSON does not parse");
  SW_CHECK(*second == *first, "printed JSON is another value");
  SW_CHECK(sw::Json::Parse(first->Dump(2)) == *first, "indented JSON is another value");
  return 0;
}
