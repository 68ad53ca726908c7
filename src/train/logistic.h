// FitLogistic: L2-regularised logistic regression, a baseline that has no luck and no settings.
// Internal to this room.
//
// Columns are standardised (mean 0, standard deviation 1 over the values present), a missing value
// counts as the mean; minimised is the sum of log losses plus l2 / 2 times the squared weights, the
// intercept free: sklearn's LogisticRegression(C=1/l2) after SimpleImputer and StandardScaler. Text
// columns are left out: a category's code has no order, and a baseline does not need target means.
#pragma once

#include <span>

#include "base/result.h"
#include "data/batch.h"
#include "model/engine.h"

namespace sw::train {

// Newton's method with step halving. Uses the columns that are neither text nor constant. Infinite
// values count as missing. Requires labels of 0 and 1, a row each, of both kinds.
// FAILED_PRECONDITION when it does not converge.
Result<model::LinearModel> FitLogistic(const data::Batch& features, std::span<const double> labels,
                                       double l2);

// What the model predicts for a row of `features`, in extended precision: golden rows must not come
// from the engine that they are to check.
double PredictLinear(const model::LinearModel& model, const data::Batch& features, std::size_t row);

}  // namespace sw::train
