// Plan: a fitted pipeline (scikit-learn's, by python/seaworthy_export) as typed stages with exact
// constants. A value; immutable once built.
//
// The inputs are values 0 to n - 1, one column each; stage i computes value n + i from values before
// it, so that a plan always ends. A value is a matrix of doubles or of texts; NaN and a null text are
// missing. `engines/pipeline_engine.h` runs it, `formats/plan.h` reads it, docs/plan-format.md is
// the format. CheckPlan() proves what running relies on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "model/forest.h"

namespace sw::model {

inline constexpr std::size_t kPlanInputsMax = 100'000;
inline constexpr std::size_t kPlanStagesMax = 20'000;
inline constexpr std::size_t kPlanWidthMax = 4'000'000;  // columns of all values together: 32 MB a row

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
  bool operator==(const LinearOp&) const = default;
};

enum class Function : std::uint8_t { kSigmoid, kExp, kLog, kTanh, kRelu, kFloat };

// Each number by itself.
struct ApplyOp {
  Function function = Function::kSigmoid;
  bool operator==(const ApplyOp&) const = default;
};

enum class RowFunction : std::uint8_t {
  kSoftmax,  // less the greatest, e to the, by the sum
  kShare,    // by the row's sum; 1 / width each where that is 0
  kArgmax,   // the index of the first greatest, one column
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

using PlanOp = std::variant<SelectOp, ImputeOp, MissingOp, ScaleOp, RequireOp, OneHotOp, LookupOp, ForestOp, LinearOp,
                            ApplyOp, RowOp, StepOp>;

// "select", "impute", ...: the op's name in the file.
std::string_view OpName(const PlanOp& op);

// What a value is made of.
struct Shape {
  CellType type = CellType::kNumber;
  std::size_t width = 1;
  bool operator==(const Shape&) const = default;
};

struct PlanStage {
  std::string name;                // where it comes from: "preprocess/num/scaler"
  std::vector<std::uint32_t> in;   // values
  PlanOp op;
  // Golden rows' values as the library computed them, rows x width; empty when it never holds them.
  std::vector<double> golden_numbers = {};
  std::vector<std::optional<std::string>> golden_texts = {};
  bool operator==(const PlanStage&) const = default;
};

struct PlanInput {
  std::string name;
  data::Type type = data::Type::kFloat64;
  bool operator==(const PlanInput&) const = default;
};

struct Plan {
  std::string library;              // "scikit-learn 1.9.1"
  std::vector<PlanInput> inputs;
  std::vector<PlanStage> stages;
  std::uint32_t raw = 0;            // value that raw scores are
  std::uint32_t prediction = 0;     // value that predictions are
  std::vector<std::string> classes = {};  // labels as text; empty for a regressor
  data::Batch golden = {};          // golden rows; a column an input
  bool operator==(const Plan&) const = default;
};

// Shapes of all values, inputs first. Checks everything: INVALID_ARGUMENT names the stage,
// RESOURCE_EXHAUSTED the limit.
Result<std::vector<Shape>> CheckPlan(const Plan& plan);

}  // namespace sw::model
