#include "eval/losses.h"

#include <algorithm>
#include <cmath>

namespace sw::eval {
namespace {

constexpr double kSmallest = 1e-15;

template <typename LossOf>
std::vector<double> ByRow(const stats::Scored& rows, const LossOf& loss_of) {
  std::vector<double> losses(rows.scores.size());
  for (std::size_t i = 0; i < losses.size(); ++i)
    losses[i] = loss_of(rows.scores[i], rows.labels[i] != 0);
  return losses;
}

}  // namespace

std::string_view LossName(Loss loss) {
  switch (loss) {
    case Loss::kBrier:
      return "brier";
    case Loss::kLogLoss:
      return "log_loss";
    case Loss::kCost:
      return "cost";
  }
  return "brier";
}

std::vector<double> BrierLosses(const stats::Scored& rows) {
  return ByRow(rows, [](double score, bool label) {
    const double error = score - (label ? 1 : 0);
    return error * error;
  });
}

std::vector<double> LogLosses(const stats::Scored& rows) {
  return ByRow(rows, [](double score, bool label) {
    const double p = std::clamp(score, kSmallest, 1 - kSmallest);
    return -std::log(label ? p : 1 - p);
  });
}

std::vector<double> Costs(const stats::Scored& rows, double threshold,
                          const stats::CostMatrix& costs) {
  return ByRow(rows, [&](double score, bool label) {
    if (score >= threshold) return label ? costs.true_positive : costs.false_positive;
    return label ? costs.false_negative : costs.true_negative;
  });
}

std::vector<double> LossesOf(Loss loss, const stats::Scored& rows, double threshold,
                             const stats::CostMatrix& costs) {
  switch (loss) {
    case Loss::kBrier:
      return BrierLosses(rows);
    case Loss::kLogLoss:
      return LogLosses(rows);
    case Loss::kCost:
      return Costs(rows, threshold, costs);
  }
  return {};
}

}  // namespace sw::eval
