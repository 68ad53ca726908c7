#include "model/formats/linear.h"

#include "base/errors.h"
#include "base/json.h"

namespace sw::model {
namespace {

constexpr std::string_view kTransformNames[] = {"identity", "sigmoid", "exp"};

Result<Transform> ParseTransform(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kTransformNames); ++i) {
    if (kTransformNames[i] == name) return static_cast<Transform>(i);
  }
  return InvalidArgument("linear model: transform {} is unknown; identity, sigmoid and exp are known", name);
}

}  // namespace

Result<LinearModel> ParseLinear(std::string_view text) {
  const Json json = SW_TRY(Json::Parse(text));
  if (SW_TRY(json.GetString("kind")) != "linear") return InvalidArgument("linear model: kind must be linear");
  LinearModel model;
  model.transform = SW_TRY(ParseTransform(SW_TRY(json.GetString("transform"))));
  model.intercept = SW_TRY(json.GetDouble("intercept"));
  for (const Json& term : SW_TRY(json.GetArray("terms"))->AsArray()) {
    model.terms.push_back({.column = SW_TRY(term.GetString("column")), .mean = SW_TRY(term.GetDouble("mean")),
                           .scale = SW_TRY(term.GetDouble("scale")), .weight = SW_TRY(term.GetDouble("weight"))});
  }
  return model;
}

std::string PrintLinear(const LinearModel& model) {
  Json terms = Json::MakeArray();
  for (const LinearModel::Term& term : model.terms) {
    terms.Append(Json::MakeObject(
        {{"column", term.column}, {"mean", term.mean}, {"scale", term.scale}, {"weight", term.weight}}));
  }
  return Json::MakeObject({{"kind", "linear"},
                           {"transform", kTransformNames[static_cast<std::size_t>(model.transform)]},
                           {"intercept", model.intercept},
                           {"terms", std::move(terms)}})
      .Dump();
}

}  // namespace sw::model
