#include <cmath>
#include <limits>
#include <utility>

#include "base/errors.h"
#include "model/derived.h"
#include "model/engine.h"
#include "model/engines/columns.h"

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

class DerivedEngine final : public Engine {
 public:
  DerivedEngine(DerivedForest model, std::unique_ptr<Engine> trees) : model_(std::move(model)), trees_(std::move(trees)) {
    for (const DerivedInput& input : model_.inputs) inputs_.push_back(input.name);
  }

  const std::vector<std::string>& inputs() const override { return inputs_; }
  Exactness exactness() const override { return trees_->exactness(); }
  std::size_t outputs(Output output) const override { return trees_->outputs(output); }
  Json Describe() const override { return trees_->Describe(); }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    return trees_->Score(SW_TRY(Features(rows)), output, scores);
  }

 private:
  Result<Columns> Find(const data::Batch& rows) const {
    Columns columns;
    columns.hashes.resize(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const data::Column* column = SW_TRY(rows.Get(inputs_[i], "the model's input"));
      columns.found.push_back(column);
      if (model_.inputs[i].is_category) {
        for (std::size_t row = 0; row < column->size(); ++row) columns.hashes[i].push_back(HashAt(*column, row));
      } else if (column->type() == data::Type::kString) {
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

  Result<data::Batch> Features(const data::Batch& rows) const {
    const Columns columns = SW_TRY(Find(rows));
    data::Batch features;
    for (std::size_t i = 0; i < model_.features.size(); ++i) {
      data::Column column(data::Type::kFloat64);
      column.Reserve(rows.num_rows());
      for (std::size_t row = 0; row < rows.num_rows(); ++row) {
        column.AppendDouble(ValueOf(model_.features[i], columns, row));
      }
      features.AddColumn({model_.forest.features[i], data::Type::kFloat64}, std::move(column));
    }
    return features;
  }

  DerivedForest model_;  // without its trees, which trees_ has
  std::unique_ptr<Engine> trees_;
  std::vector<std::string> inputs_;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeDerivedEngine(DerivedForest model) {
  SW_TRY(CheckDerived(model));
  auto trees = SW_TRY(MakeForestEngine(model.forest));
  model.forest.trees.clear();
  return std::make_unique<DerivedEngine>(std::move(model), std::move(trees));
}

}  // namespace sw::model
