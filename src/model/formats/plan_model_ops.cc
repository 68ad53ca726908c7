// Constants of the ops that bend columns, count terms, and put models together.
#include "base/errors.h"
#include "model/formats/plan_arrays.h"
#include "model/formats/plan_ops.h"

namespace sw::model {
namespace {

Result<std::vector<std::vector<double>>> ReadLists(const Json& json, std::string_view key) {
  std::vector<std::vector<double>> lists;
  for (const Json& item : SW_TRY(json.GetArray(key))->AsArray()) lists.push_back(SW_TRY(GetDoubles(item, "values")));
  return lists;
}

Result<std::vector<std::string>> ReadTexts(const Json& json, std::string_view key) {
  std::vector<std::string> texts;
  if (!json.Has(key)) return texts;
  for (auto& text : SW_TRY(GetTexts(json, key))) {
    if (!text) return InvalidArgument("\"{}\" holds null", key);
    texts.push_back(*std::move(text));
  }
  return texts;
}

template <typename Enum, std::size_t N>
Result<Enum> ReadName(const Json& json, std::string_view key, const std::string_view (&names)[N]) {
  const std::string name = SW_TRY(json.GetString(key));
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return Unimplemented("\"{}\" is {}, which is not known", key, name);
}

Result<PlanOp> ReadBins(const Json& json) { return BinsOp{.edges = SW_TRY(ReadLists(json, "edges"))}; }

Result<PlanOp> ReadPower(const Json& json) {
  return PowerOp{.is_box_cox = SW_TRY(json.GetBool("is_box_cox")), .lambdas = SW_TRY(GetDoubles(json, "lambdas"))};
}

Result<PlanOp> ReadQuantile(const Json& json) {
  return QuantileOp{.quantiles = SW_TRY(ReadLists(json, "quantiles")),
                    .references = SW_TRY(GetDoubles(json, "references")),
                    .to_normal = SW_TRY(json.GetBool("to_normal"))};
}

Result<PlanOp> ReadInterpolate(const Json& json) {
  InterpolateOp op;
  for (const Json& item : SW_TRY(json.GetArray("curves"))->AsArray()) {
    op.curves.push_back({.x = SW_TRY(GetDoubles(item, "x")), .y = SW_TRY(GetDoubles(item, "y"))});
  }
  return op;
}

Result<PlanOp> ReadProducts(const Json& json) {
  return ProductsOp{.earlier = SW_TRY(GetInts(json, "earlier")), .column = SW_TRY(GetInts(json, "column"))};
}

Result<PlanOp> ReadSpline(const Json& json) {
  static constexpr std::string_view kNames[] = {"continue", "constant", "linear", "periodic", "error"};
  SplineOp op{.degree = SW_TRY(GetIndex(json, "degree")),
              .extrapolation = SW_TRY(ReadName<Extrapolation>(json, "extrapolation", kNames)),
              .zero_missing = SW_TRY(json.GetBool("zero_missing")),
              .columns = {}};
  for (const Json& item : SW_TRY(json.GetArray("columns"))->AsArray()) {
    op.columns.push_back({.knots = SW_TRY(GetDoubles(item, "knots")),
                          .bases = SW_TRY(GetIndex(item, "bases")),
                          .from = item.DoubleOr("from", 0),
                          .to = item.DoubleOr("to", 0),
                          .ends = item.Has("ends") ? SW_TRY(GetIndex(item, "ends")) : 0,
                          .low = SW_TRY(DoublesOr(item, "low")),
                          .high = SW_TRY(DoublesOr(item, "high")),
                          .low_slope = SW_TRY(DoublesOr(item, "low_slope")),
                          .high_slope = SW_TRY(DoublesOr(item, "high_slope"))});
  }
  return op;
}

Result<PlanOp> ReadCount(const Json& json) {
  static constexpr std::string_view kNames[] = {"word", "char", "char_wb"};
  CountOp op{.analyzer = SW_TRY(ReadName<CountOp::Analyzer>(json, "analyzer", kNames)),
             .token_min = SW_TRY(GetIndex(json, "token_min")),
             .grams_min = SW_TRY(GetIndex(json, "grams_min")),
             .grams_max = SW_TRY(GetIndex(json, "grams_max")),
             .is_binary = SW_TRY(json.GetBool("is_binary")),
             .vocabulary = SW_TRY(ReadTexts(json, "vocabulary"))};
  op.stop_words = SW_TRY(ReadTexts(json, "stop_words"));
  op.words = SW_TRY(IntsOr(json, "words"));
  op.spaces = SW_TRY(IntsOr(json, "spaces"));
  op.cased = SW_TRY(IntsOr(json, "cased"));
  op.ignorable = SW_TRY(IntsOr(json, "ignorable"));
  op.capitals = SW_TRY(IntsOr(json, "capitals"));
  op.small = SW_TRY(ReadTexts(json, "small"));
  return op;
}

Result<PlanOp> ReadBlend(const Json& json) {
  return BlendOp{.count = SW_TRY(GetIndex(json, "count")),
                 .weights = SW_TRY(DoublesOr(json, "weights")),
                 .divisor = SW_TRY(json.GetDouble("divisor"))};
}

Result<PlanOp> ReadGaussian(const Json& json) {
  return GaussianOp{.means = SW_TRY(GetDoubles(json, "means")),
                    .variances = SW_TRY(GetDoubles(json, "variances")),
                    .priors = SW_TRY(GetDoubles(json, "priors"))};
}

Result<PlanOp> ReadNeighbors(const Json& json) {
  return NeighborsOp{.k = SW_TRY(GetIndex(json, "k")),
                     .p = SW_TRY(json.GetDouble("p")),
                     .by_distance = SW_TRY(json.GetBool("by_distance")),
                     .table = SW_TRY(GetDoubles(json, "table")),
                     .classes = SW_TRY(GetIndex(json, "classes")),
                     .targets = SW_TRY(GetDoubles(json, "targets"))};
}

struct Reader {
  std::string_view op;
  Result<PlanOp> (*read)(const Json&);
};

constexpr Reader kReaders[] = {
    {"bins", ReadBins},         {"power", ReadPower},   {"quantile", ReadQuantile}, {"interpolate", ReadInterpolate},
    {"products", ReadProducts}, {"spline", ReadSpline}, {"count", ReadCount},       {"blend", ReadBlend},
    {"gaussian", ReadGaussian}, {"neighbors", ReadNeighbors},
};

}  // namespace

std::optional<Result<PlanOp>> MoreOpFromJson(std::string_view op, const Json& stage) {
  for (const Reader& reader : kReaders) {
    if (reader.op == op) return reader.read(stage);
  }
  return {};
}

}  // namespace sw::model
