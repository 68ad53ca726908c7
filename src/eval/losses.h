// Loss: what a gate compares models by, row by row.
//
// A ranking such as AUC is no loss: it has no value for one row, and cannot see scores that are all
// too high. Pure functions over checked rows (stats::CheckScored); thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "stats/metrics.h"

namespace sw::eval {

enum class Loss : std::uint8_t { kBrier, kLogLoss, kCost };
std::string_view LossName(Loss loss);  // "brier", "log_loss", "cost"

std::vector<double> BrierLosses(const stats::Scored& rows);
std::vector<double> LogLosses(
    const stats::Scored& rows);  // probabilities clipped as in stats::LogLoss
std::vector<double> Costs(const stats::Scored& rows, double threshold,
                          const stats::CostMatrix& costs);
std::vector<double> LossesOf(Loss loss, const stats::Scored& rows, double threshold,
                             const stats::CostMatrix& costs);

}  // namespace sw::eval
