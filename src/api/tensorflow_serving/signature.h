// What TensorFlow Serving's REST and gRPC have in common: labels, the one signature of an endpoint, what
// it answers. Inside this room only. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/wire/predict.h"
#include "base/result.h"
#include "data/schema.h"
#include "serve/endpoints.h"

namespace sw::tensorflow_serving {

inline constexpr std::string_view kSignature = "serving_default";
inline constexpr std::string_view kPredictMethod = "tensorflow/serving/predict";

// "live", "canary", ...: pins the version of the first arm of that mode.
Result<wire::Target> FindLabel(const serve::Endpoints& endpoints, std::string_view model, std::string_view label);

Status CheckSignatureName(std::string_view name);  // "" is the one there is

// Regress answers one value a row.
Status CheckRegress(const serve::EndpointSnapshot& endpoint);

std::string_view TensorType(data::Type type);  // "DT_DOUBLE"

// Each class and its score: two of a binary classifier's one score.
std::vector<std::pair<std::string, double>> ClassesOf(const serve::PredictResult& result, std::size_t row);

}  // namespace sw::tensorflow_serving
