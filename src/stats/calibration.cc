#include "stats/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/errors.h"

namespace sw::stats {
namespace {

// Distinct scores from first to last that share one fitted value.
struct Block {
  double first = 0;
  double last = 0;
  double sum = 0;
  double weight = 0;
  double Value() const { return sum / weight; }
};

std::vector<Block> BlocksOfDistinctScores(const Scored& rows) {
  std::vector<std::size_t> order(rows.scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return rows.scores[a] < rows.scores[b]; });
  std::vector<Block> blocks;
  for (const std::size_t i : order) {
    const double score = rows.scores[i];
    if (blocks.empty() || blocks.back().first != score) blocks.push_back({score, score, 0, 0});
    blocks.back().sum += rows.labels[i];
    blocks.back().weight += 1;
  }
  return blocks;
}

// Merges a block with those before it for as long as they are not below it.
std::vector<Block> Pool(const std::vector<Block>& blocks) {
  std::vector<Block> pooled;
  for (Block block : blocks) {
    while (!pooled.empty() && pooled.back().Value() >= block.Value()) {
      const Block& before = pooled.back();
      block = {before.first, block.last, before.sum + block.sum, before.weight + block.weight};
      pooled.pop_back();
    }
    pooled.push_back(block);
  }
  return pooled;
}

double Sigmoid(double z) {
  return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z));
}

// ln(1 + exp(z)) without overflow.
double SoftPlus(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

// Platt's targets, which keep separable data from driving the slope to infinity.
struct Targets {
  double positive = 1;
  double negative = 0;
};

double NegativeLogLikelihood(const Scored& rows, const Targets& targets, const PlattCalibrator& p) {
  double loss = 0;
  for (std::size_t i = 0; i < rows.scores.size(); ++i) {
    const double z = p.slope * rows.scores[i] + p.intercept;
    const double target = rows.labels[i] != 0 ? targets.positive : targets.negative;
    loss += SoftPlus(z) - target * z;
  }
  return loss;
}

struct Newton {
  double gradient_slope = 0;
  double gradient_intercept = 0;
  PlattCalibrator step;  // to be added
};

Newton NewtonStep(const Scored& rows, const Targets& targets, const PlattCalibrator& p) {
  constexpr double kRidge = 1e-12;  // keeps the Hessian positive definite
  double h11 = kRidge;
  double h22 = kRidge;
  double h12 = 0;
  Newton n;
  for (std::size_t i = 0; i < rows.scores.size(); ++i) {
    const double x = rows.scores[i];
    const double q = Sigmoid(p.slope * x + p.intercept);
    const double error = q - (rows.labels[i] != 0 ? targets.positive : targets.negative);
    n.gradient_slope += error * x;
    n.gradient_intercept += error;
    h11 += q * (1 - q) * x * x;
    h22 += q * (1 - q);
    h12 += q * (1 - q) * x;
  }
  const double determinant = h11 * h22 - h12 * h12;
  n.step.slope = -(h22 * n.gradient_slope - h12 * n.gradient_intercept) / determinant;
  n.step.intercept = -(h11 * n.gradient_intercept - h12 * n.gradient_slope) / determinant;
  return n;
}

// Halves the step until the likelihood improves enough; false when none is small enough.
bool Backtrack(const Scored& rows, const Targets& targets, const Newton& n, PlattCalibrator& p) {
  const double before = NegativeLogLikelihood(rows, targets, p);
  const double descent = n.gradient_slope * n.step.slope + n.gradient_intercept * n.step.intercept;
  for (double size = 1; size >= 1e-10; size /= 2) {
    const PlattCalibrator trial{p.slope + size * n.step.slope,
                                p.intercept + size * n.step.intercept};
    if (NegativeLogLikelihood(rows, targets, trial) < before + 1e-4 * size * descent) {
      p = trial;
      return true;
    }
  }
  return false;
}

}  // namespace

double IsotonicCalibrator::Apply(double score) const {
  if (std::isnan(score)) return score;
  const auto above = std::upper_bound(scores.begin(), scores.end(), score);
  if (above == scores.begin()) return values.front();
  if (above == scores.end()) return values.back();
  const auto i = static_cast<std::size_t>(above - scores.begin());
  const double share = (score - scores[i - 1]) / (scores[i] - scores[i - 1]);
  return std::lerp(values[i - 1], values[i], share);
}

Status CheckIsotonic(const IsotonicCalibrator& calibrator) {
  const auto& [scores, values] = calibrator;
  if (scores.empty() || scores.size() != values.size()) {
    return InvalidArgument("isotonic calibrator has {} scores and {} values", scores.size(),
                           values.size());
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool finite = std::isfinite(scores[i]) && std::isfinite(values[i]);
    const bool rising = i == 0 || (scores[i] > scores[i - 1] && values[i] >= values[i - 1]);
    if (!finite || !rising)
      return InvalidArgument("isotonic calibrator is not rising at point {}", i);
  }
  return Ok();
}

Result<IsotonicCalibrator> FitIsotonic(const Scored& rows) {
  SW_TRY(CheckScored(rows));
  IsotonicCalibrator calibrator;
  for (const Block& block : Pool(BlocksOfDistinctScores(rows))) {
    calibrator.scores.push_back(block.first);
    calibrator.values.push_back(block.Value());
    if (block.last == block.first) continue;
    calibrator.scores.push_back(block.last);
    calibrator.values.push_back(block.Value());
  }
  return calibrator;
}

IsotonicCalibrator CalibratorFromTable(std::span<const CalibrationBin> bins) {
  struct Pooled {
    double rows = 0, scores = 0, positives = 0;  // sums
  };
  std::vector<Pooled> pooled;
  for (const CalibrationBin& bin : bins) {
    if (bin.count == 0) continue;
    const auto rows = static_cast<double>(bin.count);
    Pooled next{rows, rows * bin.mean_score, rows * bin.positive_share};
    while (!pooled.empty() && pooled.back().positives * next.rows >= next.positives * pooled.back().rows) {
      const Pooled& last = pooled.back();
      next = {last.rows + next.rows, last.scores + next.scores, last.positives + next.positives};
      pooled.pop_back();
    }
    pooled.push_back(next);
  }
  IsotonicCalibrator calibrator;
  for (const Pooled& each : pooled) {
    calibrator.scores.push_back(each.scores / each.rows);
    calibrator.values.push_back(each.positives / each.rows);
  }
  return calibrator;
}

double PlattCalibrator::Apply(double score) const { return Sigmoid(slope * score + intercept); }

Result<PlattCalibrator> FitPlatt(const Scored& rows) {
  SW_TRY(CheckScored(rows));
  const auto positives = static_cast<double>(std::count(rows.labels.begin(), rows.labels.end(), 1));
  const double negatives = static_cast<double>(rows.labels.size()) - positives;
  if (positives == 0 || negatives == 0) {
    return FailedPrecondition("Platt scaling needs both classes, got {} positives and {} negatives",
                              positives, negatives);
  }
  const Targets targets{(positives + 1) / (positives + 2), 1 / (negatives + 2)};
  PlattCalibrator p{0, std::log((positives + 1) / (negatives + 1))};
  constexpr int kIterationsMax = 100;
  const double tolerance = 1e-10 * static_cast<double>(rows.scores.size());
  for (int i = 0; i < kIterationsMax; ++i) {
    const Newton n = NewtonStep(rows, targets, p);
    if (std::abs(n.gradient_slope) < tolerance && std::abs(n.gradient_intercept) < tolerance) break;
    if (!Backtrack(rows, targets, n, p)) break;
  }
  return p;
}

}  // namespace sw::stats
