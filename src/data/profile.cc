#include "data/profile.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "base/errors.h"

namespace sw::data {
namespace {

constexpr std::size_t kDistinctMax = 10'000;  // beyond, `distinct` is a lower bound
constexpr std::size_t kTopMax = 10;
constexpr std::size_t kFindingsRows = 100;    // fewer rows say nothing about outliers
constexpr double kFarIqr = 20;                // a gap of that many IQR is worth a finding
constexpr double kPercent = 100;

// Counts distinct values up to the limit; values that come later are not counted. Key is what a
// value is told apart by: hashing a number is several times faster than printing it.
template <typename Key>
class DistinctCounter {
 public:
  // Counts the value of `row`, and keeps the row to print it from.
  void Add(const Key& key, std::size_t row) {
    const auto found = counts_.find(key);
    if (found != counts_.end()) {
      ++found->second.count;
    } else if (counts_.size() < kDistinctMax) {
      counts_.emplace(key, Seen{1, row});
    } else {
      is_exact_ = false;
    }
  }
  void WriteTo(const Column& column, ColumnProfile& profile) const {
    profile.distinct = counts_.size();
    profile.distinct_is_exact = is_exact_;
    for (const auto& [key, seen] : counts_) profile.top.emplace_back(column.ToText(seen.row), seen.count);
    const auto commoner = [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    };
    const std::size_t kept = std::min(kTopMax, profile.top.size());
    std::partial_sort(profile.top.begin(), profile.top.begin() + static_cast<std::ptrdiff_t>(kept),
                      profile.top.end(), commoner);
    profile.top.resize(kept);
  }

 private:
  struct Seen {
    std::uint64_t count = 0;
    std::size_t row = 0;
  };
  std::unordered_map<Key, Seen> counts_;
  bool is_exact_ = true;
};

// All NaN are one value here, whatever their bits.
std::uint64_t KeyOfNumber(const Column& column, std::size_t row) {
  if (column.type() != Type::kFloat64) return static_cast<std::uint64_t>(column.Int(row));
  const double value = column.Double(row);
  return std::bit_cast<std::uint64_t>(std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value);
}

void CountDistinct(const Column& column, ColumnProfile& profile) {
  DistinctCounter<std::string_view> texts;
  DistinctCounter<std::uint64_t> numbers;
  const bool is_text = column.type() == Type::kString;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) continue;
    if (is_text) {
      texts.Add(column.String(row), row);
    } else {
      numbers.Add(KeyOfNumber(column, row), row);
    }
  }
  if (is_text) {
    texts.WriteTo(column, profile);
  } else {
    numbers.WriteTo(column, profile);
  }
}

// Interpolates linearly between order statistics (Hyndman and Fan, type 7).
double Quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = position - static_cast<double>(below);
  return sorted[below] * (1 - share) + sorted[above] * share;
}

// Two passes in row order: the same bits everywhere.
void WriteMoments(const std::vector<double>& values, ColumnProfile& profile) {
  double sum = 0;
  for (const double value : values) sum += value;
  const auto count = static_cast<double>(values.size());
  profile.mean = sum / count;
  double squares = 0;
  for (const double value : values) squares += (value - profile.mean) * (value - profile.mean);
  profile.stddev = values.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
}

// Finds the extreme values that a wide gap parts from the rest, as the 999 of a sensor.
void FindFarValues(const std::vector<double>& sorted, const ColumnProfile& profile,
                   std::vector<std::string>& findings) {
  const double iqr = Quantile(sorted, 0.75) - Quantile(sorted, 0.25);
  if (sorted.size() < kFindingsRows || iqr <= 0) return;
  const auto far = [&](std::size_t count, double value, double gap, std::string_view side) {
    findings.push_back(fmt::format("{} {} at {:.6g} {} {:.0f} IQR {} the rest", count,
                                   count == 1 ? "value" : "values", value, count == 1 ? "lies" : "lie",
                                   gap / iqr, side));
  };
  const std::size_t few = sorted.size() / 1000 + 1;
  for (std::size_t count = 1; count <= few; ++count) {
    const double gap = sorted[sorted.size() - count] - sorted[sorted.size() - count - 1];
    if (gap > kFarIqr * iqr) far(count, profile.max, gap, "above");
    const double gap_below = sorted[count] - sorted[count - 1];
    if (gap_below > kFarIqr * iqr) far(count, profile.min, gap_below, "below");
  }
}

void ProfileNumbers(const Column& column, ColumnProfile& profile) {
  std::vector<double> values;
  values.reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) continue;
    const double value = column.AsDouble(row);
    if (std::isfinite(value)) {
      values.push_back(value);
    } else {
      ++profile.nan_or_infinite;
    }
  }
  if (values.empty()) return;
  WriteMoments(values, profile);
  std::sort(values.begin(), values.end());
  profile.min = values.front();
  profile.max = values.back();
  for (const double q : kProfileQuantiles) profile.quantiles.push_back(Quantile(values, q));
  if (column.type() != Type::kBool) FindFarValues(values, profile, profile.findings);
}

void FindGeneral(ColumnProfile& profile) {
  const std::uint64_t present = profile.rows - profile.nulls;
  auto& findings = profile.findings;
  if (present == 0 && profile.rows > 0) findings.push_back("always null");
  if (profile.distinct == 1 && present > 1) findings.push_back("constant");
  if (profile.nan_or_infinite > 0) {
    findings.push_back(fmt::format("{} values are NaN or infinite", profile.nan_or_infinite));
  }
  if (present > 0 && profile.nulls * 2 > profile.rows) {
    findings.push_back(fmt::format("{:.1f} % null", kPercent * static_cast<double>(profile.nulls) /
                                                        static_cast<double>(profile.rows)));
  }
  if (profile.type == Type::kString && present >= kFindingsRows && profile.distinct_is_exact &&
      profile.distinct == present) {
    findings.push_back("every value is different: an id?");
  }
}

ColumnProfile ProfileColumn(const Field& field, const Column& column) {
  ColumnProfile profile;
  profile.name = field.name;
  profile.type = field.type;
  profile.rows = column.size();
  profile.nulls = column.null_count();
  CountDistinct(column, profile);
  if (field.type != Type::kString) ProfileNumbers(column, profile);
  FindGeneral(profile);
  return profile;
}

Json ColumnToJson(const ColumnProfile& column) {
  Json top = Json::MakeArray();
  for (const auto& [value, count] : column.top) top.Append(Json::MakeObject({{"value", value}, {"count", count}}));
  return Json::MakeObject({{"name", column.name},
                           {"type", TypeName(column.type)},
                           {"rows", column.rows},
                           {"nulls", column.nulls},
                           {"nan_or_infinite", column.nan_or_infinite},
                           {"distinct", column.distinct},
                           {"distinct_is_exact", column.distinct_is_exact},
                           {"min", column.min},
                           {"max", column.max},
                           {"mean", column.mean},
                           {"stddev", column.stddev},
                           {"quantiles", Json::FromRange(column.quantiles)},
                           {"top", std::move(top)},
                           {"findings", Json::FromRange(column.findings)}});
}

Result<std::uint64_t> GetCount(const Json& json, std::string_view key) {
  const std::int64_t value = SW_TRY(json.GetInt(key));
  if (value < 0) return InvalidArgument("profile: \"{}\" is {}; expected a count", key, value);
  return static_cast<std::uint64_t>(value);
}

Status ReadLists(const Json& json, ColumnProfile& column) {
  const Json* quantiles = SW_TRY(json.GetArray("quantiles"));
  for (const Json& quantile : quantiles->AsArray()) {
    if (!quantile.IsNumber()) return InvalidArgument("profile: quantiles: expected numbers");
    column.quantiles.push_back(quantile.AsDouble());
  }
  const Json* top = SW_TRY(json.GetArray("top"));
  for (const Json& item : top->AsArray()) {
    std::string value = SW_TRY(item.GetString("value"));
    column.top.emplace_back(std::move(value), SW_TRY(GetCount(item, "count")));
  }
  const Json* findings = SW_TRY(json.GetArray("findings"));
  for (const Json& finding : findings->AsArray()) {
    if (!finding.IsString()) return InvalidArgument("profile: findings: expected text");
    column.findings.push_back(finding.AsString());
  }
  if (!column.quantiles.empty() && column.quantiles.size() != std::size(kProfileQuantiles)) {
    return InvalidArgument("profile: {} quantiles; expected {}", column.quantiles.size(),
                           std::size(kProfileQuantiles));
  }
  return Ok();
}

Result<ColumnProfile> ColumnFromJson(const Json& json) {
  ColumnProfile column;
  column.name = SW_TRY(json.GetString("name"));
  const std::string type = SW_TRY(json.GetString("type"));
  column.type = SW_TRY(ParseType(type));
  column.rows = SW_TRY(GetCount(json, "rows"));
  column.nulls = SW_TRY(GetCount(json, "nulls"));
  column.nan_or_infinite = SW_TRY(GetCount(json, "nan_or_infinite"));
  column.distinct = SW_TRY(GetCount(json, "distinct"));
  column.distinct_is_exact = SW_TRY(json.GetBool("distinct_is_exact"));
  column.min = SW_TRY(json.GetDouble("min"));
  column.max = SW_TRY(json.GetDouble("max"));
  column.mean = SW_TRY(json.GetDouble("mean"));
  column.stddev = SW_TRY(json.GetDouble("stddev"));
  SW_TRY(ReadLists(json, column));
  return column;
}

}  // namespace

Json Profile::ToJson() const {
  Json items = Json::MakeArray();
  for (const ColumnProfile& column : columns) items.Append(ColumnToJson(column));
  return Json::MakeObject({{"rows", rows}, {"columns", std::move(items)}});
}

Result<Profile> Profile::FromJson(const Json& json) {
  Profile profile;
  profile.rows = SW_TRY(GetCount(json, "rows"));
  const Json* items = SW_TRY(json.GetArray("columns"));
  for (const Json& item : items->AsArray()) profile.columns.push_back(SW_TRY(ColumnFromJson(item)));
  return profile;
}

const ColumnProfile* Profile::Find(std::string_view column) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnProfile& candidate) { return candidate.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

Profile ProfileTable(const Batch& batch) {
  Profile profile;
  profile.rows = batch.num_rows();
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    profile.columns.push_back(ProfileColumn(batch.schema().fields[i], batch.column(i)));
  }
  return profile;
}

}  // namespace sw::data
