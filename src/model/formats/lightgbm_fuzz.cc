// A text model is refused, or it scores: each row alone as among others, whatever its values.
#include "model/formats/fuzz_scores.h"
#include "model/formats/lightgbm.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto forest = sw::model::ParseLightGbm({reinterpret_cast<const char*>(data), size});
  if (forest) sw::model::CheckScores(*std::move(forest));
  return 0;
}
