#include "model/plan.h"

#include <algorithm>
#include <set>

#include "base/errors.h"

namespace sw::model {
namespace {

// The stage's inputs side by side.
Result<Shape> JoinInputs(const PlanStage& stage, const std::vector<Shape>& shapes) {
  if (stage.in.empty()) return InvalidArgument("reads nothing");
  if (stage.in.size() > 1 && !std::holds_alternative<SelectOp>(stage.op)) {
    return InvalidArgument("reads {} values; only select joins them", stage.in.size());
  }
  Shape joined{CellType::kNumber, 0};
  for (const std::uint32_t value : stage.in) {
    if (value >= shapes.size()) return InvalidArgument("reads value {}, which comes later", value);
    if (joined.width > 0 && shapes[value].type != joined.type) return InvalidArgument("joins text and numbers");
    joined = {shapes[value].type, joined.width + shapes[value].width};
  }
  return joined;
}

Status CheckGolden(const PlanStage& stage, const Shape& shape, std::size_t rows) {
  const std::size_t found = stage.golden_numbers.size() + stage.golden_texts.size();
  if (found == 0) return Ok();
  const bool is_text = shape.type == CellType::kText;
  if (is_text ? !stage.golden_numbers.empty() : !stage.golden_texts.empty()) {
    return InvalidArgument("golden values are not of its type");
  }
  if (found == rows * shape.width) return Ok();
  return InvalidArgument("golden values has {} entries for {}", found, rows * shape.width);
}

Result<Shape> CheckStage(const PlanStage& stage, const std::vector<Shape>& shapes, std::size_t golden_rows) {
  const Shape in = SW_TRY(JoinInputs(stage, shapes));
  const Shape out = SW_TRY(ShapeOf(stage.op, in));
  if (out.width == 0) return InvalidArgument("has no columns");
  SW_TRY(CheckGolden(stage, out, golden_rows));
  return out;
}

Status CheckGoldenRows(const Plan& plan) {
  if (plan.golden.num_columns() == 0) return Ok();
  if (plan.golden.num_columns() != plan.inputs.size()) {
    return InvalidArgument("plan: golden rows have {} columns for {} inputs", plan.golden.num_columns(),
                           plan.inputs.size());
  }
  return plan.golden.Check();
}

Status CheckInputs(const Plan& plan) {
  std::set<std::string_view> names;
  for (const PlanInput& input : plan.inputs) {
    if (!names.insert(input.name).second) return InvalidArgument("plan: two inputs are called {}", input.name);
    if (input.type == data::Type::kTimestamp) return InvalidArgument("plan: input {} is a timestamp", input.name);
  }
  if (plan.inputs.empty()) return InvalidArgument("plan: it has no inputs");
  return Ok();
}

Status CheckOutput(const std::vector<Shape>& shapes, std::uint32_t value, std::string_view what) {
  if (value < shapes.size() && shapes[value].type == CellType::kNumber) return Ok();
  return InvalidArgument("plan: {} is value {}, which does not exist or is text", what, value);
}

}  // namespace

Result<std::vector<Shape>> CheckPlan(const Plan& plan) {
  if (plan.inputs.size() > kPlanInputsMax || plan.stages.size() > kPlanStagesMax) {
    return ResourceExhausted("plan: {} inputs and {} stages, the limits are {} and {}", plan.inputs.size(),
                             plan.stages.size(), kPlanInputsMax, kPlanStagesMax);
  }
  SW_TRY(CheckInputs(plan));
  SW_TRY(CheckGoldenRows(plan));
  std::vector<Shape> shapes;
  for (const PlanInput& input : plan.inputs) {
    shapes.push_back({input.type == data::Type::kString ? CellType::kText : CellType::kNumber, 1});
  }
  std::vector<std::size_t> depths(plan.inputs.size());
  std::size_t width = shapes.size(), reads = 0;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const PlanStage& stage = plan.stages[i];
    auto shape = CheckStage(stage, shapes, plan.golden.num_rows());
    if (!shape) return std::unexpected(std::move(shape).error().Within(fmt::format("plan: stage {} ({}, {})", i, OpName(stage.op), stage.name)));
    std::size_t depth = 0;
    for (const std::uint32_t value : stage.in) {
      depth = std::max(depth, depths[value] + 1);
      reads += shapes[value].width;
    }
    width += shape->width;
    if (width > kPlanWidthMax) return ResourceExhausted("plan: more than {} columns, the limit plan_width_max", kPlanWidthMax);
    if (reads > kPlanReadsMax) return ResourceExhausted("plan: stages read more than {} columns, the limit plan_reads_max", kPlanReadsMax);
    if (depth > kPlanDepthMax) return ResourceExhausted("plan: more than {} stages in a row, the limit plan_depth_max", kPlanDepthMax);
    depths.push_back(depth);
    shapes.push_back(*shape);
  }
  SW_TRY(CheckOutput(shapes, plan.raw, "raw"));
  SW_TRY(CheckOutput(shapes, plan.prediction, "prediction"));
  return shapes;
}

}  // namespace sw::model
