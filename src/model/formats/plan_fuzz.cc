// A plan is refused, or it scores: each row alone as among others, whatever its values.
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/engine.h"
#include "model/engines/pipeline_engine.h"
#include "model/formats/plan.h"

namespace {

using Double = std::numeric_limits<double>;

constexpr double kValues[] = {0, -0.0, 1, -1, 0.5, 3e38, 1e300, -1e300, 1e-310, Double::quiet_NaN(), Double::infinity()};
constexpr std::string_view kTexts[] = {"", "a", "Oslo", "Rome", "a b c a", "unseen"};
constexpr std::size_t kCellsMax = 1u << 16;

// Null and every value in every column, each column shifted by one.
sw::data::Batch Rows(const std::vector<sw::model::PlanInput>& inputs) {
  sw::data::Batch rows;
  for (std::size_t c = 0; c < inputs.size(); ++c) {
    const bool is_text = inputs[c].type == sw::data::Type::kString;
    const auto type = is_text ? sw::data::Type::kString : sw::data::Type::kFloat64;
    sw::data::Column column(type);
    for (std::size_t r = 0; r < std::size(kValues); ++r) {
      if (is_text) column.AppendString(kTexts[(r + c) % std::size(kTexts)]);
      else column.AppendDouble(kValues[(r + c) % std::size(kValues)]);
    }
    column.AppendNull();
    rows.AddColumn({inputs[c].name, type}, std::move(column));
  }
  return rows;
}

void CheckOutput(const sw::model::Engine& engine, const sw::data::Batch& rows, sw::model::Output output) {
  const std::size_t width = engine.outputs(output);
  std::vector<double> scores(rows.num_rows() * width), alone(width);
  const bool all = engine.Score(rows, output, scores).has_value();
  bool each = true;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const bool one = engine.Score(rows.Slice(row, 1), output, alone).has_value();
    each = each && one;
    for (std::size_t i = 0; all && i < width; ++i) {
      SW_CHECK(sw::model::UlpDistance(alone[i], scores[row * width + i]) == 0, "a row alone has another score");
    }
  }
  SW_CHECK(all == each, "rows are refused together that are not refused alone, or the reverse");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto plan = sw::model::ParsePlan({reinterpret_cast<const char*>(data), size});
  if (!plan) return 0;
  const sw::data::Batch rows = Rows(plan->inputs);
  const auto shapes = sw::model::CheckPlan(*plan);
  SW_CHECK(shapes.has_value(), "a plan that parses is refused later");
  std::size_t width = 0;
  for (const sw::model::Shape& shape : *shapes) width += shape.width;
  if (width * rows.num_rows() > kCellsMax) return 0;
  (void)sw::model::PipelineEngine::Make(*plan);  // golden rows may not come out
  plan->golden = {};
  for (sw::model::PlanStage& stage : plan->stages) {
    stage.golden_numbers = {};
    stage.golden_texts = {};
  }
  const auto engine = sw::model::PipelineEngine::Make(*std::move(plan));
  SW_CHECK(engine.has_value(), "a plan without golden rows does not compile");
  CheckOutput(**engine, rows, sw::model::Output::kPrediction);
  CheckOutput(**engine, rows, sw::model::Output::kRaw);
  return 0;
}
