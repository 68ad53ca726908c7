#include "model/heap_bytes.h"

#include <bit>
#include <variant>

namespace sw::model {
namespace {

std::size_t HeapBytesOf(const data::Column& column) {
  const std::size_t nulls = column.null_count() == 0 ? 0 : BlockBytes(column.size());
  if (column.type() != data::Type::kString) return nulls + BlockBytes(column.size() * sizeof(double));
  std::size_t text = 0;
  for (std::size_t row = 0; row < column.size(); ++row) text += column.String(row).size();
  return nulls + BlockBytes(text + 1) + BlockBytes(column.size() * sizeof(std::uint64_t));
}

std::size_t HeapBytesOf(const Categories& categories) { return HeapBytes(categories.numbers) + HeapBytes(categories.texts); }

// A CategoryIndex: the categories, their order, and slots of which at most half are full.
std::size_t IndexBytesOf(const Categories& categories) {
  constexpr std::size_t kSlotBytes = 16;
  const std::size_t count = categories.size();
  return HeapBytesOf(categories) + BlockBytes(count * sizeof(std::int32_t)) + BlockBytes(std::bit_ceil(2 * count + 1) * kSlotBytes);
}

// One overload an op that has constants.
struct OpBytes {
  std::size_t operator()(const auto&) const { return 0; }
  std::size_t operator()(const SelectOp& op) const { return HeapBytes(op.columns); }
  std::size_t operator()(const ImputeOp& op) const { return HeapBytes(op.numbers) + HeapBytes(op.texts); }
  std::size_t operator()(const ScaleOp& op) const {
    return HeapBytes(op.subtract) + HeapBytes(op.divide) + HeapBytes(op.multiply) + HeapBytes(op.add);
  }
  std::size_t operator()(const OneHotOp& op) const { return HeapBytes(op.columns); }
  std::size_t operator()(const LookupOp& op) const { return HeapBytes(op.columns); }
  std::size_t operator()(const ForestOp& op) const { return HeapBytes(op.forest); }
  std::size_t operator()(const LinearOp& op) const { return HeapBytes(op.weights) + HeapBytes(op.intercept) + HeapBytes(op.sizes); }
  std::size_t operator()(const BinsOp& op) const { return HeapBytes(op.edges); }
  std::size_t operator()(const PowerOp& op) const { return HeapBytes(op.lambdas); }
  std::size_t operator()(const QuantileOp& op) const { return HeapBytes(op.quantiles) + HeapBytes(op.references); }
  std::size_t operator()(const InterpolateOp& op) const { return HeapBytes(op.curves); }
  std::size_t operator()(const ProductsOp& op) const { return HeapBytes(op.earlier) + HeapBytes(op.column); }
  std::size_t operator()(const SplineOp& op) const { return HeapBytes(op.columns); }
  std::size_t operator()(const CountOp& op) const {
    return HeapBytes(op.vocabulary) + HeapBytes(op.stop_words) + HeapBytes(op.words) + HeapBytes(op.spaces) + HeapBytes(op.cased) +
           HeapBytes(op.ignorable) + HeapBytes(op.capitals) + HeapBytes(op.small);
  }
  std::size_t operator()(const BlendOp& op) const { return HeapBytes(op.weights); }
  std::size_t operator()(const GaussianOp& op) const { return HeapBytes(op.means) + HeapBytes(op.variances) + HeapBytes(op.priors); }
  std::size_t operator()(const NeighborsOp& op) const { return HeapBytes(op.table) + HeapBytes(op.targets); }
};

}  // namespace

std::size_t HeapBytes(const Json& json) {
  std::size_t bytes = 0;
  if (json.IsString()) bytes = HeapBytes(json.AsString());
  if (json.IsArray()) bytes = HeapBytes(json.AsArray());
  if (!json.IsObject()) return bytes;
  bytes = BlockBytes(json.AsObject().capacity() * sizeof(Json::Member));
  for (const auto& [name, value] : json.AsObject()) bytes += HeapBytes(name) + HeapBytes(value);
  return bytes;
}

std::size_t HeapBytes(const data::Batch& batch) {
  std::size_t bytes = BlockBytes(batch.num_columns() * sizeof(data::Column));
  for (std::size_t c = 0; c < batch.num_columns(); ++c) bytes += HeapBytesOf(batch.column(c));
  for (const data::Field& field : batch.schema().fields) bytes += sizeof(field) + HeapBytes(field.name);
  return bytes;
}

std::size_t HeapBytes(const data::Contract& contract) {
  std::size_t bytes = BlockBytes(contract.columns.capacity() * sizeof(data::ColumnContract));
  for (const data::ColumnContract& column : contract.columns) bytes += HeapBytes(column.name) + HeapBytes(column.categories);
  return bytes;
}

std::size_t HeapBytes(const data::Profile& profile) {
  std::size_t bytes = BlockBytes(profile.columns.capacity() * sizeof(data::ColumnProfile));
  for (const data::ColumnProfile& column : profile.columns) {
    bytes += HeapBytes(column.name) + HeapBytes(column.quantiles) + HeapBytes(column.findings);
    bytes += BlockBytes(column.top.capacity() * sizeof(column.top[0]));
    for (const auto& [value, count] : column.top) bytes += HeapBytes(value);
  }
  return bytes;
}

std::size_t HeapBytes(const Dictionary& dictionary) { return HeapBytes(dictionary.text) + HeapBytes(dictionary.numbers); }

std::size_t HeapBytes(const LinearLeaf& leaf) { return HeapBytes(leaf.features) + HeapBytes(leaf.weights); }

std::size_t HeapBytes(const Tree& tree) {
  return HeapBytes(tree.nodes) + HeapBytes(tree.leaves) + HeapBytes(tree.sets) + HeapBytes(tree.linear) + HeapBytes(tree.covers);
}

std::size_t HeapBytes(const Forest& forest) {
  return HeapBytes(forest.features) + HeapBytes(forest.dictionaries) + HeapBytes(forest.trees) + HeapBytes(forest.known) +
         HeapBytes(forest.base);
}

std::size_t HeapBytes(const DerivedInput& input) { return HeapBytes(input.name); }

std::size_t HeapBytes(const CategoryKey& key) { return HeapBytes(key.categories) + HeapBytes(key.above) + HeapBytes(key.equal); }

std::size_t HeapBytes(const DerivedFeature& feature) { return HeapBytes(feature.codes) + HeapBytes(feature.values); }

std::size_t HeapBytes(const DerivedForest& forest) {
  return HeapBytes(forest.inputs) + HeapBytes(forest.keys) + HeapBytes(forest.tables) + HeapBytes(forest.features) +
         HeapBytes(forest.forest);
}

std::size_t HeapBytes(const LinearModel::Term& term) { return HeapBytes(term.column); }

std::size_t HeapBytes(const Encoding& encoding) { return HeapBytes(encoding.categories); }

std::size_t HeapBytes(const GoldenRows& golden) {
  return HeapBytes(golden.inputs) + HeapBytes(golden.expected) + HeapBytes(golden.raw) + HeapBytes(golden.from);
}

std::size_t HeapBytes(const OneHotOp::Column& column) { return HeapBytesOf(column.categories) + HeapBytes(column.places); }

std::size_t HeapBytes(const LookupOp::Column& column) {
  return HeapBytesOf(column.categories) + HeapBytes(column.values) + HeapBytes(column.unknown) + HeapBytes(column.missing);
}

std::size_t HeapBytes(const InterpolateOp::Curve& curve) { return HeapBytes(curve.x) + HeapBytes(curve.y); }

std::size_t HeapBytes(const SplineOp::Column& column) {
  return HeapBytes(column.knots) + HeapBytes(column.low) + HeapBytes(column.high) + HeapBytes(column.low_slope) +
         HeapBytes(column.high_slope);
}

std::size_t HeapBytes(const PlanOp& op) { return std::visit(OpBytes{}, op); }

std::size_t HeapBytes(const PlanStage& stage) {
  return HeapBytes(stage.name) + HeapBytes(stage.in) + HeapBytes(stage.op) + HeapBytes(stage.golden_numbers) + HeapBytes(stage.golden_texts);
}

std::size_t HeapBytes(const PlanInput& input) { return HeapBytes(input.name); }

std::size_t HeapBytes(const Plan& plan) {
  return HeapBytes(plan.library) + HeapBytes(plan.inputs) + HeapBytes(plan.stages) + HeapBytes(plan.classes) + HeapBytes(plan.golden);
}

std::size_t IndexBytes(const PlanOp& op) {
  std::size_t bytes = 0;
  if (const auto* one_hot = std::get_if<OneHotOp>(&op)) {
    for (const OneHotOp::Column& column : one_hot->columns) bytes += IndexBytesOf(column.categories);
  }
  if (const auto* lookup = std::get_if<LookupOp>(&op)) {
    for (const LookupOp::Column& column : lookup->columns) bytes += IndexBytesOf(column.categories);
  }
  return bytes;
}

}  // namespace sw::model
