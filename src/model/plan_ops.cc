#include "model/plan_ops.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/errors.h"

namespace sw::model {
namespace {

constexpr std::string_view kOpNames[] = {"select",  "impute", "missing", "scale", "require", "one_hot",
                                         "lookup",  "forest", "linear",  "apply", "row",     "step",
                                         "bins",    "power",  "quantile", "interpolate", "products", "spline",
                                         "count",   "blend",  "gaussian", "neighbors"};
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
  if (!op.sizes.empty()) SW_TRY(CheckCount(op.sizes.size(), op.weights.size(), "sizes"));
  SW_TRY(CheckFinite(op.sizes, "sizes"));
  return Shape{CellType::kNumber, outputs};
}

Result<Shape> ShapeOf(const ApplyOp&, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  return in;
}

Result<Shape> ShapeOf(const RowOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  if (op.function == RowFunction::kArgmax) return Shape{CellType::kNumber, 1};
  if (op.function != RowFunction::kPairs && op.function != RowFunction::kPairVotes) return in;
  std::size_t classes = 2;
  while (classes * (classes - 1) / 2 < in.width) ++classes;
  if (classes * (classes - 1) / 2 != in.width) return InvalidArgument("{} columns are not the pairs of any classes", in.width);
  return Shape{CellType::kNumber, op.function == RowFunction::kPairs ? classes : 1};
}

Result<Shape> ShapeOf(const StepOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  if (std::isnan(op.threshold)) return InvalidArgument("has no threshold");
  return in;
}

Status CheckRising(const std::vector<double>& numbers, bool strictly, std::string_view what) {
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    const bool is_good = strictly ? numbers[i] < numbers[i + 1] : numbers[i] <= numbers[i + 1];
    if (!is_good) return InvalidArgument("{} do not rise: {} comes before {}", what, numbers[i], numbers[i + 1]);
  }
  return Ok();
}

Result<Shape> ShapeOf(const BinsOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.edges.size(), in.width, "edges"));
  for (const auto& edges : op.edges) {
    for (const double edge : edges) {
      if (std::isnan(edge)) return InvalidArgument("an edge is missing");
    }
    SW_TRY(CheckRising(edges, false, "edges"));
  }
  return in;
}

Result<Shape> ShapeOf(const PowerOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.lambdas.size(), in.width, "lambdas"));
  SW_TRY(CheckFinite(op.lambdas, "lambdas"));
  return in;
}

Result<Shape> ShapeOf(const QuantileOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.quantiles.size(), in.width, "quantiles"));
  if (op.references.empty()) return InvalidArgument("has no references");
  SW_TRY(CheckFinite(op.references, "references"));
  SW_TRY(CheckRising(op.references, false, "references"));
  for (const auto& quantiles : op.quantiles) {
    SW_TRY(CheckCount(quantiles.size(), op.references.size(), "quantiles"));
    SW_TRY(CheckFinite(quantiles, "quantiles"));
    SW_TRY(CheckRising(quantiles, false, "quantiles"));
  }
  return in;
}

Result<Shape> ShapeOf(const InterpolateOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.curves.size(), in.width, "curves"));
  for (const InterpolateOp::Curve& curve : op.curves) {
    if (curve.x.empty()) return InvalidArgument("a curve has no points");
    SW_TRY(CheckCount(curve.y.size(), curve.x.size(), "a curve"));
    SW_TRY(CheckFinite(curve.x, "a curve"));
    SW_TRY(CheckFinite(curve.y, "a curve"));
    SW_TRY(CheckRising(curve.x, true, "a curve's points"));
  }
  return in;
}

Result<Shape> ShapeOf(const ProductsOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.column.size(), op.earlier.size(), "products"));
  for (std::size_t i = 0; i < op.earlier.size(); ++i) {
    if (op.earlier[i] < -1 || op.earlier[i] >= static_cast<std::int64_t>(i)) {
      return InvalidArgument("product {} reads product {}, which is not earlier", i, op.earlier[i]);
    }
    if (op.column[i] < -1 || op.column[i] >= static_cast<std::int64_t>(in.width)) {
      return InvalidArgument("product {} reads column {} of {}", i, op.column[i], in.width);
    }
  }
  return Shape{CellType::kNumber, op.earlier.size()};
}

Status CheckSpline(const SplineOp::Column& column, std::uint32_t degree, Extrapolation extrapolation) {
  SW_TRY(CheckFinite(column.knots, "knots"));
  SW_TRY(CheckRising(column.knots, false, "knots"));
  // De Boor's recursion reads `degree` knots on either side of the interval.
  const std::size_t all = column.bases + (extrapolation == Extrapolation::kPeriodic ? degree : 0);
  SW_TRY(CheckCount(column.knots.size(), all + degree + 1, "knots"));
  if (all < degree + 1 || column.bases == 0) return InvalidArgument("{} bases of degree {}", column.bases, degree);
  const bool reads_ends = extrapolation == Extrapolation::kConstant || extrapolation == Extrapolation::kLinear;
  for (const auto* list : {&column.low, &column.high, &column.low_slope, &column.high_slope}) {
    SW_TRY(CheckFinite(*list, "values at the ends"));
    if (reads_ends) SW_TRY(CheckCount(list->size(), column.bases, "values at the ends"));
  }
  if (column.ends > column.bases || !(column.from <= column.to)) {
    return InvalidArgument("extrapolates {} of {} bases beyond {} to {}", column.ends, column.bases, column.from, column.to);
  }
  return Ok();
}

Result<Shape> ShapeOf(const SplineOp& op, const Shape& in) {
  constexpr std::uint32_t kDegreeMax = 20;
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.columns.size(), in.width, "splines"));
  if (op.degree > kDegreeMax) return InvalidArgument("degree {}, the limit is {}", op.degree, kDegreeMax);
  std::size_t width = 0;
  for (const SplineOp::Column& column : op.columns) {
    SW_TRY(CheckSpline(column, op.degree, op.extrapolation));
    width += column.bases;
  }
  return Shape{CellType::kNumber, width};
}

Status CheckRanges(const std::vector<std::int32_t>& ranges, std::string_view what) {
  if (ranges.size() % 2 != 0) return InvalidArgument("{} are not pairs", what);
  for (std::size_t i = 0; i + 1 < ranges.size(); ++i) {
    if (i % 2 == 0 ? ranges[i] > ranges[i + 1] : ranges[i] >= ranges[i + 1]) return InvalidArgument("{} do not rise", what);
  }
  return Ok();
}

Result<Shape> ShapeOf(const CountOp& op, const Shape& in) {
  constexpr std::uint32_t kGramsMax = 64;
  if (in != Shape{CellType::kText, 1}) return InvalidArgument("reads one column of text");
  if (op.grams_min < 1 || op.grams_min > op.grams_max || op.grams_max > kGramsMax || op.token_min < 1) {
    return InvalidArgument("counts {} to {} grams of words of {}", op.grams_min, op.grams_max, op.token_min);
  }
  SW_TRY(CheckCategories({.type = CellType::kText, .texts = op.vocabulary}, CellType::kText));
  for (const auto* ranges : {&op.words, &op.spaces, &op.cased, &op.ignorable}) SW_TRY(CheckRanges(*ranges, "ranges of characters"));
  SW_TRY(CheckCount(op.small.size(), op.capitals.size(), "small letters"));
  for (std::size_t i = 0; i + 1 < op.capitals.size(); ++i) {
    if (op.capitals[i] >= op.capitals[i + 1]) return InvalidArgument("capitals do not rise");
  }
  return Shape{CellType::kNumber, op.vocabulary.size()};
}

Result<Shape> ShapeOf(const BlendOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  if (op.count == 0 || in.width % op.count != 0) return InvalidArgument("{} columns are not {} parts", in.width, op.count);
  if (!op.weights.empty()) SW_TRY(CheckCount(op.weights.size(), op.count, "weights"));
  SW_TRY(CheckFinite(op.weights, "weights"));
  if (!std::isfinite(op.divisor) || op.divisor == 0) return InvalidArgument("divides by {}", op.divisor);
  return Shape{CellType::kNumber, in.width / op.count};
}

Result<Shape> ShapeOf(const GaussianOp& op, const Shape& in) {
  SW_TRY(CheckNumbers(in));
  SW_TRY(CheckCount(op.means.size(), op.priors.size() * in.width, "means"));
  SW_TRY(CheckCount(op.variances.size(), op.means.size(), "variances"));
  SW_TRY(CheckFinite(op.means, "means"));
  for (const double prior : op.priors) {
    if (std::isnan(prior)) return InvalidArgument("a prior is missing");
  }
  for (const double variance : op.variances) {
    if (!(variance > 0) || std::isinf(variance)) return InvalidArgument("a variance is {}", variance);
  }
  return Shape{CellType::kNumber, op.priors.size()};
}

Result<Shape> ShapeOf(const NeighborsOp& op, const Shape& in) {
  constexpr std::uint32_t kClassesMax = 1u << 16;
  SW_TRY(CheckNumbers(in));
  const std::size_t rows = op.targets.size();
  if (op.k < 1 || op.k > rows) return InvalidArgument("{} neighbors of {} rows", op.k, rows);
  if (op.p != 1 && op.p != 2 && !std::isinf(op.p)) return InvalidArgument("p is {}; 1, 2 and infinity are known", op.p);
  SW_TRY(CheckCount(op.table.size(), rows * in.width, "the table"));
  SW_TRY(CheckFinite(op.table, "the table"));
  SW_TRY(CheckFinite(op.targets, "targets"));
  if (op.classes > kClassesMax) return InvalidArgument("{} classes, the limit is {}", op.classes, kClassesMax);
  for (const double target : op.targets) {
    if (op.classes > 0 && !(target >= 0 && target < op.classes)) return InvalidArgument("class {} of {}", target, op.classes);
  }
  return Shape{CellType::kNumber, op.classes == 0 ? 1 : op.classes};
}

}  // namespace

std::string_view OpName(const PlanOp& op) { return kOpNames[op.index()]; }

Result<Shape> ShapeOf(const PlanOp& op, const Shape& in) {
  return std::visit([&](const auto& own) { return ShapeOf(own, in); }, op);
}

}  // namespace sw::model
