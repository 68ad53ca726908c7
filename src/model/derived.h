// DerivedForest: trees over features that are computed from the model's columns: codes of hashed
// categories, and statistics that training kept for each category or combination (CatBoost). A
// value; immutable once built.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/forest.h"

namespace sw::model {

// A column of the model. A category's text is hashed; whole numbers and booleans (0, 1) are text in
// decimal digits.
struct DerivedInput {
  std::string name = {};
  bool is_category = false;
  bool operator==(const DerivedInput&) const = default;
};

// 1 when the value, as float, is above the border.
struct AboveTest {
  std::uint32_t input = 0;
  float border = 0;
  bool missing_passes = false;
  bool operator==(const AboveTest&) const = default;
};

// 1 when the category has this hash.
struct EqualTest {
  std::uint32_t input = 0;
  std::int32_t hash = 0;
  bool operator==(const EqualTest&) const = default;
};

// A combination of categories and tests, hashed one after another.
struct CategoryKey {
  std::vector<std::uint32_t> categories = {};
  std::vector<AboveTest> above = {};
  std::vector<EqualTest> equal = {};
  bool operator==(const CategoryKey&) const = default;
};

// A feature of the forest. A column itself; the place of its hash in `hashes`, missing when it is
// not there; or the value that the key's hash has in the table.
struct DerivedFeature {
  enum class Kind : std::uint8_t { kColumn, kCode, kStatistic };
  Kind kind = Kind::kColumn;
  std::uint32_t input = 0;                          // kColumn, kCode
  std::unordered_map<std::int32_t, double> codes = {};  // kCode
  std::uint32_t key = 0, table = 0;                 // kStatistic
  std::vector<float> values = {};                   // kStatistic: one a row of the table
  float absent = 0;                                 // kStatistic: of a hash that is not in the table
  bool operator==(const DerivedFeature&) const = default;
};

struct DerivedForest {
  std::vector<DerivedInput> inputs = {};
  std::vector<CategoryKey> keys = {};
  std::vector<std::unordered_map<std::uint64_t, std::uint32_t>> tables = {};  // hash -> row
  std::vector<DerivedFeature> features = {};  // forest.features names them
  Forest forest = {};
  bool operator==(const DerivedForest&) const = default;
};

// CatBoost's hash of a category's text.
std::int32_t CategoryHash(std::string_view text);

// INVALID_ARGUMENT when something points outside of what there is.
Status CheckDerived(const DerivedForest& model);

}  // namespace sw::model
