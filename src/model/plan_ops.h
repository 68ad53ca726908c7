// The ops of a Plan's stages: what each does with its constants. Values; immutable once built.
//
// docs/plan-format.md has them as a table. A value is a matrix of numbers or of texts; NaN and a null
// text are missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/forest.h"

namespace sw::model {

enum class CellType : std::uint8_t { kNumber, kText };

// Categories of a column, of its type; all different, none missing.
struct Categories {
  CellType type = CellType::kNumber;
  std::vector<double> numbers = {};
  std::vector<std::string> texts = {};
  std::size_t size() const { return type == CellType::kNumber ? numbers.size() : texts.size(); }
  bool operator==(const Categories&) const = default;
};

// The inputs side by side, then the columns named (all of them when empty).
struct SelectOp {
  std::vector<std::uint32_t> columns = {};
  bool operator==(const SelectOp&) const = default;
};

// A number that is missing (NaN, or equal to `missing` if that is a number) becomes its column's
// fill; a null text its column's text, null stays null.
struct ImputeOp {
  double missing = 0;
  std::vector<double> numbers = {};
  std::vector<std::optional<std::string>> texts = {};
  bool operator==(const ImputeOp&) const = default;
};

// 1 where a cell is missing (as in ImputeOp), else 0.
struct MissingOp {
  double missing = 0;
  bool operator==(const MissingOp&) const = default;
};

// ((x - subtract) / divide) * multiply + add, then clipped to [low, high]; each list is empty (not
// done) or one a column.
struct ScaleOp {
  std::vector<double> subtract = {}, divide = {}, multiply = {}, add = {};
  std::optional<double> low = {}, high = {};
  bool operator==(const ScaleOp&) const = default;
};

// Refuses a row whose numbers the library refuses: infinities, and NaN unless it is allowed. With
// `as_float` what becomes infinite as a float is refused too.
struct RequireOp {
  bool allows_missing = false;
  bool as_float = false;
  bool operator==(const RequireOp&) const = default;
};

inline constexpr std::int32_t kNowhere = -1;  // no place is set
inline constexpr std::int32_t kRefused = -2;  // the row is refused

// Each column becomes `width` places, of which at most one is 1.
struct OneHotOp {
  struct Column {
    Categories categories;
    std::vector<std::int32_t> places;  // one a category
    std::uint32_t width = 0;
    std::int32_t unknown = kNowhere;
    std::int32_t missing = kNowhere;
    bool operator==(const Column&) const = default;
  };
  std::vector<Column> columns;
  bool operator==(const OneHotOp&) const = default;
};

// Each column becomes the `width` values of its category. An absent value refuses the row.
struct LookupOp {
  struct Column {
    Categories categories;
    std::uint32_t width = 1;
    std::vector<double> values;  // categories x width
    std::optional<std::vector<double>> unknown = {}, missing = {};
    bool operator==(const Column&) const = default;
  };
  std::vector<Column> columns;
  bool operator==(const LookupOp&) const = default;
};

// Raw sums; the forest has a feature for each column, and no link.
struct ForestOp {
  Forest forest;
  bool operator==(const ForestOp&) const = default;
};

// intercept + weights * x, our own order of the sum (see docs/plan-format.md).
struct LinearOp {
  std::vector<double> weights;    // outputs x inputs
  std::vector<double> intercept;  // outputs
  // Where the library sums support vectors instead of weights (SVC, SVR): how many, and the sum of
  // their sizes, outputs x inputs. Golden values may be as far off as these sums round.
  std::uint32_t terms = 0;
  std::vector<double> sizes = {};
  bool operator==(const LinearOp&) const = default;
};

enum class Function : std::uint8_t {
  kSigmoid,
  kExp,
  kLog,
  kTanh,
  kRelu,
  kFloat,      // rounded to float
  kLogCount,   // 1 + log(x) where x is not 0 (sublinear term frequency)
  kIsolation,  // -2^-x (IsolationForest.score_samples)
};

// Each number by itself.
struct ApplyOp {
  Function function = Function::kSigmoid;
  bool operator==(const ApplyOp&) const = default;
};

enum class RowFunction : std::uint8_t {
  kSoftmax,  // less the greatest, e to the, by the sum
  kShare,    // by the row's sum; 1 / width each where that is 0
  kArgmax,   // the index of the first greatest, one column
  kLogShare,  // e^(x - log of the sum of e^x): naive Bayes
  kUnitL1,    // by the sum of sizes, by the root of the sum of squares, by the greatest size; 0 stays
  kUnitL2,
  kUnitMax,
  kPairs,      // decisions of each pair of classes to one value a class (SVC's ovr)
  kPairVotes,  // to the index of the class with the most votes
};

// All numbers of a row together.
struct RowOp {
  RowFunction function = RowFunction::kSoftmax;
  bool operator==(const RowOp&) const = default;
};

// 1 where x >= threshold (or only above it), else 0.
struct StepOp {
  double threshold = 0;
  bool only_above = false;
  bool operator==(const StepOp&) const = default;
};

// The number of edges that are at most x: KBinsDiscretizer. Rising, one list a column.
struct BinsOp {
  std::vector<std::vector<double>> edges;
  bool operator==(const BinsOp&) const = default;
};

// PowerTransformer without its scaler; one lambda a column.
struct PowerOp {
  bool is_box_cox = false;
  std::vector<double> lambdas;
  bool operator==(const PowerOp&) const = default;
};

// QuantileTransformer: each column's quantiles (rising) to `references`, then to a normal's quantiles.
struct QuantileOp {
  std::vector<std::vector<double>> quantiles;
  std::vector<double> references;
  bool to_normal = false;
  bool operator==(const QuantileOp&) const = default;
};

// Straight lines between points, flat outside (an isotonic calibrator); one curve a column.
struct InterpolateOp {
  struct Curve {
    std::vector<double> x, y;  // x strictly rising
    bool operator==(const Curve&) const = default;
  };
  std::vector<Curve> curves;
  bool operator==(const InterpolateOp&) const = default;
};

// Products, each of an earlier one (-1: of 1) and an input's column (-1: 1).
struct ProductsOp {
  std::vector<std::int32_t> earlier, column;
  bool operator==(const ProductsOp&) const = default;
};

enum class Extrapolation : std::uint8_t { kContinue, kConstant, kLinear, kPeriodic, kError };

// SplineTransformer: `bases` B-splines of each column.
struct SplineOp {
  struct Column {
    std::vector<double> knots;
    std::uint32_t bases = 0;
    double from = 0, to = 0;     // kConstant, kLinear: beyond it is extrapolated
    std::uint32_t ends = 0;      // as many of the first or last bases
    // At `from` and `to`: the bases and their slopes.
    std::vector<double> low = {}, high = {}, low_slope = {}, high_slope = {};
    bool operator==(const Column&) const = default;
  };
  std::uint32_t degree = 3;
  Extrapolation extrapolation = Extrapolation::kConstant;
  bool zero_missing = false;
  std::vector<Column> columns;
  bool operator==(const SplineOp&) const = default;
};

// CountVectorizer of one text column: how often each term of the vocabulary occurs. What is a letter,
// a space or a small letter is said by tables of the Python that fitted it.
struct CountOp {
  enum class Analyzer : std::uint8_t { kWord, kChar, kCharWithinWord };
  Analyzer analyzer = Analyzer::kWord;
  std::uint32_t token_min = 2;  // characters of a word
  std::uint32_t grams_min = 1, grams_max = 1;
  bool is_binary = false;
  std::vector<std::string> vocabulary, stop_words = {};
  // Code points, as rising [first, last] pairs.
  std::vector<std::int32_t> words = {}, spaces = {}, cased = {}, ignorable = {};
  // Empty, or the code points that lower-casing changes, rising, and what each becomes.
  std::vector<std::int32_t> capitals = {};
  std::vector<std::string> small = {};
  bool operator==(const CountOp&) const = default;
};

// The columns are `count` parts of one width: weights (empty: 1 each) times each part, added in order,
// then divided.
struct BlendOp {
  std::uint32_t count = 1;
  std::vector<double> weights = {};
  double divisor = 1;
  bool operator==(const BlendOp&) const = default;
};

// A normal density a class and column, as a log: prior - 0.5 * sum((x - mean)^2 / variance).
struct GaussianOp {
  std::vector<double> means, variances;  // classes x columns
  std::vector<double> priors;            // with the logs of the variances in it
  bool operator==(const GaussianOp&) const = default;
};

// k nearest rows of a table. Of equal distances the earlier row is nearer.
struct NeighborsOp {
  std::uint32_t k = 5;
  double p = 2;  // 1: sum of differences, 2: Euclid, infinity: the greatest difference
  bool by_distance = false;   // weights are 1 / distance
  std::vector<double> table;  // rows x columns
  std::uint32_t classes = 0;  // 0: a regressor
  std::vector<double> targets;  // a class index or a value a row
  bool operator==(const NeighborsOp&) const = default;
};

using PlanOp = std::variant<SelectOp, ImputeOp, MissingOp, ScaleOp, RequireOp, OneHotOp, LookupOp, ForestOp, LinearOp,
                            ApplyOp, RowOp, StepOp, BinsOp, PowerOp, QuantileOp, InterpolateOp, ProductsOp, SplineOp,
                            CountOp, BlendOp, GaussianOp, NeighborsOp>;

// "select", "impute", ...: the op's name in the file.
std::string_view OpName(const PlanOp& op);

// What a value is made of.
struct Shape {
  CellType type = CellType::kNumber;
  std::size_t width = 1;
  bool operator==(const Shape&) const = default;
};

// What comes out of an op that reads `in` (its inputs side by side). INVALID_ARGUMENT says which
// constant does not fit, or cannot be scored with.
Result<Shape> ShapeOf(const PlanOp& op, const Shape& in);

}  // namespace sw::model
