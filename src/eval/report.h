// EvaluateScores: how good a binary classifier's scores are on a labelled table, as a whole and by
// slice, each number with an interval.
//
//   EvalInput may{.scores = scores, .labels = labels, .clusters = days,
//                 .slices = {{"origin", table.Find("origin")}}};
//   Report report = SW_TRY(EvaluateScores(may, {.threshold = threshold, .costs = costs, .seed = 7}));
//   content.report = report.ToJson();
//
// Choose the threshold on rows of its own (stats::BestThreshold on a validation part): chosen on
// the rows that are evaluated it looks too good. To compare two models use gate.h: two intervals that overlap
// say nothing about a difference. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "stats/interval.h"
#include "stats/metrics.h"

namespace sw::eval {

// A column to report by; null is a value of its own ("null").
struct SliceColumn {
  std::string name;
  const data::Column* column = nullptr;  // borrowed
};

// One prediction a row; spans are borrowed.
struct EvalInput {
  std::span<const double> scores = {};           // probabilities
  std::span<const std::uint8_t> labels = {};     // 0 or 1
  std::span<const std::uint64_t> clusters = {};  // rows of one key (a day) are not independent; empty: all are
  std::vector<SliceColumn> slices = {};
};

struct EvalOptions {
  double threshold = 0.5;
  stats::CostMatrix costs = {};
  double confidence = 0.95;
  std::size_t resamples = 1000;        // of the bootstrap
  std::uint64_t seed = 0;
  std::size_t calibration_bins = 10;
  std::size_t roc_points_max = 200;
  std::size_t slice_rows_min = 50;     // smaller slices get counts only
  std::size_t slice_values_max = 100;  // of one column, the largest; the rest is counted
};

// The metrics of some rows. Absent where the rows cannot say: AUC of one class, intervals of fewer
// than two clusters.
struct Metrics {
  std::uint64_t rows = 0;
  std::uint64_t positives = 0;
  std::optional<stats::Estimate> auc = {};  // DeLong over clusters (Obuchowski 1997)
  std::optional<stats::Estimate> brier = {}, log_loss = {}, cost = {}, accuracy = {};  // clustered BCa bootstrap
  bool operator==(const Metrics&) const = default;
};

struct SliceMetrics {
  std::string column;
  std::string value;
  Metrics metrics;
  bool operator==(const SliceMetrics&) const = default;
};

struct Report {
  Metrics all;
  std::uint64_t clusters = 0;
  EvalOptions options;
  std::vector<stats::CalibrationBin> calibration;
  double calibration_error = 0;
  std::vector<stats::RocPoint> roc;  // for plotting; empty for one class
  std::vector<SliceMetrics> slices;  // by column in the order asked, then by rows, most first

  // {"rows", "positives", "threshold", "costs", "metrics": {"auc": {"value", "low", "high", "standard_error"}, ...},
  // "calibration": [...], "roc": [[fpr, tpr], ...], "slices": [...], "seed", ...}
  Json ToJson() const;
};

// INVALID_ARGUMENT for no rows, lengths that differ, labels other than 0 and 1, scores outside [0, 1].
Result<Report> EvaluateScores(const EvalInput& input, const EvalOptions& options);

}  // namespace sw::eval
