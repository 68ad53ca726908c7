// Recipe: how to train a model, as one reads it from seaworthy.toml. A value.
//
//   [recipe.late]
//   training_set = "late"
//   library = "lightgbm"       # or "logistic", "constant"
//   rounds = 100
//   [recipe.late.params]       # lightgbm: its learning parameters; logistic: l2
//   num_leaves = 31
//   [recipe.late.monotone]     # lightgbm: the score only falls when the pressure rises
//   "weather_now.pressure" = -1
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sw::train {

enum class Library : std::uint8_t {
  kLightGbm,
  kLogistic,  // L2-regularised logistic regression; text columns are left out
  kConstant,  // the share of positives
};
std::string_view LibraryName(Library library);  // "lightgbm", "logistic", "constant"

inline constexpr int kRoundsMax = 10'000;

struct Recipe {
  std::string name = {};
  std::string training_set = {};
  Library library = Library::kLightGbm;
  int rounds = 100;  // lightgbm only
  Json params = {};  // an object, or null
  // Column -> 1 (a larger value never lowers the score) or -1; lightgbm only. Columns that the table
  // lacks are left out.
  std::map<std::string, int> monotone = {};
  std::uint64_t seed = 0;

  Json ToJson() const;  // what ParseRecipe reads
  bool operator==(const Recipe&) const = default;
};

// Unknown keys, libraries and parameters are refused with near misses; an error begins with the key
// ("recipe.late.rounds: ..."). Of LightGBM only parameters about learning are taken: none that
// names a file, a machine or a device.
Result<Recipe> ParseRecipe(std::string_view name, const Json& config);

}  // namespace sw::train
