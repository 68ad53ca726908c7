// A model in JSON or UBJSON is refused, or it scores: each row alone as among others, whatever its
// values.
#include "model/formats/fuzz_json.h"
#include "model/formats/fuzz_scores.h"
#include "model/formats/xgboost.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto model = sw::model::ParseXgboost({reinterpret_cast<const char*>(data), size});
  if (!model) return 0;
  if (auto* linear = std::get_if<sw::model::FloatLinearModel>(&*model)) {
    if (linear->head.features.size() > sw::model::kFuzzWidthMax) return 0;
    for (std::size_t i = 0; i < linear->head.features.size(); ++i) linear->head.features[i] = std::to_string(i);
    const auto engine = sw::model::MakeFloatLinearEngine(std::move(*linear));
    SW_CHECK(engine.has_value(), "a linear model that parses does not compile");
    sw::model::CheckOneByOne(**engine);
  } else {
    sw::model::CheckScores(std::move(std::get<sw::model::Forest>(*model)));
  }
  return 0;
}
