#include "data/contract.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "base/errors.h"

namespace sw::data {
namespace {

constexpr std::size_t kQuartileLow = 3, kQuartileHigh = 5;  // in kProfileQuantiles

constexpr std::pair<ViolationKind, std::string_view> kKindNames[] = {
    {ViolationKind::kMissingColumn, "missing_column"}, {ViolationKind::kWrongType, "wrong_type"},
    {ViolationKind::kUnexpectedNull, "unexpected_null"}, {ViolationKind::kNotFinite, "not_finite"},
    {ViolationKind::kOutOfRange, "out_of_range"}, {ViolationKind::kUnknownCategory, "unknown_category"},
};

void LearnRange(const ColumnProfile& profile, double slack_iqr, ColumnContract& column) {
  if (profile.quantiles.size() != std::size(kProfileQuantiles)) return;  // no finite value was seen
  const double slack = slack_iqr * (profile.quantiles[kQuartileHigh] - profile.quantiles[kQuartileLow]);
  column.min = profile.min - slack;
  column.max = profile.max + slack;
}

// Leaves the list empty (any text is fine) when there are too many distinct values.
void LearnCategories(const Column& values, std::size_t categories_max, ColumnContract& column) {
  std::set<std::string, std::less<>> seen;
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (values.IsNull(row) || seen.contains(values.String(row))) continue;
    seen.emplace(values.String(row));
    if (seen.size() > categories_max) return;
  }
  column.categories.assign(seen.begin(), seen.end());
}

// An int64 column takes the place of a float64 one: JSON and CSV writers drop the ".0".
bool TypeFits(Type found, Type expected) {
  return found == expected || (found == Type::kInt64 && expected == Type::kFloat64);
}

std::optional<ViolationKind> CheckValue(const ColumnContract& contract, const Column& values, std::size_t row) {
  if (values.IsNull(row)) {
    return contract.nullable ? std::nullopt : std::optional(ViolationKind::kUnexpectedNull);
  }
  if (contract.type == Type::kString) {
    const bool known = contract.categories.empty() ||
                       std::binary_search(contract.categories.begin(), contract.categories.end(),
                                          values.String(row), std::less<>());
    return known ? std::nullopt : std::optional(ViolationKind::kUnknownCategory);
  }
  const double value = values.AsDouble(row);
  if (!std::isfinite(value)) return ViolationKind::kNotFinite;
  if ((contract.min && value < *contract.min) || (contract.max && value > *contract.max)) {
    return ViolationKind::kOutOfRange;
  }
  return std::nullopt;
}

// What each column of the contract meets in a batch: values, or the same violation on every row.
struct Met {
  const Column* values = nullptr;
  std::optional<ViolationKind> always;
};

std::vector<Met> Meet(const Contract& contract, const Batch& rows) {
  std::vector<Met> met;
  met.reserve(contract.columns.size());
  const std::vector<Field>& fields = rows.schema().fields;
  for (const ColumnContract& column : contract.columns) {
    // Most rows have the columns in the contract's own order.
    const std::size_t i = met.size();
    const bool is_here = i < fields.size() && fields[i].name == column.name;
    const Column* values = is_here ? &rows.column(i) : rows.Find(column.name);
    if (values == nullptr) {
      met.push_back({nullptr, ViolationKind::kMissingColumn});
    } else if (!TypeFits(values->type(), column.type)) {
      met.push_back({values, ViolationKind::kWrongType});
    } else {
      met.push_back({values, std::nullopt});
    }
  }
  return met;
}

// Whether CheckValue finds nothing in any row, for numbers without nulls at the speed of reading them.
bool IsFlawless(const ColumnContract& contract, const Column& values) {
  if (values.type() != Type::kFloat64 || values.null_count() > 0) return false;
  constexpr double kMost = std::numeric_limits<double>::max();
  const double least = std::max(contract.min.value_or(-kMost), -kMost), most = std::min(contract.max.value_or(kMost), kMost);
  bool is_flawless = true;
  for (const double value : values.doubles()) is_flawless &= value >= least && value <= most;  // NaN is in no range
  return is_flawless;
}

Result<std::optional<double>> OptionalDouble(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  if (value == nullptr || value->IsNull()) return std::optional<double>();
  return std::optional<double>(SW_TRY(json.GetDouble(key)));
}

Result<ColumnContract> ColumnFromJson(const Json& json) {
  ColumnContract column;
  column.name = SW_TRY(json.GetString("name"));
  const std::string type = SW_TRY(json.GetString("type"));
  column.type = SW_TRY(ParseType(type));
  column.nullable = SW_TRY(json.GetBool("nullable"));
  column.min = SW_TRY(OptionalDouble(json, "min"));
  column.max = SW_TRY(OptionalDouble(json, "max"));
  if (!json.Has("categories")) return column;
  const Json* categories = SW_TRY(json.GetArray("categories"));
  for (const Json& category : categories->AsArray()) {
    if (!category.IsString()) return InvalidArgument("contract: column \"{}\": categories must be text", column.name);
    column.categories.push_back(category.AsString());
  }
  std::sort(column.categories.begin(), column.categories.end());
  return column;
}

}  // namespace

std::string_view ViolationKindName(ViolationKind kind) {
  for (const auto& [candidate, name] : kKindNames) {
    if (candidate == kind) return name;
  }
  return "unknown";
}

Json Contract::ToJson() const {
  Json items = Json::MakeArray();
  for (const ColumnContract& column : columns) {
    Json item = Json::MakeObject(
        {{"name", column.name}, {"type", TypeName(column.type)}, {"nullable", column.nullable}});
    if (column.min) item.Set("min", *column.min);
    if (column.max) item.Set("max", *column.max);
    if (!column.categories.empty()) item.Set("categories", Json::FromRange(column.categories));
    items.Append(std::move(item));
  }
  return Json::MakeObject({{"columns", std::move(items)}});
}

Result<Contract> Contract::FromJson(const Json& json) {
  Contract contract;
  const Json* items = SW_TRY(json.GetArray("columns"));
  for (const Json& item : items->AsArray()) contract.columns.push_back(SW_TRY(ColumnFromJson(item)));
  return contract;
}

Contract LearnContract(const Profile& profile, const Batch& table, const LearnOptions& options) {
  Contract contract;
  for (const ColumnProfile& seen : profile.columns) {
    ColumnContract column;
    column.name = seen.name;
    column.type = seen.type;
    column.nullable = seen.nulls > 0 || seen.rows == 0;
    const bool has_range = seen.type == Type::kInt64 || seen.type == Type::kFloat64;
    if (has_range) LearnRange(seen, options.range_slack_iqr, column);
    const Column* values = table.Find(seen.name);
    if (seen.type == Type::kString && values != nullptr && values->type() == Type::kString) {
      LearnCategories(*values, options.categories_max, column);
    }
    contract.columns.push_back(std::move(column));
  }
  return contract;
}

std::size_t CheckContract(const Contract& contract, const Batch& rows, std::size_t violations_max,
                          std::vector<Violation>& violations) {
  const std::vector<Met> met = Meet(contract, rows);
  std::vector<std::size_t> suspects;  // columns
  for (std::size_t i = 0; i < met.size(); ++i) {
    if (met[i].always || !IsFlawless(contract.columns[i], *met[i].values)) suspects.push_back(i);
  }
  std::size_t total = 0, appended = 0;
  if (suspects.empty()) return total;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    for (const std::size_t i : suspects) {
      const auto kind = met[i].always ? met[i].always : CheckValue(contract.columns[i], *met[i].values, row);
      if (!kind) continue;
      ++total;
      if (appended == violations_max) continue;
      violations.push_back({row, i, *kind});
      ++appended;
    }
  }
  return total;
}

}  // namespace sw::data
