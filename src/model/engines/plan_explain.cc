#include "model/engines/plan_explain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/errors.h"

namespace sw::model {
namespace {

const PlanStage* StageOf(const Plan& plan, std::uint32_t value) {
  return value < plan.inputs.size() ? nullptr : &plan.stages[value - plan.inputs.size()];
}

Result<const PlanStage*> FindTrees(const Plan& plan) {
  const PlanStage* stage = StageOf(plan, plan.raw);
  if (stage != nullptr && std::holds_alternative<ForestOp>(stage->op)) return stage;
  return Unimplemented("contributions are those of a sum of trees; this pipeline's raw score ends in {}",
                       stage == nullptr ? "an input" : OpName(stage->op));
}

// The input that a column comes from, and from no other.
Result<std::uint32_t> InputOf(const Plan& plan, const Lineage& lineage, PlanColumn column) {
  while (const PlanStage* stage = StageOf(plan, column.value)) {
    const auto parent = lineage.Parent(column);
    if (!parent) {
      return Unimplemented("the stage {} mixes columns, so that the trees' contributions cannot be told apart by input", stage->name);
    }
    column = *parent;
  }
  return column.value;
}

}  // namespace

Result<PlanExplainer> PlanExplainer::Make(const Plan& plan, const std::vector<Shape>& shapes, const Lineage& lineage,
                                          const std::vector<ProgramStep>& steps) {
  const PlanStage& stage = *SW_TRY(FindTrees(plan));
  const Forest& forest = std::get<ForestOp>(stage.op).forest;
  const std::vector<bool> is_used = UsedFeatures(forest);
  std::vector<std::uint32_t> inputs, players;
  std::map<std::uint32_t, std::uint32_t> first;  // input: feature
  for (const std::uint32_t value : stage.in) {
    for (std::uint32_t column = 0; column < shapes[value].width; ++column) {
      const auto feature = static_cast<std::uint32_t>(inputs.size());
      const bool used = feature < is_used.size() && is_used[feature];
      inputs.push_back(used ? SW_TRY(InputOf(plan, lineage, {value, column})) : 0);
      players.push_back(used ? first.emplace(inputs.back(), feature).first->second : feature);
    }
  }
  PlanExplainer made(plan, SW_TRY(Explainer::Make(forest, DetectCpu(), players)));
  for (const std::uint32_t value : stage.in) {
    made.sources_.emplace_back(shapes, steps, value);
    made.block_rows_ = std::min(made.block_rows_, made.sources_.back().block_rows());
  }
  made.inputs_ = std::move(inputs);
  made.players_ = std::move(players);
  return made;
}

Status PlanExplainer::ContributeBlock(std::span<const Block> inputs, std::size_t rows, Scratch& scratch,
                                      double* contributions) const {
  std::vector<std::vector<double>> values;
  std::vector<const double*> columns;
  for (const Program& source : sources_) {  // row-major, side by side
    std::vector<double> made(rows * source.width());
    SW_TRY(source.Run(inputs, rows, scratch, made.data()));
    for (std::size_t c = 0; c < source.width(); ++c) {
      std::vector<double>& column = values.emplace_back(rows);
      for (std::size_t r = 0; r < rows; ++r) column[r] = made[r * source.width() + c];
    }
  }
  for (const std::vector<double>& column : values) columns.push_back(column.data());
  std::vector<double> made(rows * explainer_.width());
  explainer_.Contribute({.columns = columns, .stride = 1, .rows = rows}, made);
  const std::size_t from = inputs_.size() + 1, to = plan_->inputs.size() + 1;
  for (std::size_t i = 0; i < made.size() / from; ++i) {  // rows and outputs
    const double* row = made.data() + i * from;
    double* out = contributions + i * to;
    std::fill(out, out + to, 0.0);
    for (std::size_t f = 0; f < inputs_.size(); ++f) {
      if (players_[f] == f && row[f] != 0) out[inputs_[f]] += row[f];
    }
    out[to - 1] = row[from - 1];
  }
  return Ok();
}

Status PlanExplainer::Contribute(const std::vector<const data::Column*>& columns, std::size_t rows,
                                 std::span<double> contributions) const {
  InputBlocks blocks(plan_->inputs, columns);
  const std::size_t width = explainer_.width() / (inputs_.size() + 1) * (plan_->inputs.size() + 1);
  Scratch scratch;
  for (std::size_t from = 0; from < rows; from += block_rows_) {
    const std::size_t count = std::min(block_rows_, rows - from);
    if (ContributeBlock(blocks.Fill(from, count), count, scratch, contributions.data() + from * width)) continue;
    for (std::size_t r = from; r < from + count; ++r) {  // some row is refused: find it
      auto done = ContributeBlock(blocks.Fill(r, 1), 1, scratch, contributions.data() + r * width);
      if (!done) return std::unexpected(std::move(done).error().Within(fmt::format("row {}", r)));
    }
  }
  return Ok();
}

}  // namespace sw::model
