// EvaluateScores: how good a binary classifier's scores are on a labelled table, as a whole and by
// slice, each number with an interval.
//
//   EvalInput may{.scores = scores, .labels = labels, .clusters = days,
//                 .slices = {{"origin", table.Find("origin")}}};
//   Report report = SW_TRY(EvaluateScores(may, {.threshold = threshold, .seed = 7}));
//   content.report = report.ToJson();              // serving reads "threshold" from it
//
// Choose the threshold on rows of its own (stats::BestThreshold on a validation part): chosen on
// the rows that are evaluated it looks too good. To compare two models use gate.h: two intervals
// that overlap say nothing about a difference. Pure functions; thread-safe.
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
  std::span<const double> scores = {};        // probabilities
  std::span<const std::uint8_t> labels = {};  // 0 or 1
  std::span<const std::uint64_t> clusters =
      {};  // rows of one key (a day) are not independent; empty: all are
  std::vector<SliceColumn> slices = {};
};

struct EvalOptions {
  double threshold = 0.5;
  stats::CostMatrix costs = {};
  double confidence = 0.95;
  std::size_t resamples = 1000;  // of the bootstrap
  std::uint64_t seed = 0;
  std::size_t calibration_bins = 10;
  std::size_t roc_points_max = 200;
  std::size_t slice_rows_min = 50;     // smaller slices get counts only
  std::size_t slice_values_max = 100;  // of one column, the largest; the rest is counted
};

struct Metric {
  double value = 0;
  // Absent with fewer than two clusters: one day says nothing about another.
  std::optional<double> standard_error = {};
  std::optional<stats::Interval> interval = {};
  bool operator==(const Metric&) const = default;
};

struct Metrics {
  std::uint64_t rows = 0;
  std::uint64_t positives = 0;
  std::uint64_t clusters = 0;
  std::optional<Metric> auc =
      {};  // DeLong's components summed by cluster (auc.h); absent for one class
  // Means of rows, with a BCa bootstrap of clusters. Absent in a slice below slice_rows_min.
  std::optional<Metric> brier = {}, log_loss = {}, cost = {}, accuracy = {};
  bool operator==(const Metrics&) const = default;
};

struct SliceMetrics {
  std::string column = {};
  std::string value = {};
  Metrics metrics = {};
  bool operator==(const SliceMetrics&) const = default;
};

struct Report {
  Metrics all;
  EvalOptions options;
  std::vector<stats::CalibrationBin> calibration;
  double calibration_error = 0;
  std::vector<stats::RocPoint> roc;  // for plotting; empty for one class
  std::vector<SliceMetrics> slices;  // by column in the order asked, then by rows, most first

  // {"rows", "positives", "clusters", "auc": {"value", "standard_error", "low", "high"}, "brier",
  // "log_loss", "cost", "accuracy", "threshold", "costs", "confidence", "seed", "calibration":
  // [{"low", "high", "count", "mean_score", "positive_share", "share_low", "share_high"}],
  // "calibration_error", "roc": [[fpr, tpr, threshold]], "slices": [{"column", "value", "rows",
  // ..., "auc", ...}]}
  Json ToJson() const;
};

// INVALID_ARGUMENT for no rows, lengths that differ, labels other than 0 and 1, scores outside [0,
// 1].
Result<Report> EvaluateScores(const EvalInput& input, const EvalOptions& options);

}  // namespace sw::eval
