#include "model/engines/forest_engine.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "model/engines/columns.h"
#include "model/engines/dictionary_engine.h"
#include "model/engines/forest_sums.h"
#include "model/engines/forest_timing.h"
#include "model/heap_bytes.h"
#include "model/link.h"

namespace sw::model {
namespace {

constexpr std::size_t kManyRowsFrom = 24;  // where a block of kSliceRows pays, before it was timed

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

// What holds until somebody has timed.
ForestChoice RuleFor(const ForestSums& sums) {
  return {.one_row = BestForOne(sums), .many_rows = BestForMany(sums), .many_rows_from = kManyRowsFrom};
}

std::string_view WhyOf(Tuning tuning) {
  switch (tuning) {
    case Tuning::kOnlyWay: return "the only way to score this forest";
    case Tuning::kDefaultRule: return "the default rule; not timed yet";
    case Tuning::kTimed: return "the fastest when timed on this machine";
    case Tuning::kCached: return "the fastest when timed earlier, on such a machine";
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<ForestEngine>> ForestEngine::Make(Forest forest, const ForestOptions& options) {
  SW_TRY(CheckForest(forest));
  auto engine = std::unique_ptr<ForestEngine>(new ForestEngine(std::move(forest)));
  engine->sums_ = MakeForestSums(engine->forest_, options);
  engine->Take(RuleFor(*engine->sums_), engine->HasChoice() ? Tuning::kDefaultRule : Tuning::kOnlyWay);
  return engine;
}

ForestEngine::ForestEngine(Forest forest)
    : forest_(std::move(forest)), one_row_(ForestMethod::kLiteral), many_rows_(ForestMethod::kLiteral),
      many_rows_from_(kManyRowsFrom) {}

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
  std::call_once(explained_once_, [&] {
    explainer_ = std::make_unique<const Result<Explainer>>(Explainer::Make(forest_));
    if (*explainer_) explainer_bytes_ = (*explainer_)->memory_bytes();
  });
  if (!*explainer_) return std::unexpected(explainer_->error());
  (*explainer_)->Contribute(cells, contributions);
  return Ok();
}

ForestMethod ForestEngine::MethodFor(std::size_t rows) const {
  return rows >= many_rows_from_.load(std::memory_order_relaxed) ? many_rows_.load(std::memory_order_relaxed)
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
  if (is_linked) ApplyLinks(forest_, raw.first(cells.rows * outputs), scores.first(cells.rows * width));
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

bool ForestEngine::HasChoice() const {
  const auto can = [&](ForestMethod method) { return sums_->Can(method); };
  return !forest_.features.empty() && std::ranges::count_if(kTimedMethods, can) > 1;
}

void ForestEngine::Take(ForestChoice choice, Tuning tuning) const {
  const std::lock_guard lock(choice_mutex_);
  one_row_ = choice.one_row;
  many_rows_ = choice.many_rows;
  many_rows_from_ = choice.many_rows_from;
  choice_ = std::move(choice);
  tuning_ = tuning;
}

Tuning ForestEngine::tuning() const {
  const std::lock_guard lock(choice_mutex_);
  return tuning_;
}

Json ForestEngine::Tune() const {
  if (tuning() == Tuning::kOnlyWay) return {};
  ForestChoice timed = TimeMethods(*this, RuleFor(*sums_));
  Json json = ForestChoiceToJson(timed);
  Take(std::move(timed), Tuning::kTimed);
  return json;
}

Status ForestEngine::Choose(const Json& choice) const {
  if (tuning() == Tuning::kOnlyWay) return Ok();
  ForestChoice taken = SW_TRY(ForestChoiceFromJson(choice));
  for (const ForestMethod method : {taken.one_row, taken.many_rows}) {
    if (!sums_->Can(method)) return InvalidArgument("this forest cannot be scored by the method \"{}\"", ForestMethodName(method));
  }
  Take(std::move(taken), Tuning::kCached);
  return Ok();
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

std::size_t ForestEngine::memory_bytes() const {
  return sizeof(*this) + HeapBytes(forest_) + sums_->memory_bytes() + explainer_bytes_.load(std::memory_order_relaxed);
}

Json ForestEngine::Describe() const {
  const std::lock_guard lock(choice_mutex_);
  Json description = Json::MakeObject({{"engine", "forest"}, {"why", WhyOf(tuning_)}});
  Json choice = ForestChoiceToJson(choice_);
  if (choice_.one_row_times.empty()) choice.Erase("ns_a_row");
  choice.Erase("choice_version");
  for (auto& [key, value] : choice.AsObject()) description.Set(key, std::move(value));
  return description;
}

Result<std::unique_ptr<Engine>> MakeForestEngine(Forest forest) {
  if (forest.dictionaries.empty()) return ForestEngine::Make(std::move(forest));
  SW_TRY(CheckForest(forest));
  std::vector<Dictionary> dictionaries = std::exchange(forest.dictionaries, {});
  return MakeDictionaryEngine(std::move(dictionaries), SW_TRY(ForestEngine::Make(std::move(forest))));
}

}  // namespace sw::model
