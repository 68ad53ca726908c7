// The pass before ONNX Runtime refuses bytes, or reads them the same each time; one more output leaves
// what it found as it is. ONNX Runtime itself is not fuzzed here.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "model/formats/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)sw::model::LooksLikeOnnx(bytes);
  const auto whole = sw::model::WithOnnxTensors(
      bytes, [](const std::string& location) -> sw::Result<std::string> { return location; });
  if (whole)
    SW_CHECK(sw::model::ReadOnnxOutline(*whole).has_value(), "a tensor is still elsewhere");
  const auto outline = sw::model::ReadOnnxOutline(bytes);
  if (!outline) return 0;
  auto again = sw::model::ReadOnnxOutline(sw::model::WithOnnxOutputs(bytes, {"one_more"}));
  SW_CHECK(again.has_value() && again->outputs.size() == outline->outputs.size() + 1,
           "an output more is not read");
  again->outputs.pop_back();
  SW_CHECK(*again == *outline, "an output more changes what is read");
  return 0;
}
