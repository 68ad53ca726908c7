#include "model/formats/plan.h"

#include <cmath>
#include <limits>

#include "base/errors.h"
#include "base/format_version.h"
#include "base/json.h"
#include "model/formats/plan_arrays.h"
#include "model/formats/plan_ops.h"

namespace sw::model {
namespace {

constexpr std::string_view kFormatName = "seaworthy/plan";
constexpr std::size_t kGoldenRowsMax = 10'000;
constexpr std::size_t kGoldenCellsMax = 64u << 20;  // of one stage

Status CheckFormat(const Json& json) {
  const base::FormatVersion ours{.name = std::string(kFormatName), .version = 0, .reader_min = 0};
  const std::int64_t reader_min = SW_TRY(json.GetInt("reader_min"));
  return base::CheckReadable({.name = SW_TRY(json.GetString("format_name")),
                              .version = static_cast<int>(SW_TRY(json.GetInt("format_version"))),
                              .reader_min = static_cast<int>(std::min<std::int64_t>(reader_min, 1 << 20))},
                             ours);
}

Result<std::vector<PlanInput>> ReadInputs(const Json& json) {
  std::vector<PlanInput> inputs;
  for (const Json& item : SW_TRY(json.GetArray("inputs"))->AsArray()) {
    const std::string type = SW_TRY(item.GetString("type"));
    inputs.push_back({.name = SW_TRY(item.GetString("name")),
                      .type = SW_TRY(data::ParseType(type == "text" ? "string" : type))});
  }
  return inputs;
}

Status AppendIntegers(data::Column& column, const std::vector<double>& numbers) {
  for (const double number : numbers) {
    if (std::isnan(number)) {
      column.AppendNull();
      continue;
    }
    if (std::trunc(number) != number || std::fabs(number) > 0x1p53) return InvalidArgument("{} is no integer", number);
    column.AppendInt(static_cast<std::int64_t>(number));
  }
  return Ok();
}

Result<data::Column> ReadGoldenColumn(const Json& item, data::Type type) {
  data::Column column(type);
  if (type == data::Type::kString) {
    for (const auto& text : SW_TRY(GetTexts(item, "texts"))) {
      if (text) column.AppendString(*text);
      else column.AppendNull();
    }
    return column;
  }
  const std::vector<double> numbers = SW_TRY(GetDoubles(item, "numbers"));
  if (type == data::Type::kFloat64) {
    for (const double number : numbers) {
      if (std::isnan(number)) column.AppendNull();
      else column.AppendDouble(number);
    }
    return column;
  }
  SW_TRY(AppendIntegers(column, numbers));
  return column;
}

Status ReadGolden(const Json& json, Plan& plan) {
  if (!json.Has("golden")) return Ok();
  const Json::Array& columns = SW_TRY(json.GetArray("golden"))->AsArray();
  if (columns.size() != plan.inputs.size()) return InvalidArgument("plan: golden must have a column for each input");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const PlanInput& input = plan.inputs[i];
    auto column = ReadGoldenColumn(columns[i], input.type);
    if (!column) return std::unexpected(std::move(column).error().Within("plan: golden column " + input.name));
    if (column->size() > kGoldenRowsMax || (i > 0 && column->size() != plan.golden.num_rows())) {
      return InvalidArgument("plan: golden column {} has {} rows, {} are allowed and all columns have as many",
                             input.name, column->size(), kGoldenRowsMax);
    }
    plan.golden.AddColumn({input.name, input.type}, *std::move(column));
  }
  return Ok();
}

// A wide stage names only what is not 0: {"width": 4096, "row": [...], "column": [...], "value": [...]}.
Result<std::vector<double>> ReadSparse(const Json& json, std::size_t rows) {
  const std::size_t width = SW_TRY(GetIndex(json, "width"));
  const auto row = SW_TRY(GetInts(json, "row"));
  const auto column = SW_TRY(GetInts(json, "column"));
  const auto value = SW_TRY(GetDoubles(json, "value"));
  if (rows * width > kGoldenCellsMax) return ResourceExhausted("{} golden values, the limit is {}", rows * width, kGoldenCellsMax);
  if (row.size() != value.size() || column.size() != value.size()) return InvalidArgument("golden arrays differ in length");
  std::vector<double> cells(rows * width);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto r = static_cast<std::size_t>(row[i]), c = static_cast<std::size_t>(column[i]);
    if (row[i] < 0 || column[i] < 0 || r >= rows || c >= width) return InvalidArgument("a golden value lies outside");
    cells[r * width + c] = value[i];
  }
  return cells;
}

Status ReadStageGolden(const Json& json, std::size_t rows, PlanStage& stage) {
  if (json.Has("golden_texts")) stage.golden_texts = SW_TRY(GetTexts(json, "golden_texts"));
  if (const Json* sparse = json.Find("golden_sparse")) {
    stage.golden_numbers = SW_TRY(ReadSparse(*sparse, rows));
    return Ok();
  }
  stage.golden_numbers = SW_TRY(DoublesOr(json, "golden"));
  return Ok();
}

Result<PlanStage> ReadStage(const Json& json, std::size_t golden_rows) {
  PlanStage stage{.name = SW_TRY(json.GetString("name")), .in = {}, .op = SW_TRY(PlanOpFromJson(json))};
  for (const std::int32_t value : SW_TRY(GetInts(json, "in"))) {
    if (value < 0) return InvalidArgument("reads value {}", value);
    stage.in.push_back(static_cast<std::uint32_t>(value));
  }
  SW_TRY(ReadStageGolden(json, golden_rows, stage));
  return stage;
}

}  // namespace

Result<Plan> ParsePlan(std::string_view text) {
  const Json json = SW_TRY(Json::Parse(text, {.bytes_max = kPlanBytesMax, .depth_max = 16}));
  SW_TRY(CheckFormat(json));
  Plan plan;
  plan.library = SW_TRY(json.GetString("library"));
  plan.inputs = SW_TRY(ReadInputs(json));
  SW_TRY(ReadGolden(json, plan));
  for (const Json& item : SW_TRY(json.GetArray("stages"))->AsArray()) {
    auto stage = ReadStage(item, plan.golden.num_rows());
    if (!stage) return std::unexpected(std::move(stage).error().Within(fmt::format("plan: stage {}", plan.stages.size())));
    plan.stages.push_back(*std::move(stage));
  }
  plan.raw = SW_TRY(GetIndex(json, "raw"));
  plan.prediction = SW_TRY(GetIndex(json, "prediction"));
  for (const Json& label : SW_TRY(json.GetArray("classes"))->AsArray()) {
    if (!label.IsString()) return InvalidArgument("plan: classes must be texts, found {}", label.TypeName());
    plan.classes.push_back(label.AsString());
  }
  SW_TRY(CheckPlan(plan));
  return plan;
}

}  // namespace sw::model
