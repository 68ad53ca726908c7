#include "model/engines/forest_timing.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "model/engines/slice.h"

namespace sw::model {
namespace {

// Rows that fall everywhere: each value is a neighbour of some threshold of its feature, or missing.
std::vector<double> MadeUpRows(const Forest& forest, std::size_t rows) {
  std::vector<std::vector<double>> thresholds(forest.features.size());
  for (const Tree& tree : forest.trees) {
    for (const Node& node : tree.nodes) thresholds[static_cast<std::size_t>(node.feature)].push_back(node.threshold);
  }
  std::vector<double> cells;
  cells.reserve(rows * thresholds.size());
  std::uint64_t state = 1;
  for (std::size_t r = 0; r < rows; ++r) {
    for (const std::vector<double>& own : thresholds) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;  // Knuth's MMIX
      const std::uint64_t draw = state >> 33;
      const bool is_missing = own.empty() || draw % 16 == 0;
      cells.push_back(is_missing ? std::numeric_limits<double>::quiet_NaN() : own[draw / 16 % own.size()] + (draw & 1 ? 1e-3 : 0));
    }
  }
  return cells;
}

// The thread's own CPU time: other work on the machine must not choose for us.
struct Clock {
  using time_point = std::chrono::nanoseconds;
  static time_point Now() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  }
};

constexpr auto kTuneMax = std::chrono::milliseconds(20);
constexpr auto kRoundMax = std::chrono::microseconds(800);  // of one method and number of rows
constexpr double kClearly = 0.85;
constexpr std::size_t kLapRows = 64;  // at least, between two looks at the clock, which take as long as a row

// Times methods until its budget is spent; what was not timed is infinitely slow.
class Stopwatch {
 public:
  explicit Stopwatch(const ForestEngine& engine)
      : engine_(engine), cells_(MadeUpRows(engine.forest(), kSliceRows)), columns_(engine.forest().features.size()),
        scores_(kSliceRows * engine.outputs(Output::kRaw)), end_(Clock::Now() + kTuneMax) {}

  // Nanoseconds a row, the least of the laps that fit a round. The first lap is one call: it warms caches,
  // and says how many calls a lap may have, so that a slow method does not use up the budget of the others.
  double PerRow(ForestMethod method, std::size_t batch) {
    std::size_t calls = 1;
    double best = std::numeric_limits<double>::infinity();
    const auto round_end = std::min(end_, Clock::Now() + kRoundMax);
    std::size_t from = 0;
    for (auto [lap, before] = std::pair{0, Clock::Now()}; before < end_ && (lap < 3 || before < round_end); ++lap) {
      for (std::size_t call = 0; call < calls; ++call) {
        for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c] = cells_.data() + from * columns_.size() + c;
        const Cells view{.columns = columns_, .stride = columns_.size(), .rows = batch};
        if (!engine_.ScoreCellsBy(method, view, Output::kRaw, scores_)) return best;
        from = from + 2 * batch <= kSliceRows ? from + batch : 0;
      }
      const auto after = Clock::Now();
      const auto lap_ns = std::max<std::int64_t>(1, (after - before).count());
      if (lap > 0) best = std::min(best, static_cast<double>(lap_ns) / static_cast<double>(batch * calls));
      if (lap == 0) {
        const auto fitting = static_cast<std::size_t>(std::chrono::nanoseconds(kRoundMax).count() / lap_ns);
        calls = std::clamp<std::size_t>(fitting, 1, std::max<std::size_t>(1, kLapRows / batch));
      }
      before = after;
    }
    return best;
  }

 private:
  const ForestEngine& engine_;
  std::vector<double> cells_;
  std::vector<const double*> columns_;
  std::vector<double> scores_;
  Clock::time_point end_;
};

// The rule's method first: without its time no other is chosen.
std::vector<ForestChoice::Time> TimeAll(Stopwatch& watch, ForestMethod rule, std::size_t rows) {
  std::vector<ForestChoice::Time> times;
  const auto time = [&](ForestMethod method) {
    if (const double ns = watch.PerRow(method, rows); std::isfinite(ns)) times.push_back({.method = method, .ns = ns});
  };
  time(rule);
  for (const ForestMethod method : kTimedMethods) {
    if (method != rule) time(method);
  }
  return times;
}

// The rule's method, unless another is clearly faster: a few milliseconds on a busy machine are noisy.
ForestMethod Fastest(const std::vector<ForestChoice::Time>& times, ForestMethod rule) {
  const auto fastest = std::ranges::min_element(times, {}, &ForestChoice::Time::ns);
  const auto by_rule = std::ranges::find(times, rule, &ForestChoice::Time::method);
  if (by_rule == times.end()) return rule;
  return fastest->ns < kClearly * by_rule->ns ? fastest->method : rule;
}

}  // namespace

ForestChoice TimeMethods(const ForestEngine& engine, const ForestChoice& rule) {
  Stopwatch watch(engine);
  ForestChoice choice = rule;
  choice.one_row_times = TimeAll(watch, rule.one_row, 1);
  choice.many_rows_times = TimeAll(watch, rule.many_rows, kSliceRows);
  choice.one_row = Fastest(choice.one_row_times, rule.one_row);
  choice.many_rows = Fastest(choice.many_rows_times, rule.many_rows);
  std::size_t from = kSliceRows;  // the least power of two at which the method for many rows wins
  while (from > 1) {
    const double many = watch.PerRow(choice.many_rows, from / 2), one = watch.PerRow(choice.one_row, from / 2);
    if (!std::isfinite(many) || !std::isfinite(one)) return choice;
    if (many >= one) break;
    from /= 2;
  }
  choice.many_rows_from = from;
  return choice;
}

}  // namespace sw::model
