#include "api/tensorflow_serving/signature.h"

#include "base/errors.h"

namespace sw::tensorflow_serving {

Result<wire::Target> FindLabel(const serve::Endpoints& endpoints, std::string_view model, std::string_view label) {
  wire::Target target = SW_TRY(wire::FindTarget(endpoints, model));
  for (const serve::Arm& arm : target.endpoint->arms) {
    if (serve::ArmModeName(arm.mode) != label) continue;
    target.version = arm.version;
    return target;
  }
  return NotFound("model {} has no arm {}", model, label);
}

Status CheckSignatureName(std::string_view name) {
  if (name.empty() || name == kSignature) return Ok();
  return InvalidArgument("signature_name {}: there is only {}", name.substr(0, 64), kSignature);
}

Status CheckRegress(const serve::EndpointSnapshot& endpoint) {
  if (endpoint.outputs->count == 1) return Ok();
  return InvalidArgument("regress answers one value a row, and {} predicts {}; use predict or classify", endpoint.name, endpoint.outputs->count);
}

std::string_view TensorType(data::Type type) {
  switch (type) {
    case data::Type::kFloat64: return "DT_DOUBLE";
    case data::Type::kInt64: return "DT_INT64";
    case data::Type::kBool: return "DT_BOOL";
    default: return "DT_STRING";
  }
}

std::vector<std::pair<std::string, double>> ClassesOf(const serve::PredictResult& result, std::size_t row) {
  const serve::Outputs& outputs = *result.outputs;
  if (outputs.count == 1) return {{outputs.Label(0), 1 - result.scores[row]}, {outputs.Label(1), result.scores[row]}};
  std::vector<std::pair<std::string, double>> classes;
  for (std::size_t k = 0; k < outputs.count; ++k) classes.emplace_back(outputs.Label(k), result.ScoresOf(row)[k]);
  return classes;
}

}  // namespace sw::tensorflow_serving
