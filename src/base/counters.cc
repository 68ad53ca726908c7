#include "base/counters.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"

namespace sw::base {
namespace {

constexpr std::size_t kEdges = LatencyHistogram::kBuckets - 1;

// Upper edges in nanoseconds of all buckets but the last, which takes everything slower.
constexpr std::array<std::int64_t, kEdges> MakeEdges() {
  constexpr std::array<double, 4> kQuarters = {1000.0, 1189.2071150027211, 1414.2135623730951,
                                               1681.7928305074290};
  std::array<std::int64_t, kEdges> edges{};
  for (std::size_t i = 0; i < kEdges; ++i) {
    const auto doubling = static_cast<double>(std::int64_t{1} << (i / 4));
    edges[i] = static_cast<std::int64_t>(kQuarters[i % 4] * doubling);
  }
  return edges;
}
constexpr std::array<std::int64_t, kEdges> kEdgesNs = MakeEdges();

std::string RenderLabels(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ',';
    out += key;
    out += "=\"";
    for (const char c : value) {
      if (c == '\n') {
        out += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out;
}

std::string Braced(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

// Prints one bucket a doubling; the finer ones serve the quantiles that we compute ourselves.
void AppendHistogram(std::string& out, std::string_view name, const std::string& labels,
                     const LatencyHistogram& histogram) {
  const std::string before = labels.empty() ? "" : labels + ",";
  auto to = std::back_inserter(out);
  std::int64_t cumulative = 0;
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    cumulative += histogram.BucketCount(i);
    if (i % 4 != 0 || i == kEdges) continue;
    fmt::format_to(to, "{}_bucket{{{}le=\"{}\"}} {}\n", name, before,
                   LatencyHistogram::BucketUpperSeconds(i), cumulative);
  }
  fmt::format_to(to, "{}_bucket{{{}le=\"+Inf\"}} {}\n", name, before, cumulative);
  fmt::format_to(to, "{}_sum{} {}\n", name, Braced(labels), histogram.SumSeconds());
  fmt::format_to(to, "{}_count{} {}\n", name, Braced(labels), cumulative);
}

}  // namespace

void LatencyHistogram::Record(std::int64_t nanoseconds) {
  const std::int64_t value = std::max<std::int64_t>(nanoseconds, 0);
  // Not beyond the bucket: its doubling, from which there are at most four steps.
  const int doubling = std::bit_width(static_cast<std::uint64_t>(value) / 1000) - 1;
  std::size_t bucket = std::min(doubling < 0 ? 0 : 4 * static_cast<std::size_t>(doubling), kEdges);
  while (bucket < kEdges && kEdgesNs[bucket] < value) ++bucket;
  buckets_[bucket].Add();
  sum_ns_.Add(value);
}

double LatencyHistogram::QuantileSeconds(double q) const {
  const std::int64_t count = Count();
  if (count == 0) return 0;
  const auto rank = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count))));
  std::int64_t cumulative = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    cumulative += buckets_[i].Value();
    if (cumulative >= rank) return BucketUpperSeconds(i);
  }
  return BucketUpperSeconds(kBuckets - 1);
}

std::int64_t LatencyHistogram::Count() const {
  std::int64_t count = 0;
  for (const Counter& bucket : buckets_) count += bucket.Value();
  return count;
}

double LatencyHistogram::SumSeconds() const { return static_cast<double>(sum_ns_.Value()) * 1e-9; }

double LatencyHistogram::BucketUpperSeconds(std::size_t bucket) {
  if (bucket >= kEdges) return 67.108864;  // where the last bucket begins, 2^26 microseconds
  return static_cast<double>(kEdgesNs[bucket]) / 1e9;
}

Counter& Counters::Get(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  Family& family = families_[std::string(name)];
  SW_CHECK(family.histograms.empty(), "a histogram has this name");
  if (family.help.empty()) family.help = help;
  std::unique_ptr<Counter>& counter = family.counters[RenderLabels(labels)];
  if (counter == nullptr) counter = std::make_unique<Counter>();
  return *counter;
}

LatencyHistogram& Counters::Histogram(std::string_view name, std::string_view help,
                                      const Labels& labels) {
  const std::lock_guard lock(mutex_);
  Family& family = families_[std::string(name)];
  SW_CHECK(family.counters.empty(), "a counter has this name");
  if (family.help.empty()) family.help = help;
  std::unique_ptr<LatencyHistogram>& histogram = family.histograms[RenderLabels(labels)];
  if (histogram == nullptr) histogram = std::make_unique<LatencyHistogram>();
  return *histogram;
}

std::string Counters::PrometheusText() const { return Text(false); }
std::string Counters::OpenMetricsText() const { return Text(true); }

// A counter's family has no _total in OpenMetrics; its samples have.
std::string Counters::Text(bool is_open_metrics) const {
  const std::lock_guard lock(mutex_);
  std::string out;
  auto to = std::back_inserter(out);
  for (const auto& [name, family] : families_) {
    const std::string_view type = !family.histograms.empty() ? "histogram"
                                  : name.ends_with("_total") ? "counter"
                                                             : "gauge";
    std::string_view described = name;
    if (is_open_metrics && type == "counter") described.remove_suffix(std::string_view("_total").size());
    fmt::format_to(to, "# HELP {} {}\n# TYPE {} {}\n", described, family.help, described, type);
    for (const auto& [labels, counter] : family.counters) {
      fmt::format_to(to, "{}{} {}\n", name, Braced(labels), counter->Value());
    }
    for (const auto& [labels, histogram] : family.histograms) {
      AppendHistogram(out, name, labels, *histogram);
    }
  }
  return out;
}

}  // namespace sw::base
