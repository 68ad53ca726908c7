// XGBoost's gblinear: sums in float, in its order. Internal to model_file.cc and its tests.
#pragma once

#include <memory>
#include <vector>

#include "model/engine.h"

namespace sw::model {

// For each output: (bias + base), then + value * weight for each feature that is not missing, all
// in float, then the link.
struct FloatLinearModel {
  Forest head = {};                 // no trees: features, outputs, base (one for all), link
  std::vector<float> weights = {};  // a row of `outputs` for each feature, then one of biases
  bool operator==(const FloatLinearModel&) const = default;
};

Result<std::unique_ptr<Engine>> MakeFloatLinearEngine(FloatLinearModel model);

}  // namespace sw::model
