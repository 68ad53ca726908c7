#include "monitor/counterfactual.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace sw::monitor {

namespace {

constexpr std::size_t kTypicalValues = 8;

// The value at `level`, between the profile's quantiles.
double QuantileOf(const data::ColumnProfile& profile, double level) {
  const auto& levels = data::kProfileQuantiles;
  const auto above = static_cast<std::size_t>(std::lower_bound(std::begin(levels), std::end(levels), level) - std::begin(levels));
  if (above == 0) return profile.quantiles.front();
  if (above == std::size(levels)) return profile.quantiles.back();
  const double share = (level - levels[above - 1]) / (levels[above] - levels[above - 1]);
  return profile.quantiles[above - 1] + share * (profile.quantiles[above] - profile.quantiles[above - 1]);
}

}  // namespace

Result<data::Batch> WithColumnReplaced(const data::Batch& rows, const std::string& column,
                                       const data::Column& values, std::size_t index) {
  const std::size_t at = SW_TRY(rows.schema().Index(column, "the features"));
  data::Column replaced(rows.schema().fields[at].type);
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    if (index >= values.size() || values.type() != replaced.type()) {
      replaced.AppendNull();
    } else {
      replaced.AppendFrom(values, index);
    }
  }
  data::Batch copy = rows;
  copy.column(at) = std::move(replaced);
  return copy;
}

data::Column TypicalValues(const data::ColumnProfile& profile) {
  data::Column values(profile.type);
  if (profile.quantiles.size() != std::size(data::kProfileQuantiles)) return values;
  for (std::size_t i = 0; i < kTypicalValues; ++i) {
    const double value = QuantileOf(profile, (static_cast<double>(i) + 0.5) / kTypicalValues);
    if (profile.type == data::Type::kFloat64) values.AppendDouble(value);
    if (profile.type == data::Type::kInt64) values.AppendInt(std::llround(value));
  }
  return values;
}

Result<CounterfactualHarm> CounterfactualHarm::Create() {
  return CounterfactualHarm(SW_TRY(stats::MeanSequence::Create({0, 1})));
}

Status CounterfactualHarm::Add(const data::Batch& features, const std::vector<double>& served, std::int64_t version,
                               const std::string& column, const data::Column& values, const Rescore& rescore) {
  const std::size_t count = std::max<std::size_t>(1, values.size());
  std::vector<double> costs(served.size(), 0);
  for (std::size_t index = 0; index < count; ++index) {
    const data::Batch repaired = SW_TRY(WithColumnReplaced(features, column, values, index));
    const std::vector<double> scores = SW_TRY(rescore(version, repaired));
    for (std::size_t row = 0; row < scores.size(); ++row) {
      const double shift = served[row] - scores[row];
      costs[row] += shift * shift / static_cast<double>(count);
    }
  }
  for (const double cost : costs) SW_TRY(sequence_.Add(std::clamp(cost, 0.0, 1.0)));
  return Ok();
}

Harm CounterfactualHarm::Estimate(double alpha) const {
  if (sequence_.Count() == 0) return {};
  return {.mean = sequence_.Mean(), .interval = sequence_.Bounds(alpha), .rows = sequence_.Count()};
}

}  // namespace sw::monitor
