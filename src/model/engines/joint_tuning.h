// How an engine made of engines is tuned: as those are, in their order.
//
//   Tuning tuning() const override { return JointTuning(Members()); }
//
// Inside this room only.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/json.h"
#include "model/engine.h"

namespace sw::model {

// That of the one that knows least of how fast it is.
template <typename Part>
Tuning JointTuning(const std::vector<const Part*>& parts) {
  Tuning least = Tuning::kOnlyWay;
  for (const Part* part : parts) {
    const Tuning tuning = part->tuning();
    if (least == Tuning::kOnlyWay || (tuning != Tuning::kOnlyWay && tuning < least)) least = tuning;
  }
  return least;
}

// {name: [a choice each]}; null where none has a choice.
template <typename Part>
Json TuneEach(std::string_view name, const std::vector<const Part*>& parts) {
  if (JointTuning(parts) == Tuning::kOnlyWay) return {};
  Json choices = Json::MakeArray();
  for (const Part* part : parts) choices.Append(part->Tune());
  return Json::MakeObject({{std::string(name), std::move(choices)}});
}

// What TuneEach answered. INVALID_ARGUMENT: of another number of parts than `whole` has.
template <typename Part>
Status ChooseEach(std::string_view whole, std::string_view name, const Json& choice, const std::vector<const Part*>& parts) {
  if (JointTuning(parts) == Tuning::kOnlyWay) return Ok();
  const Json::Array& choices = SW_TRY(choice.GetArray(name))->AsArray();
  if (choices.size() != parts.size()) return InvalidArgument("a choice for {} {}; this {} has {}", choices.size(), name, whole, parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) SW_TRY(parts[i]->Choose(choices[i]));
  return Ok();
}

}  // namespace sw::model
