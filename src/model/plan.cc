#include "model/plan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/errors.h"

namespace sw::model {
namespace {

constexpr std::string_view kOpNames[] = {"select",  "impute", "missing", "scale", "require", "one_hot",
                                         "lookup",  "forest", "linear",  "apply", "row",     "step"};
static_assert(std::size(kOpNames) == std::variant_size_v<PlanOp>);

Status CheckFinite(const std::vector<double>& numbers, std::string_view what) {
  for (const double number : numbers) {
    if (!std::isfinite(number)) return InvalidArgument("{} holds {}; it must be finite", what, number);
  }
  return Ok();
}

Status CheckCount(std::size_t found, std::size_t wanted, std::string_view what) {
  if (found == wanted) return Ok();
  return InvalidArgument("{} has {} entries for {}", what, found, wanted);
}

Status CheckNumbers(const Shape& in) {
  if (in.type == CellType::kNumber) return Ok();
  return InvalidArgument("reads numbers, found text");
}

Status CheckCategories(const Categories& categories, CellType type) {
  if (categories.type != type) return InvalidArgument("its categories are not of its input's type");
  const bool has_nan = std::ranges::any_of(categories.numbers, [](double x) { return std::isnan(x); });
  const std::set<double> numbers(categories.numbers.begin(), categories.numbers.end());
  const std::set<std::string_view> texts(categories.texts.begin(), categories.texts.end());
  if (has_nan || numbers.size() != categories.numbers.size() || texts.size() != categories.texts.size()) {
    return InvalidArgument("its categories must differ, and none be missing");
  }
  return Ok();
}

// One overload an op: the shape that comes out of `in`.

Result<Shape> ShapeOf(const SelectOp& op, const Shape& in) {
  for (const std::uint32_t column : op.columns) {
    if (column >= in.width) return InvalidArgument("selects column {} of {}", column, in.width);
  }
  return Shape{in.type, op.columns.empty() ? in.width : op.columns.size()};
}

Result<Shape> ShapeOf(const ImputeOp& op, const Shape& in) {
  const bool is_text = in.type == CellType::kText;
  SW_TRY(CheckCount(op.texts.size(), is_text ? in.width : 0, "texts"));
  SW_TRY(CheckCount(op.numbers.size(), is_text ? 0 : in.width, "numbers"));
  return in;
}

Result<Shape> ShapeOf(const MissingOp&, const Shape& in) { return Shape{CellType::kNumber, in.width}; }

Result<Shape> ShapeOf(const ScaleOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  for (const auto* list : {&op.subtract, &op.divide, &op.multiply, &op.add}) {
    if (list->empty()) continue;
    SW_TRY(CheckCount(list->size(), in.width, "scale"));
    SW_TRY(CheckFinite(*list, "scale"));
  }
  if (std::ranges::find(op.divide, 0.0) != op.divide.end()) return InvalidArgument("divides by 0");
  const bool is_ordered = !op.low || !op.high || *op.low <= *op.high;
  if (!is_ordered || (op.low && std::isnan(*op.low)) || (op.high && std::isnan(*op.high))) {
    return InvalidArgument("clips to no range");
  }
  return in;
}

Result<Shape> ShapeOf(const RequireOp&, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  return in;
}

Status CheckPlace(std::int32_t place, std::uint32_t width) {
  if (place >= kRefused && place < static_cast<std::int64_t>(width)) return Ok();
  return InvalidArgument("puts a category at place {} of {}", place, width);
}

Result<Shape> ShapeOf(const OneHotOp& op, const Shape& in) {
  SW_TRY(CheckCount(op.columns.size(), in.width, "one_hot"));
  std::size_t width = 0;
  for (const OneHotOp::Column& column : op.columns) {
    SW_TRY(CheckCategories(column.categories, in.type));
    SW_TRY(CheckCount(column.places.size(), column.categories.size(), "places"));
    for (const std::int32_t place : column.places) SW_TRY(CheckPlace(place, column.width));
    SW_TRY(CheckPlace(column.unknown, column.width));
    SW_TRY(CheckPlace(column.missing, column.width));
    width += column.width;
  }
  return Shape{CellType::kNumber, width};
}

Result<Shape> ShapeOf(const LookupOp& op, const Shape& in) {
  SW_TRY(CheckCount(op.columns.size(), in.width, "lookup"));
  std::size_t width = 0;
  for (const LookupOp::Column& column : op.columns) {
    SW_TRY(CheckCategories(column.categories, in.type));
    const std::size_t values = column.categories.size() * column.width;
    SW_TRY(CheckCount(column.values.size(), values, "values"));
    if (column.unknown) SW_TRY(CheckCount(column.unknown->size(), column.width, "unknown"));
    if (column.missing) SW_TRY(CheckCount(column.missing->size(), column.width, "missing"));
    width += column.width;
  }
  return Shape{CellType::kNumber, width};
}

Result<Shape> ShapeOf(const ForestOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.forest.features.size(), in.width, "the forest's features"));
  if (op.forest.link != Link::kIdentity) return InvalidArgument("a forest in a plan has no link; apply comes after it");
  SW_TRY(CheckForest(op.forest));
  return Shape{CellType::kNumber, op.forest.outputs};
}

Result<Shape> ShapeOf(const LinearOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  const std::size_t outputs = op.intercept.size();
  SW_TRY(CheckCount(op.weights.size(), outputs * in.width, "weights"));
  SW_TRY(CheckFinite(op.weights, "weights"));
  SW_TRY(CheckFinite(op.intercept, "intercept"));
  return Shape{CellType::kNumber, outputs};
}

Result<Shape> ShapeOf(const ApplyOp&, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  return in;
}

Result<Shape> ShapeOf(const RowOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  return op.function == RowFunction::kArgmax ? Shape{CellType::kNumber, 1} : in;
}

Result<Shape> ShapeOf(const StepOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  if (std::isnan(op.threshold)) return InvalidArgument("has no threshold");
  return in;
}

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
  return CheckCount(found, rows * shape.width, "golden values");
}

Result<Shape> CheckStage(const PlanStage& stage, const std::vector<Shape>& shapes, std::size_t golden_rows) {
  const Shape in = SW_TRY(JoinInputs(stage, shapes));
  const Shape out = SW_TRY(std::visit([&](const auto& op) { return ShapeOf(op, in); }, stage.op));
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

std::string_view OpName(const PlanOp& op) { return kOpNames[op.index()]; }

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
  std::size_t width = shapes.size();
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const PlanStage& stage = plan.stages[i];
    auto shape = CheckStage(stage, shapes, plan.golden.num_rows());
    if (!shape) return std::unexpected(std::move(shape).error().Within(fmt::format("plan: stage {} ({}, {})", i, OpName(stage.op), stage.name)));
    width += shape->width;
    if (width > kPlanWidthMax) return ResourceExhausted("plan: more than {} columns, the limit plan_width_max", kPlanWidthMax);
    shapes.push_back(*shape);
  }
  SW_TRY(CheckOutput(shapes, plan.raw, "raw"));
  SW_TRY(CheckOutput(shapes, plan.prediction, "prediction"));
  return shapes;
}

}  // namespace sw::model
