#include "data/schema.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/text.h"

namespace sw::data {
namespace {

constexpr std::pair<Type, std::string_view> kTypeNames[] = {
    {Type::kBool, "bool"},     {Type::kInt64, "int64"},         {Type::kFloat64, "float64"},
    {Type::kString, "string"}, {Type::kTimestamp, "timestamp"},
};
constexpr std::size_t kNearMissesMax = 3;
constexpr std::size_t kNameBytesCompared = 64;  // bounds the edit distance of hostile names

// Levenshtein's edit distance, without regard to ASCII case.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replace = diagonal + (base::ToLower(a[i]) == base::ToLower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view TypeName(Type type) {
  for (const auto& [candidate, name] : kTypeNames) {
    if (candidate == type) return name;
  }
  return "unknown";
}

Result<Type> ParseType(std::string_view name) {
  for (const auto& [type, candidate] : kTypeNames) {
    if (candidate == name) return type;
  }
  return InvalidArgument("unknown type: \"{}\"; use bool, int64, float64, string or timestamp", name);
}

std::optional<std::size_t> Schema::Find(std::string_view name) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return i;
  }
  return std::nullopt;
}

Result<std::size_t> Schema::Index(std::string_view name, std::string_view table) const {
  if (const auto found = Find(name)) return *found;
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  const std::vector<std::string> near = NearMisses(name, names);
  if (near.empty()) {
    return NotFound("no column \"{}\" in {}; it has {} columns, none of a similar name", name, table,
                    names.size());
  }
  return NotFound("no column \"{}\" in {}; did you mean {}?", name, table, fmt::join(near, ", "));
}

Json Schema::ToJson() const {
  Json json = Json::MakeArray();
  for (const Field& field : fields) {
    json.Append(Json::MakeObject(
        {{"name", field.name}, {"type", TypeName(field.type)}, {"nullable", field.nullable}}));
  }
  return json;
}

Result<Schema> Schema::FromJson(const Json& json) {
  if (!json.IsArray()) return InvalidArgument("schema: expected an array, found {}", json.TypeName());
  Schema schema;
  std::set<std::string> names;
  for (const Json& item : json.AsArray()) {
    Field field;
    field.name = SW_TRY(item.GetString("name"));
    const std::string type = SW_TRY(item.GetString("type"));
    field.type = SW_TRY(ParseType(type));
    field.nullable = item.BoolOr("nullable", true);
    if (!names.insert(field.name).second) {
      return InvalidArgument("schema: column \"{}\" is declared twice; rename one", field.name);
    }
    schema.fields.push_back(std::move(field));
  }
  return schema;
}

std::vector<std::string> NearMisses(std::string_view wanted, const std::vector<std::string>& candidates) {
  wanted = wanted.substr(0, kNameBytesCompared);
  const std::size_t distance_max = std::max<std::size_t>(2, wanted.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& candidate : candidates) {
    const auto name = std::string_view(candidate).substr(0, kNameBytesCompared);
    const bool part = wanted.size() >= 3 && name.find(wanted) != std::string_view::npos;
    const std::size_t distance = EditDistance(wanted, name);
    if (distance < name.size() && (part || distance <= distance_max)) near.emplace_back(distance, candidate);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (near.size() > kNearMissesMax) near.resize(kNearMissesMax);
  std::vector<std::string> names;
  for (auto& [distance, name] : near) names.push_back(std::move(name));
  return names;
}

}  // namespace sw::data
