#include "model/formats/plan_ops.h"

#include <limits>

#include "base/errors.h"
#include "model/formats/plan_arrays.h"
#include "model/formats/plan_forest.h"

namespace sw::model {
namespace {

Result<std::vector<std::uint32_t>> ReadColumns(const Json& json) {
  std::vector<std::uint32_t> columns;
  for (const std::int32_t column : SW_TRY(IntsOr(json, "columns"))) {
    if (column < 0) return InvalidArgument("\"columns\" holds {}", column);
    columns.push_back(static_cast<std::uint32_t>(column));
  }
  return columns;
}

Result<PlanOp> ReadSelect(const Json& json) { return SelectOp{.columns = SW_TRY(ReadColumns(json))}; }

double MissingOf(const Json& json) { return json.DoubleOr("missing", std::numeric_limits<double>::quiet_NaN()); }

Result<PlanOp> ReadImpute(const Json& json) {
  ImputeOp op{.missing = MissingOf(json)};
  if (json.Has("texts")) op.texts = SW_TRY(GetTexts(json, "texts"));
  op.numbers = SW_TRY(DoublesOr(json, "numbers"));
  return op;
}

Result<PlanOp> ReadMissing(const Json& json) { return MissingOp{.missing = MissingOf(json)}; }

Result<std::optional<double>> BoundOr(const Json& json, std::string_view key) {
  if (!json.Has(key)) return std::nullopt;
  return SW_TRY(json.GetDouble(key));
}

Result<PlanOp> ReadScale(const Json& json) {
  return ScaleOp{.subtract = SW_TRY(DoublesOr(json, "subtract")),
                 .divide = SW_TRY(DoublesOr(json, "divide")),
                 .multiply = SW_TRY(DoublesOr(json, "multiply")),
                 .add = SW_TRY(DoublesOr(json, "add")),
                 .low = SW_TRY(BoundOr(json, "low")),
                 .high = SW_TRY(BoundOr(json, "high"))};
}

Result<PlanOp> ReadRequire(const Json& json) {
  return RequireOp{.allows_missing = SW_TRY(json.GetBool("allows_missing")),
                   .as_float = SW_TRY(json.GetBool("as_float"))};
}

Result<Categories> ReadCategories(const Json& json) {
  Categories categories;
  if (!json.Has("texts")) {
    categories.numbers = SW_TRY(GetDoubles(json, "numbers"));
    return categories;
  }
  categories.type = CellType::kText;
  for (auto& text : SW_TRY(GetTexts(json, "texts"))) {
    if (!text) return InvalidArgument("a category is missing");
    categories.texts.push_back(*std::move(text));
  }
  return categories;
}

Result<std::int32_t> ReadPlace(const Json& json, std::string_view key) {
  const std::int64_t place = SW_TRY(json.GetInt(key));
  if (place < kRefused || place > std::numeric_limits<std::int32_t>::max()) {
    return InvalidArgument("\"{}\" is {}; it must be a place", key, place);
  }
  return static_cast<std::int32_t>(place);
}

Result<PlanOp> ReadOneHot(const Json& json) {
  OneHotOp op;
  for (const Json& item : SW_TRY(json.GetArray("columns"))->AsArray()) {
    op.columns.push_back({.categories = SW_TRY(ReadCategories(item)),
                          .places = SW_TRY(GetInts(item, "places")),
                          .width = SW_TRY(GetIndex(item, "width")),
                          .unknown = SW_TRY(ReadPlace(item, "unknown")),
                          .missing = SW_TRY(ReadPlace(item, "missing_place"))});
  }
  return op;
}

Result<std::optional<std::vector<double>>> ValuesOr(const Json& json, std::string_view key) {
  if (!json.Has(key)) return std::nullopt;
  return SW_TRY(GetDoubles(json, key));
}

Result<PlanOp> ReadLookup(const Json& json) {
  LookupOp op;
  for (const Json& item : SW_TRY(json.GetArray("columns"))->AsArray()) {
    op.columns.push_back({.categories = SW_TRY(ReadCategories(item)),
                          .width = SW_TRY(GetIndex(item, "width")),
                          .values = SW_TRY(GetDoubles(item, "values")),
                          .unknown = SW_TRY(ValuesOr(item, "unknown")),
                          .missing = SW_TRY(ValuesOr(item, "missing_values"))});
  }
  return op;
}

Result<PlanOp> ReadForest(const Json& json) { return ForestOp{.forest = SW_TRY(ForestFromJson(json))}; }

Result<PlanOp> ReadLinear(const Json& json) {
  return LinearOp{.weights = SW_TRY(GetDoubles(json, "weights")),
                  .intercept = SW_TRY(GetDoubles(json, "intercept")),
                  .terms = json.Has("terms") ? SW_TRY(GetIndex(json, "terms")) : 0,
                  .sizes = SW_TRY(DoublesOr(json, "sizes"))};
}

// The index of the member `function` among `names`.
template <typename Enum, std::size_t N>
Result<Enum> ReadFunction(const Json& json, const std::string_view (&names)[N]) {
  const std::string name = SW_TRY(json.GetString("function"));
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return Unimplemented("the function {} is not known", name);
}

Result<PlanOp> ReadApply(const Json& json) {
  static constexpr std::string_view kNames[] = {"sigmoid", "exp", "log", "tanh", "relu", "float", "log_count", "isolation"};
  return ApplyOp{.function = SW_TRY(ReadFunction<Function>(json, kNames))};
}

Result<PlanOp> ReadRow(const Json& json) {
  static constexpr std::string_view kNames[] = {"softmax", "share", "argmax", "log_share", "unit_l1",
                                                "unit_l2", "unit_max", "pairs", "pair_votes"};
  return RowOp{.function = SW_TRY(ReadFunction<RowFunction>(json, kNames))};
}

Result<PlanOp> ReadStep(const Json& json) {
  return StepOp{.threshold = SW_TRY(json.GetDouble("threshold")), .only_above = SW_TRY(json.GetBool("only_above"))};
}

struct Reader {
  std::string_view op;
  Result<PlanOp> (*read)(const Json&);
};

constexpr Reader kReaders[] = {
    {"select", ReadSelect},   {"impute", ReadImpute}, {"missing", ReadMissing}, {"scale", ReadScale},
    {"require", ReadRequire}, {"one_hot", ReadOneHot}, {"lookup", ReadLookup},   {"forest", ReadForest},
    {"linear", ReadLinear},   {"apply", ReadApply},   {"row", ReadRow},         {"step", ReadStep},
};

}  // namespace

Result<PlanOp> PlanOpFromJson(const Json& stage) {
  const std::string op = SW_TRY(stage.GetString("op"));
  for (const Reader& reader : kReaders) {
    if (reader.op == op) return reader.read(stage);
  }
  if (auto more = MoreOpFromJson(op, stage)) return *std::move(more);
  return Unimplemented("the op {} is not known; this build is older than the exporter", op);
}

}  // namespace sw::model
