#include "model/engines/forest_engine.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "model/engines/columns.h"
#include "model/engines/dictionary_engine.h"
#include "model/engines/forest_sums.h"
#include "model/engines/slice.h"
#include "model/link.h"

namespace sw::model {
namespace {

constexpr std::size_t kManyRowsMin = 24;  // where a block of kSliceRows pays, before it was timed

// Without tables and slices.
ForestMethod BestOfPaths(const ForestSums& sums) {
  if (sums.Can(ForestMethod::kTreelets)) return ForestMethod::kTreelets;
  return sums.Can(ForestMethod::kWalk) ? ForestMethod::kWalk : ForestMethod::kLiteral;
}

ForestMethod BestForOne(const ForestSums& sums) {
  return sums.Can(ForestMethod::kTable) ? ForestMethod::kTable : BestOfPaths(sums);
}

ForestMethod BestForMany(const ForestSums& sums) {
  return sums.Can(ForestMethod::kSlice) ? ForestMethod::kSlice : BestForOne(sums);
}

}  // namespace

std::string_view ForestMethodName(ForestMethod method) {
  switch (method) {
    case ForestMethod::kLiteral: return "literal";
    case ForestMethod::kWalk: return "interleaved walk";
    case ForestMethod::kTreelets: return "treelets";
    case ForestMethod::kTable: return "row table";
    case ForestMethod::kSlice: return "bit-sliced";
  }
  return "literal";
}

Result<std::unique_ptr<ForestEngine>> ForestEngine::Make(Forest forest, const ForestOptions& options) {
  SW_TRY(CheckForest(forest));
  auto engine = std::unique_ptr<ForestEngine>(new ForestEngine(std::move(forest)));
  engine->sums_ = MakeForestSums(engine->forest_, options);
  engine->one_row_ = BestForOne(*engine->sums_);
  engine->many_rows_ = BestForMany(*engine->sums_);
  return engine;
}

ForestEngine::ForestEngine(Forest forest)
    : forest_(std::move(forest)), one_row_(ForestMethod::kLiteral), many_rows_(ForestMethod::kLiteral),
      many_rows_min_(kManyRowsMin) {}

ForestEngine::~ForestEngine() = default;

std::size_t ForestEngine::outputs(Output output) const {
  return output == Output::kRaw ? forest_.outputs : PredictionCount(forest_);
}

Status ForestEngine::Score(const data::Batch& rows, Output output, std::span<double> scores) const {
  const auto columns = SW_TRY(FindInputs(rows, forest_.features));
  const DoubleColumns cells(columns);
  ScoreCells({.columns = cells.columns(), .stride = 1, .rows = scores.size() / outputs(output)}, output, scores);
  return Ok();
}

Status ForestEngine::Contribute(const data::Batch& rows, std::span<double> contributions) const {
  const auto columns = SW_TRY(FindInputs(rows, forest_.features));
  const DoubleColumns cells(columns);
  return ContributeCells({.columns = cells.columns(), .stride = 1, .rows = rows.num_rows()}, contributions);
}

Status ForestEngine::ContributeCells(const Cells& cells, std::span<double> contributions) const {
  std::call_once(explained_once_, [&] { explainer_ = std::make_unique<const Result<Explainer>>(Explainer::Make(forest_)); });
  if (!*explainer_) return std::unexpected(explainer_->error());
  (*explainer_)->Contribute(cells, contributions);
  return Ok();
}

ForestMethod ForestEngine::MethodFor(std::size_t rows) const {
  return rows >= many_rows_min_.load(std::memory_order_relaxed) ? many_rows_.load(std::memory_order_relaxed)
                                                                : one_row_.load(std::memory_order_relaxed);
}

void ForestEngine::ScoreCells(const Cells& cells, Output output, std::span<double> scores) const {
  ScoreCellsBy(MethodFor(cells.rows), cells, output, scores);
}

bool ForestEngine::ScoreCellsBy(ForestMethod method, const Cells& cells, Output output, std::span<double> scores) const {
  if (!sums_->Can(method)) return false;
  const std::size_t width = outputs(output), outputs = forest_.outputs;
  const bool is_linked = output == Output::kPrediction && (forest_.link != Link::kIdentity || forest_.link_divisor != 1);
  std::vector<double> apart(width == outputs ? 0 : cells.rows * outputs);  // else links read and write in place
  const std::span<double> raw = width == outputs ? scores : std::span<double>(apart);
  sums_->Raw(method, cells, raw);
  for (std::size_t r = 0; is_linked && r < cells.rows; ++r) {
    ApplyLink(forest_, raw.subspan(r * outputs, outputs), scores.subspan(r * width, width));
  }
  return true;
}

void ForestEngine::ScoreColumns(const Cells& cells, std::span<double> raw) const {
  const std::size_t outputs = forest_.outputs;
  if (outputs == 1 || cells.rows == 1) return ScoreCells(cells, Output::kRaw, raw);
  std::vector<double> by_row(cells.rows * outputs);
  ScoreCells(cells, Output::kRaw, by_row);
  for (std::size_t r = 0; r < cells.rows; ++r) {
    for (std::size_t k = 0; k < outputs; ++k) raw[k * cells.rows + r] = by_row[r * outputs + k];
  }
}

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

// Times methods until its budget is spent; what was not timed is infinitely slow.
class Stopwatch {
 public:
  explicit Stopwatch(const ForestEngine& engine)
      : engine_(engine), cells_(MadeUpRows(engine.forest(), kSliceRows)), columns_(engine.forest().features.size()),
        scores_(kSliceRows * engine.outputs(Output::kRaw)), end_(Clock::Now() + kTuneMax) {}

  // Nanoseconds a row, the least of the calls that fit a round.
  double PerRow(ForestMethod method, std::size_t batch) {
    double best = std::numeric_limits<double>::infinity();
    const auto round_end = std::min(end_, Clock::Now() + kRoundMax);
    std::size_t from = 0;
    // The first call warms caches; a rate is the least of at least three.
    for (auto [call, before] = std::pair{0, Clock::Now()}; before < end_ && (call < 3 || before < round_end); ++call) {
      for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c] = cells_.data() + from * columns_.size() + c;
      const Cells view{.columns = columns_, .stride = columns_.size(), .rows = batch};
      if (!engine_.ScoreCellsBy(method, view, Output::kRaw, scores_)) return best;
      const auto after = Clock::Now();
      best = std::min(best, static_cast<double>((after - before).count()) / static_cast<double>(batch));
      from = from + 2 * batch <= kSliceRows ? from + batch : 0;
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

}  // namespace

void ForestEngine::Tune() {
  constexpr ForestMethod kMethods[] = {ForestMethod::kSlice, ForestMethod::kTable, ForestMethod::kTreelets, ForestMethod::kWalk};
  if (forest_.features.empty() || BestOfPaths(*sums_) == ForestMethod::kLiteral) return;
  Stopwatch watch(*this);
  const auto fastest = [&](std::size_t batch) {
    std::pair<ForestMethod, double> chosen{BestOfPaths(*sums_), std::numeric_limits<double>::infinity()};
    for (const ForestMethod method : kMethods) {
      const double time = watch.PerRow(method, batch);
      if (time < chosen.second) chosen = {method, time};
    }
    return chosen;
  };
  const auto one = fastest(1), many = fastest(kSliceRows);
  std::size_t from = kSliceRows;  // the least power of two at which the method for many rows wins
  while (from > 1 && watch.PerRow(many.first, from / 2) < watch.PerRow(one.first, from / 2)) from /= 2;
  one_row_ = one.first;
  many_rows_ = many.first;
  many_rows_min_ = from;
  is_tuned_ = true;
}

Tolerance ForestEngine::tolerance() const {
  return {.prediction_in_float = forest_.float_sums};
}

namespace {

void AppendCodes(const std::vector<std::uint32_t>& set, std::vector<double>& codes) {
  for (std::size_t word = 0; word < set.size(); ++word) {
    for (std::size_t bit = 0; bit < 32; ++bit) {
      if (set[word] >> bit & 1) codes.push_back(static_cast<double>(word * 32 + bit));
    }
  }
}

void SortDistinct(std::vector<double>& values) {
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
}

}  // namespace

std::vector<InputProbe> ForestEngine::Probes() const {
  std::vector<InputProbe> probes(forest_.features.size());
  for (const Tree& tree : forest_.trees) {
    for (const Node& node : tree.nodes) {
      InputProbe& probe = probes[static_cast<std::size_t>(node.feature)];
      if (node.test == NodeTest::kMember) {
        probe.is_category = true;
        AppendCodes(tree.sets[node.set], probe.numbers);
      } else {
        probe.numbers.push_back(node.threshold);
      }
    }
    for (InputProbe& probe : probes) SortDistinct(probe.numbers);
  }
  return probes;
}

std::size_t ForestEngine::bytes() const { return sums_->bytes(); }

Json ForestEngine::Describe() const {
  return Json::MakeObject({{"engine", "forest"},
                           {"one_row", ForestMethodName(one_row_)},
                           {"many_rows", ForestMethodName(many_rows_)},
                           {"many_rows_from", static_cast<std::int64_t>(many_rows_min_)},
                           {"why", is_tuned_ ? "the fastest when timed on this machine" : "the default rule; not timed yet"}});
}

Result<std::unique_ptr<Engine>> MakeForestEngine(Forest forest) {
  if (forest.dictionaries.empty()) return ForestEngine::Make(std::move(forest));
  SW_TRY(CheckForest(forest));
  std::vector<Dictionary> dictionaries = std::exchange(forest.dictionaries, {});
  return MakeDictionaryEngine(std::move(dictionaries), SW_TRY(ForestEngine::Make(std::move(forest))));
}

}  // namespace sw::model
