#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "base/errors.h"
#include "model/derived.h"
#include "model/engines/forest_engine.h"
#include "model/heap_bytes.h"

namespace sw::model {
namespace {

using Kind = DerivedFeature::Kind;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::string CategoryText(const data::Column& column, std::size_t row) {
  if (column.IsNull(row)) return {};
  if (column.type() != data::Type::kFloat64) return fmt::format("{}", column.Int(row));
  const double value = column.Double(row);
  const bool is_whole = value == std::floor(value) && std::abs(value) < 1e18;
  return is_whole ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
}

std::int32_t HashAt(const data::Column& column, std::size_t row) {
  if (column.type() == data::Type::kString) return CategoryHash(column.String(row));
  return CategoryHash(CategoryText(column, row));
}

// CatBoost's CalcHash (catboost/libs/model/hash.h).
std::uint64_t Combined(std::uint64_t hash, std::uint64_t next) {
  constexpr std::uint64_t kFactor = 0x4906ba494954cb65;
  return kFactor * (hash + kFactor * next);
}

// The columns of one batch: numbers as they are, hashes of categories.
struct Columns {
  std::vector<const data::Column*> found;
  std::vector<std::vector<std::int32_t>> hashes;  // empty for numbers
};

bool Passes(const AboveTest& test, const Columns& columns, std::size_t row) {
  const auto value = static_cast<float>(columns.found[test.input]->AsDouble(row));
  return std::isnan(value) ? test.missing_passes : value > test.border;
}

std::uint64_t KeyHash(const CategoryKey& key, const Columns& columns, std::size_t row) {
  std::uint64_t hash = 0;
  for (const std::uint32_t input : key.categories) {
    hash = Combined(hash, static_cast<std::uint64_t>(std::int64_t{columns.hashes[input][row]}));
  }
  for (const AboveTest& test : key.above) hash = Combined(hash, Passes(test, columns, row) ? 1 : 0);
  for (const EqualTest& test : key.equal) hash = Combined(hash, columns.hashes[test.input][row] == test.hash ? 1 : 0);
  return hash;
}

// The columns that a feature's contribution belongs to, without repeats. Of a combination these are
// its categories alone, as in CatBoost (MapBinFeaturesToClasses in catboost/libs/fstr).
std::vector<std::uint32_t> SourcesOf(const DerivedForest& model, const DerivedFeature& feature) {
  if (feature.kind != Kind::kStatistic) return {feature.input};
  const std::vector<std::uint32_t>& categories = model.keys[feature.key].categories;
  const std::set<std::uint32_t> sources(categories.begin(), categories.end());
  return {sources.begin(), sources.end()};
}

// Values of the forest's features, a column each.
class FeatureColumns {
 public:
  FeatureColumns(std::size_t features, std::size_t rows) : values_(features, std::vector<double>(rows)), rows_(rows) {
    for (const std::vector<double>& column : values_) pointers_.push_back(column.data());
  }
  std::vector<double>& column(std::size_t index) { return values_[index]; }
  Cells cells() const { return {.columns = pointers_, .stride = 1, .rows = rows_}; }

 private:
  std::vector<std::vector<double>> values_;
  std::vector<const double*> pointers_;
  std::size_t rows_;
};

class DerivedEngine final : public Engine {
 public:
  DerivedEngine(DerivedForest model, std::unique_ptr<ForestEngine> trees)
      : model_(std::move(model)), trees_(std::move(trees)) {
    for (const DerivedInput& input : model_.inputs) inputs_.push_back(input.name);
  }

  const std::vector<std::string>& inputs() const override { return inputs_; }
  Exactness exactness() const override { return trees_->exactness(); }
  Tolerance tolerance() const override { return trees_->tolerance(); }
  std::vector<InputProbe> Probes() const override;
  std::size_t outputs(Output output) const override { return trees_->outputs(output); }
  bool predicts_classes() const override { return trees_->predicts_classes(); }
  std::size_t memory_bytes() const override {
    return sizeof(*this) + HeapBytes(model_) + HeapBytes(inputs_) + trees_->memory_bytes();
  }
  Tuning tuning() const override { return trees_->tuning(); }
  Json Tune() const override { return trees_->Tune(); }
  Status Choose(const Json& choice) const override { return trees_->Choose(choice); }
  Json Describe() const override { return trees_->Describe(); }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    const FeatureColumns features = SW_TRY(Compute(rows));
    trees_->ScoreCells(features.cells(), output, scores);
    return Ok();
  }

  // Features that belong to the same columns are one player, whose contribution those share evenly,
  // as in CatBoost's ShapValues.
  Status Contribute(const data::Batch& rows, std::span<double> contributions) const override {
    const FeatureColumns features = SW_TRY(Compute(rows));
    const std::size_t from = model_.features.size() + 1, to = inputs_.size() + 1;
    std::vector<double> made(rows.num_rows() * outputs(Output::kRaw) * from);
    SW_TRY(trees_->ContributeCells(features.cells(), made));
    std::ranges::fill(contributions, 0.0);
    for (std::size_t i = 0; i < made.size() / from; ++i) {  // rows and outputs
      Share(std::span(made).subspan(i * from, from), contributions.subspan(i * to, to));
    }
    return Ok();
  }

 private:
  void Share(std::span<const double> made, std::span<double> shares) const {
    for (std::size_t f = 0; f < model_.features.size(); ++f) {
      const auto sources = SourcesOf(model_, model_.features[f]);
      for (const std::uint32_t source : sources) shares[source] += made[f] / static_cast<double>(sources.size());
    }
    shares[inputs_.size()] = made.back();
  }

  Result<Columns> Find(const data::Batch& rows) const {
    Columns columns;
    columns.hashes.resize(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const data::Column* column = SW_TRY(rows.Get(inputs_[i], "the model's input"));
      columns.found.push_back(column);
      if (model_.inputs[i].is_category) {
        for (std::size_t row = 0; row < column->size(); ++row) columns.hashes[i].push_back(HashAt(*column, row));
      } else if (column->type() == data::Type::kString && column->null_count() < column->size()) {
        return InvalidArgument("the model's input {} must be a number, found string", inputs_[i]);
      }
    }
    return columns;
  }

  double ValueOf(const DerivedFeature& feature, const Columns& columns, std::size_t row) const {
    if (feature.kind == Kind::kColumn) return columns.found[feature.input]->AsDouble(row);
    if (feature.kind == Kind::kCode) {
      const auto found = feature.codes.find(columns.hashes[feature.input][row]);
      return found == feature.codes.end() ? kMissing : found->second;
    }
    const auto& table = model_.tables[feature.table];
    const auto found = table.find(KeyHash(model_.keys[feature.key], columns, row));
    return found == table.end() ? feature.absent : feature.values[found->second];
  }

  Result<FeatureColumns> Compute(const data::Batch& rows) const {
    const Columns columns = SW_TRY(Find(rows));
    FeatureColumns features(model_.features.size(), rows.num_rows());
    for (std::size_t f = 0; f < model_.features.size(); ++f) {
      std::vector<double>& values = features.column(f);
      for (std::size_t row = 0; row < values.size(); ++row) values[row] = ValueOf(model_.features[f], columns, row);
    }
    return features;
  }

  DerivedForest model_;  // without its trees, which trees_ has
  std::unique_ptr<ForestEngine> trees_;
  std::vector<std::string> inputs_;
};

std::vector<InputProbe> DerivedEngine::Probes() const {
  std::vector<InputProbe> probes(inputs_.size());
  for (std::size_t i = 0; i < probes.size(); ++i) probes[i].is_category = model_.inputs[i].is_category;
  const std::vector<InputProbe> features = trees_->Probes();
  for (std::size_t f = 0; f < features.size(); ++f) {
    if (model_.features[f].kind == Kind::kColumn) probes[model_.features[f].input].numbers = features[f].numbers;
  }
  for (const CategoryKey& key : model_.keys) {
    for (const AboveTest& test : key.above) probes[test.input].numbers.push_back(test.border);
  }
  return probes;
}

}  // namespace

Result<std::unique_ptr<Engine>> MakeDerivedEngine(DerivedForest model) {
  SW_TRY(CheckDerived(model));
  // To the explainer, features of one name are one player.
  for (std::size_t f = 0; f < model.features.size(); ++f) {
    model.forest.features[f] = fmt::format("{}", fmt::join(SourcesOf(model, model.features[f]), " "));
  }
  auto trees = SW_TRY(ForestEngine::Make(std::exchange(model.forest, {})));
  return std::make_unique<DerivedEngine>(std::move(model), std::move(trees));
}

}  // namespace sw::model
