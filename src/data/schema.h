// Schema: names and types of columns. Values; immutable once shared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sw::data {

enum class Type : std::uint8_t { kBool, kInt64, kFloat64, kString, kTimestamp };

std::string_view TypeName(Type type);  // "bool", "int64", "float64", "string", "timestamp"
Result<Type> ParseType(std::string_view name);

struct Field {
  std::string name;
  Type type = Type::kFloat64;
  bool nullable = true;
  bool operator==(const Field&) const = default;
};

struct Schema {
  std::vector<Field> fields;

  std::optional<std::size_t> Find(std::string_view name) const;
  // NOT_FOUND names the column, `table` and up to three near misses (edit distance).
  Result<std::size_t> Index(std::string_view name, std::string_view table) const;
  Json ToJson() const;  // [{"name": ..., "type": ..., "nullable": ...}]
  static Result<Schema> FromJson(const Json& json);
  bool operator==(const Schema&) const = default;
};

// Names of `candidates` close to `wanted`, best first, at most three.
std::vector<std::string> NearMisses(std::string_view wanted, const std::vector<std::string>& candidates);

}  // namespace sw::data
