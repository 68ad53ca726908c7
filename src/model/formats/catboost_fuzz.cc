// A JSON model is refused, or it scores: each row alone as among others, whatever its values.
#include "model/formats/catboost.h"
#include "model/formats/fuzz_json.h"
#include "model/formats/fuzz_scores.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto model = sw::model::ParseCatboost({reinterpret_cast<const char*>(data), size});
  if (!model) return 0;
  if (auto* derived = std::get_if<sw::model::DerivedForest>(&*model)) {
    if (derived->inputs.size() > sw::model::kFuzzWidthMax || derived->features.size() > sw::model::kFuzzWidthMax) return 0;
    for (std::size_t i = 0; i < derived->inputs.size(); ++i) derived->inputs[i].name = std::to_string(i);
    const auto engine = sw::model::MakeDerivedEngine(std::move(*derived));
    SW_CHECK(engine.has_value(), "a model that parses does not compile");
    sw::model::CheckOneByOne(**engine);
  } else {
    sw::model::CheckScores(std::move(std::get<sw::model::Forest>(*model)));
  }
  return 0;
}
