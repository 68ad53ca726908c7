// What a broken column costs, without waiting for labels.
//
// The rows that the fault touched are scored again with values that the column could have had. If
// such a score q is calibrated, serving p in place of q costs (p - q)^2 of squared error in
// expectation: E[(p - y)^2 - (q - y)^2] = (p - q)^2 when y is one with probability q. A row's cost is
// the mean over the values, which stand for the column's distribution in training, taken as independent
// of the row's other features. The mean over the touched rows has an anytime-valid interval; it speaks
// of the rows, not of that assumption. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "data/profile.h"
#include "stats/betting.h"

namespace sw::monitor {

// Scores feature rows with the version that served them.
using Rescore = std::function<Result<std::vector<double>>(std::int64_t version, const data::Batch& features)>;

struct Harm {
  double mean = 0;
  stats::Interval interval = {0, 1};  // holds the true mean at every look, with probability 1 - alpha
  std::uint64_t rows = 0;
};

class CounterfactualHarm {
 public:
  static Result<CounterfactualHarm> Create();
  // `served` are the scores that were given; `features` as served; `values` as likely as each other,
  // none when nothing is known of the column (then missing is what it is replaced by).
  Status Add(const data::Batch& features, const std::vector<double>& served, std::int64_t version,
             const std::string& column, const data::Column& values, const Rescore& rescore);
  Harm Estimate(double alpha) const;

 private:
  explicit CounterfactualHarm(stats::MeanSequence sequence) : sequence_(std::move(sequence)) {}
  stats::MeanSequence sequence_;
};

// The rows with every value of `column` replaced by value `index` of `values` (null when there is none,
// or of another type).
Result<data::Batch> WithColumnReplaced(const data::Batch& rows, const std::string& column,
                                       const data::Column& values, std::size_t index);

// Eight values that stand for the column's distribution, at the middles of eight equal parts of it; none
// for a column that is no number.
data::Column TypicalValues(const data::ColumnProfile& profile);

}  // namespace sw::monitor
