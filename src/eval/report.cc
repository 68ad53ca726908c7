#include "eval/report.h"

#include <unordered_set>
#include <utility>

#include "base/errors.h"
#include "base/random.h"
#include "eval/auc.h"
#include "eval/gate.h"
#include "eval/losses.h"
#include "eval/slices.h"
#include "stats/intervals.h"

namespace sw::eval {
namespace {

// Some rows of the input, copied together.
struct Part {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  std::vector<std::uint64_t> clusters;
  stats::Scored Scored() const { return {scores, labels}; }
};

Part TakePart(const EvalInput& input, const std::vector<std::size_t>& rows) {
  Part part;
  for (const std::size_t row : rows) {
    part.scores.push_back(input.scores[row]);
    part.labels.push_back(input.labels[row]);
    if (!input.clusters.empty()) part.clusters.push_back(input.clusters[row]);
  }
  return part;
}

// The mean of the losses; its interval where there are clusters enough.
Result<Metric> MeanMetric(const std::vector<double>& losses, const Metrics& counts,
                          std::span<const std::uint64_t> clusters, const EvalOptions& options,
                          base::Random& random) {
  if (counts.clusters < 2) {
    double sum = 0;
    for (const double loss : losses) sum += loss;
    return Metric{.value = sum / static_cast<double>(losses.size())};
  }
  const stats::BootstrapOptions bootstrap{.resamples = options.resamples,
                                          .confidence = options.confidence};
  const stats::Estimate made = SW_TRY(stats::BootstrapMean(losses, clusters, bootstrap, random));
  return Metric{
      .value = made.value, .standard_error = made.standard_error, .interval = made.interval};
}

Metrics Count(const stats::Scored& rows, std::span<const std::uint64_t> clusters) {
  Metrics counts{.rows = rows.labels.size()};
  for (const std::uint8_t label : rows.labels) counts.positives += label;
  counts.clusters =
      clusters.empty() ? counts.rows
                       : std::unordered_set<std::uint64_t>(clusters.begin(), clusters.end()).size();
  return counts;
}

Result<Metrics> Measure(const stats::Scored& rows, std::span<const std::uint64_t> clusters,
                        const EvalOptions& options, base::Random& random) {
  Metrics made = Count(rows, clusters);
  if (made.positives > 0 && made.positives < made.rows) {
    made.auc = SW_TRY(ClusteredAuc(rows, clusters, options.confidence));
  }
  constexpr stats::CostMatrix kMistakes = {
      .true_negative = 1, .false_positive = 0, .false_negative = 0, .true_positive = 1};
  const auto mean = [&](const std::vector<double>& losses) {
    return MeanMetric(losses, made, clusters, options, random);
  };
  made.brier = SW_TRY(mean(BrierLosses(rows)));
  made.log_loss = SW_TRY(mean(LogLosses(rows)));
  made.cost = SW_TRY(mean(Costs(rows, options.threshold, options.costs)));
  made.accuracy = SW_TRY(mean(Costs(rows, options.threshold, kMistakes)));
  return made;
}

Result<std::vector<SliceMetrics>> MeasureSlices(const EvalInput& input, const EvalOptions& options,
                                                base::Random& random) {
  std::vector<SliceMetrics> made;
  for (const SliceColumn& column : input.slices) {
    const std::vector<SliceRows> values = SW_TRY(SplitBySlice(column, input.labels.size()));
    for (std::size_t i = 0; i < values.size() && i < options.slice_values_max; ++i) {
      const Part part = TakePart(input, values[i].rows);
      const bool is_small = values[i].rows.size() < options.slice_rows_min;
      made.push_back(
          {.column = column.name,
           .value = values[i].value,
           .metrics = is_small ? Count(part.Scored(), part.clusters)
                               : SW_TRY(Measure(part.Scored(), part.clusters, options, random))});
    }
  }
  return made;
}

Status CheckInput(const EvalInput& input, const EvalOptions& options) {
  SW_TRY(stats::CheckScored({input.scores, input.labels}, true));
  if (!input.clusters.empty() && input.clusters.size() != input.labels.size()) {
    return InvalidArgument("{} cluster keys for {} rows; give one a row, or none",
                           input.clusters.size(), input.labels.size());
  }
  if (options.confidence > 0 && options.confidence < 1) return Ok();
  return InvalidArgument("confidence {} is not between 0 and 1", options.confidence);
}

Json ToJson(const Metric& metric) {
  Json json = Json::MakeObject({{"value", metric.value}});
  if (metric.standard_error) json.Set("standard_error", *metric.standard_error);
  if (metric.interval) {
    json.Set("low", metric.interval->low);
    json.Set("high", metric.interval->high);
  }
  return json;
}

void AddMetrics(const Metrics& metrics, Json& json) {
  json.Set("rows", metrics.rows);
  json.Set("positives", metrics.positives);
  json.Set("clusters", metrics.clusters);
  if (metrics.auc) json.Set("auc", ToJson(*metrics.auc));
  if (metrics.brier) json.Set("brier", ToJson(*metrics.brier));
  if (metrics.log_loss) json.Set("log_loss", ToJson(*metrics.log_loss));
  if (metrics.cost) json.Set("cost", ToJson(*metrics.cost));
  if (metrics.accuracy) json.Set("accuracy", ToJson(*metrics.accuracy));
}

Json ToJson(const stats::CalibrationBin& bin, double confidence) {
  Json json = Json::MakeObject({{"low", bin.low}, {"high", bin.high}, {"count", bin.count}});
  if (bin.count == 0) return json;
  json.Set("mean_score", bin.mean_score);
  json.Set("positive_share", bin.positive_share);
  const double positives = bin.positive_share * static_cast<double>(bin.count);
  const auto share =
      stats::ClopperPearson(static_cast<std::uint64_t>(positives + 0.5), bin.count, confidence);
  if (share) {
    json.Set("share_low", share->low);
    json.Set("share_high", share->high);
  }
  return json;
}

}  // namespace

Json Report::ToJson() const {
  Json json = Json::MakeObject();
  AddMetrics(all, json);
  json.Set("threshold", options.threshold);
  json.Set("costs", CostsToJson(options.costs));
  json.Set("confidence", options.confidence);
  json.Set("resamples", options.resamples);
  json.Set("seed", options.seed);
  json.Set("calibration", Json::MakeArray());
  for (const stats::CalibrationBin& bin : calibration) {
    json["calibration"].Append(eval::ToJson(bin, options.confidence));
  }
  json.Set("calibration_error", calibration_error);
  json.Set("roc", Json::MakeArray());
  for (const stats::RocPoint& point : roc) {
    json["roc"].Append(
        Json::MakeArray({point.false_positive_rate, point.true_positive_rate, point.threshold}));
  }
  json.Set("slices", Json::MakeArray());
  for (const SliceMetrics& slice : slices) {
    Json line = Json::MakeObject({{"column", slice.column}, {"value", slice.value}});
    AddMetrics(slice.metrics, line);
    json["slices"].Append(std::move(line));
  }
  return json;
}

Result<Report> EvaluateScores(const EvalInput& input, const EvalOptions& options) {
  SW_TRY(CheckInput(input, options));
  base::Random random(options.seed);
  const stats::Scored rows{input.scores, input.labels};
  Report report;
  report.options = options;
  report.all = SW_TRY(Measure(rows, input.clusters, options, random));
  report.calibration = SW_TRY(stats::CalibrationTable(rows, options.calibration_bins));
  report.calibration_error = stats::ExpectedCalibrationError(report.calibration);
  if (report.all.auc) report.roc = SW_TRY(stats::RocCurve(rows, options.roc_points_max));
  report.slices = SW_TRY(MeasureSlices(input, options, random));
  return report;
}

}  // namespace sw::eval
