#include "train/recipe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "data/schema.h"
#include "train/lightgbm_params.h"

namespace sw::train {
namespace {

constexpr std::array kLibraries = {Library::kLightGbm, Library::kLogistic, Library::kConstant};

Status CheckKeys(const Json& config) {
  const std::vector<std::string> known = {"training_set", "library", "rounds", "params", "monotone", "seed"};
  for (const auto& [key, value] : config.AsObject()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::vector<std::string> near = data::NearMisses(key, known);
    return InvalidArgument("{}: unknown key; {} {}", key,
                           near.empty() ? "known are" : "did you mean",
                           fmt::join(near.empty() ? known : near, ", "));
  }
  return Ok();
}

Result<Library> ParseLibrary(const std::string& name) {
  for (const Library library : kLibraries) {
    if (LibraryName(library) == name) return library;
  }
  return InvalidArgument("library: expected lightgbm, logistic or constant, found {}", name);
}

Status CheckParams(const Recipe& recipe) {
  if (recipe.library == Library::kLightGbm) {
    SW_TRY(LightGbmParameters(recipe.params));
    return Ok();
  }
  if (recipe.params.IsNull()) return Ok();
  if (!recipe.params.IsObject())
    return InvalidArgument("params: expected a table, found {}", recipe.params.TypeName());
  for (const auto& [key, value] : recipe.params.AsObject()) {
    if (recipe.library != Library::kLogistic || key != "l2") {
      return InvalidArgument("params.{}: library {} takes {}", key, LibraryName(recipe.library),
                             recipe.library == Library::kLogistic ? "l2 only" : "none");
    }
    if (!value.IsNumber() || !(value.AsDouble() > 0) || !std::isfinite(value.AsDouble())) {
      return InvalidArgument("params.l2: expected a number above 0, found {}", value.Dump());
    }
  }
  return Ok();
}

Result<std::int64_t> IntInRange(const Json& config, std::string_view key, std::int64_t low,
                                std::int64_t high, std::int64_t fallback) {
  if (!config.Has(key)) return fallback;
  const std::int64_t value = SW_TRY(config.GetInt(key));
  if (value < low || value > high)
    return InvalidArgument("{}: expected {} to {}, found {}", key, low, high, value);
  return value;
}

Result<std::map<std::string, int>> ParseMonotone(const Json& config, Library library) {
  std::map<std::string, int> monotone;
  const Json* found = config.Find("monotone");
  if (found == nullptr) return monotone;
  if (!found->IsObject()) return InvalidArgument("monotone: expected a table, found {}", found->TypeName());
  if (library != Library::kLightGbm) return InvalidArgument("monotone: library {} takes none", LibraryName(library));
  for (const auto& [column, direction] : found->AsObject()) {
    if (!direction.IsInt() || std::abs(direction.AsInt()) != 1) {
      return InvalidArgument("monotone.{}: expected 1 or -1, found {}", column, direction.Dump());
    }
    monotone[column] = static_cast<int>(direction.AsInt());
  }
  return monotone;
}

Result<Recipe> Parse(std::string_view name, const Json& config) {
  if (!config.IsObject()) return InvalidArgument("expected a table, found {}", config.TypeName());
  SW_TRY(CheckKeys(config));
  Recipe recipe{.name = std::string(name)};
  if (config.Has("training_set")) recipe.training_set = SW_TRY(config.GetString("training_set"));
  if (config.Has("library"))
    recipe.library = SW_TRY(ParseLibrary(SW_TRY(config.GetString("library"))));
  recipe.rounds =
      static_cast<int>(SW_TRY(IntInRange(config, "rounds", 1, kRoundsMax, recipe.rounds)));
  recipe.seed = static_cast<std::uint64_t>(
      SW_TRY(IntInRange(config, "seed", 0, std::numeric_limits<std::int64_t>::max(), 0)));
  if (const Json* params = config.Find("params")) recipe.params = *params;
  recipe.monotone = SW_TRY(ParseMonotone(config, recipe.library));
  SW_TRY(CheckParams(recipe));
  return recipe;
}

}  // namespace

std::string_view LibraryName(Library library) {
  switch (library) {
    case Library::kLightGbm:
      return "lightgbm";
    case Library::kLogistic:
      return "logistic";
    case Library::kConstant:
      return "constant";
  }
  return "constant";
}

Json Recipe::ToJson() const {
  Json json = Json::MakeObject(
      {{"training_set", training_set}, {"library", LibraryName(library)}, {"seed", seed}});
  if (library == Library::kLightGbm) json.Set("rounds", rounds);
  if (!params.IsNull()) json.Set("params", params);
  for (const auto& [column, direction] : monotone) json["monotone"].Set(column, direction);
  return json;
}

Result<Recipe> ParseRecipe(std::string_view name, const Json& config) {
  Result<Recipe> recipe = Parse(name, config);
  if (recipe) return recipe;
  Error error = std::move(recipe).error();
  error.message = fmt::format("recipe.{}.{}", name, error.message);
  return std::unexpected(std::move(error));
}

}  // namespace sw::train
