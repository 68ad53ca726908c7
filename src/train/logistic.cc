#include "train/logistic.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/errors.h"
#include "model/real_math.h"

namespace sw::train {
namespace {

constexpr int kStepsMax = 50;
constexpr int kHalvingsMax = 30;
constexpr double kGradientPerRowMax = 1e-9;

// The standardised table, row after row, with a last column of ones for the intercept.
struct Design {
  std::vector<model::LinearModel::Term> terms = {};
  std::vector<double> cells = {};
  std::size_t rows = 0;
  std::size_t width() const { return terms.size() + 1; }
  std::span<const double> Row(std::size_t row) const {
    return std::span(cells).subspan(row * width(), width());
  }
};

model::LinearModel::Term Standardise(const std::string& name, const data::Column& column) {
  double sum = 0;
  double count = 0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    const double value = column.AsDouble(row);
    if (!std::isfinite(value)) continue;
    sum += value;
    ++count;
  }
  const double mean = count > 0 ? sum / count : 0;
  double squares = 0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    const double value = column.AsDouble(row);
    if (std::isfinite(value)) squares += (value - mean) * (value - mean);
  }
  // Over all rows, as the missing ones sit at the mean.
  return {.column = name,
          .mean = mean,
          .scale = std::sqrt(squares / static_cast<double>(column.size()))};
}

Design MakeDesign(const data::Batch& features) {
  Design design{.rows = features.num_rows()};
  std::vector<const data::Column*> columns;
  for (std::size_t c = 0; c < features.num_columns(); ++c) {
    const data::Column& column = features.column(c);
    if (column.type() == data::Type::kString) continue;
    const model::LinearModel::Term term = Standardise(features.schema().fields[c].name, column);
    if (!std::isfinite(term.mean) || !std::isfinite(term.scale) || term.scale <= 0) continue;
    design.terms.push_back(term);
    columns.push_back(&column);
  }
  design.cells.assign(design.rows * design.width(), 1.0);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (std::size_t row = 0; row < design.rows; ++row) {
      const double value = columns[c]->AsDouble(row);
      const model::LinearModel::Term& term = design.terms[c];
      design.cells[row * design.width() + c] =
          std::isfinite(value) ? (value - term.mean) / term.scale : 0;
    }
  }
  return design;
}

double Dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// ln(1 + e^x) without overflow.
double SoftPlus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double Objective(const Design& design, std::span<const double> labels,
                 std::span<const double> weights, double l2) {
  double sum = 0;
  for (std::size_t row = 0; row < design.rows; ++row) {
    const double margin = Dot(design.Row(row), weights);
    sum += SoftPlus(margin) - labels[row] * margin;
  }
  for (const double weight : weights.first(weights.size() - 1)) sum += l2 / 2 * weight * weight;
  return sum;
}

struct Derivatives {
  std::vector<double> gradient;
  std::vector<double> hessian;  // the lower triangle is filled
};

Derivatives Differentiate(const Design& design, std::span<const double> labels,
                          std::span<const double> weights, double l2) {
  const std::size_t width = design.width();
  Derivatives made{std::vector<double>(width), std::vector<double>(width * width)};
  for (std::size_t row = 0; row < design.rows; ++row) {
    const std::span<const double> x = design.Row(row);
    const double p = model::Sigmoid(Dot(x, weights));
    for (std::size_t i = 0; i < width; ++i) {
      made.gradient[i] += (p - labels[row]) * x[i];
      const double curved = p * (1 - p) * x[i];
      double* line = &made.hessian[i * width];
      for (std::size_t j = 0; j <= i; ++j) line[j] += curved * x[j];
    }
  }
  for (std::size_t i = 0; i + 1 < width; ++i) {
    made.gradient[i] += l2 * weights[i];
    made.hessian[i * width + i] += l2;
  }
  return made;
}

// Solves hessian * step = gradient by Cholesky's decomposition, in place; false when the matrix is
// not positive definite in double.
bool Solve(std::vector<double>& hessian, std::vector<double>& gradient) {
  const std::size_t width = gradient.size();
  const auto at = [&](std::size_t i, std::size_t j) -> double& { return hessian[i * width + j]; };
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = at(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      if (i == j && !(sum > 0)) return false;
      at(i, j) = i == j ? std::sqrt(sum) : sum / at(j, j);
    }
  }
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t k = 0; k < i; ++k) gradient[i] -= at(i, k) * gradient[k];
    gradient[i] /= at(i, i);
  }
  for (std::size_t i = width; i-- > 0;) {
    for (std::size_t k = i + 1; k < width; ++k) gradient[i] -= at(k, i) * gradient[k];
    gradient[i] /= at(i, i);
  }
  return true;
}

// Takes the step, halved until it does not lead upwards; false when no length of it leads
// downwards, which is the end of what double can tell.
bool Step(const Design& design, std::span<const double> labels, std::span<const double> step,
          double l2, std::vector<double>& weights, double& objective) {
  std::vector<double> next(weights.size());
  double length = 1;
  for (int halving = 0; halving < kHalvingsMax; ++halving, length /= 2) {
    for (std::size_t i = 0; i < next.size(); ++i) next[i] = weights[i] - length * step[i];
    const double value = Objective(design, labels, next, l2);
    if (!(value < objective)) continue;
    weights = next;
    objective = value;
    return true;
  }
  return false;
}

Result<std::vector<double>> Minimise(const Design& design, std::span<const double> labels,
                                     double l2) {
  std::vector<double> weights(design.width());
  double objective = Objective(design, labels, weights, l2);
  for (int steps = 0; steps < kStepsMax; ++steps) {
    Derivatives derivatives = Differentiate(design, labels, weights, l2);
    double steepest = 0;
    for (const double slope : derivatives.gradient) steepest = std::max(steepest, std::abs(slope));
    if (steepest <= kGradientPerRowMax * static_cast<double>(design.rows)) return weights;
    if (!Solve(derivatives.hessian, derivatives.gradient)) {
      return FailedPrecondition(
          "logistic regression: the columns depend on each other; raise params.l2 from {}", l2);
    }
    if (!Step(design, labels, derivatives.gradient, l2, weights, objective)) return weights;
  }
  return FailedPrecondition(
      "logistic regression did not converge in {} steps; raise params.l2 from {}", kStepsMax, l2);
}

}  // namespace

Result<model::LinearModel> FitLogistic(const data::Batch& features, std::span<const double> labels,
                                       double l2) {
  const Design design = MakeDesign(features);
  const std::vector<double> weights = SW_TRY(Minimise(design, labels, l2));
  model::LinearModel model{
      .terms = design.terms, .intercept = weights.back(), .transform = model::Transform::kSigmoid};
  for (std::size_t i = 0; i < model.terms.size(); ++i) model.terms[i].weight = weights[i];
  return model;
}

double PredictLinear(const model::LinearModel& model, const data::Batch& features,
                     std::size_t row) {
  double sum = model.intercept;
  for (const model::LinearModel::Term& term : model.terms) {
    const double value = features.Find(term.column)->AsDouble(row);
    if (!std::isnan(value)) sum += (value - term.mean) / term.scale * term.weight;
  }
  if (model.transform == model::Transform::kIdentity) return sum;
  return static_cast<double>(1.0L / (1.0L + std::exp(-static_cast<long double>(sum))));
}

}  // namespace sw::train
