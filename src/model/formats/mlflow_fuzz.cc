// An MLmodel file is refused or read, and so is an example.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "model/formats/mlflow.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto model = sw::model::ParseMlmodel(text);
  if (model) SW_CHECK(!model->data_path.empty(), "a model of no file");
  const auto example =
      sw::model::ParseMlflowExample(text, model ? model->columns : sw::data::Schema());
  if (example) SW_CHECK(example->Check().has_value(), "an example is no table");
  return 0;
}
