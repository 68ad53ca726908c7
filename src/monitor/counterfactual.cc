#include "monitor/counterfactual.h"

#include <algorithm>

namespace sw::monitor {

Result<data::Batch> WithColumnReplaced(const data::Batch& rows, const std::string& column, const data::Column& good_value) {
  const std::size_t index = SW_TRY(rows.schema().Index(column, "the features"));
  data::Column replaced(rows.schema().fields[index].type);
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    if (good_value.size() == 0 || good_value.type() != replaced.type()) {
      replaced.AppendNull();
    } else {
      replaced.AppendFrom(good_value, 0);
    }
  }
  data::Batch copy = rows;
  copy.column(index) = std::move(replaced);
  return copy;
}

Result<CounterfactualHarm> CounterfactualHarm::Create() {
  return CounterfactualHarm(SW_TRY(stats::MeanSequence::Create({0, 1})));
}

Status CounterfactualHarm::Add(const data::Batch& features, const std::vector<double>& served, std::int64_t version,
                               const std::string& column, const data::Column& good_value, const Rescore& rescore) {
  const data::Batch repaired = SW_TRY(WithColumnReplaced(features, column, good_value));
  const std::vector<double> scores = SW_TRY(rescore(version, repaired));
  for (std::size_t row = 0; row < scores.size(); ++row) {
    const double shift = served[row] - scores[row];
    SW_TRY(sequence_.Add(std::clamp(shift * shift, 0.0, 1.0)));
  }
  return Ok();
}

Harm CounterfactualHarm::Estimate(double alpha) const {
  if (sequence_.Count() == 0) return {};
  return {.mean = sequence_.Mean(), .interval = sequence_.Bounds(alpha), .rows = sequence_.Count()};
}

}  // namespace sw::monitor
