#include "model/engines/forest_choice.h"

#include "base/errors.h"

namespace sw::model {
namespace {

// Raise it when a method becomes so much faster or slower that what was timed before misleads.
constexpr int kChoiceVersion = 1;

constexpr ForestMethod kMethods[] = {ForestMethod::kLiteral, ForestMethod::kWalk, ForestMethod::kTreelets, ForestMethod::kTable,
                                    ForestMethod::kSlice};

Result<ForestMethod> MethodFromName(std::string_view name) {
  for (const ForestMethod method : kMethods) {
    if (ForestMethodName(method) == name) return method;
  }
  return InvalidArgument("this build has no method \"{}\"", name);
}

Json TimesToJson(const std::vector<ForestChoice::Time>& times) {
  Json json = Json::MakeObject();
  for (const ForestChoice::Time& time : times) json.Set(ForestMethodName(time.method), time.ns);
  return json;
}

Result<std::vector<ForestChoice::Time>> TimesFromJson(const Json& json) {
  std::vector<ForestChoice::Time> times;
  for (const auto& [name, ns] : json.AsObject()) {
    times.push_back({.method = SW_TRY(MethodFromName(name)), .ns = SW_TRY(json.GetDouble(name))});
  }
  return times;
}

}  // namespace

std::string_view ForestMethodName(ForestMethod method) {
  switch (method) {
    case ForestMethod::kLiteral: return "literal";
    case ForestMethod::kWalk: return "interleaved walk";
    case ForestMethod::kTreelets: return "treelets";
    case ForestMethod::kTable: return "row table";
    case ForestMethod::kSlice: return "bit-sliced";
  }
  return "literal";
}

Json ForestChoiceToJson(const ForestChoice& choice) {
  return Json::MakeObject({{"choice_version", kChoiceVersion},
                           {"one_row", ForestMethodName(choice.one_row)},
                           {"many_rows", ForestMethodName(choice.many_rows)},
                           {"many_rows_from", choice.many_rows_from},
                           {"ns_a_row", Json::MakeObject({{"one_row", TimesToJson(choice.one_row_times)},
                                                          {"many_rows", TimesToJson(choice.many_rows_times)}})}});
}

Result<ForestChoice> ForestChoiceFromJson(const Json& json) {
  const std::int64_t version = json.IntOr("choice_version", 0);
  if (version != kChoiceVersion) return InvalidArgument("version {} of a choice; this build reads {}", version, kChoiceVersion);
  const std::int64_t from = SW_TRY(json.GetInt("many_rows_from"));
  if (from < 1) return InvalidArgument("many_rows_from: expected at least 1, found {}", from);
  const Json* times = SW_TRY(json.GetObject("ns_a_row"));
  return ForestChoice{.one_row = SW_TRY(MethodFromName(SW_TRY(json.GetString("one_row")))),
                      .many_rows = SW_TRY(MethodFromName(SW_TRY(json.GetString("many_rows")))),
                      .many_rows_from = static_cast<std::size_t>(from),
                      .one_row_times = SW_TRY(TimesFromJson(*SW_TRY(times->GetObject("one_row")))),
                      .many_rows_times = SW_TRY(TimesFromJson(*SW_TRY(times->GetObject("many_rows"))))};
}

}  // namespace sw::model
