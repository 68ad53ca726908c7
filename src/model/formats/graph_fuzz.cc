// A graph is refused, or comes back as it was written; with members it is refused, or scores rows together
// as it scores them one by one. Members have as many outputs as their names' lengths say.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/engines/graph_engine.h"
#include "model/formats/graph.h"

namespace {

using namespace sw;

class Member final : public model::Engine {
 public:
  explicit Member(std::size_t outputs) : outputs_(outputs) {}
  const std::vector<std::string>& inputs() const override { return inputs_; }
  model::Exactness exactness() const override { return model::Exactness::kExact; }
  std::size_t memory_bytes() const override { return 0; }
  std::size_t outputs(model::Output) const override { return outputs_; }
  bool predicts_classes() const override { return outputs_ > 1; }
  Status Score(const data::Batch& rows, model::Output, std::span<double> scores) const override {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const std::size_t row = i / outputs_;
      const double x = SW_TRY(rows.Get("x"))->AsDouble(row), y = SW_TRY(rows.Get("y"))->AsDouble(row);
      scores[i] = std::fabs(std::remainder(x + 3 * y + static_cast<double>(i % outputs_), 1.0));
    }
    return Ok();
  }

 private:
  std::vector<std::string> inputs_ = {"x", "y"};
  std::size_t outputs_;
};

constexpr std::size_t kRows = 5;
constexpr double kValues[] = {0.25, NAN, -1e300, 7, 0.5};

data::Batch RowsOf(const model::Engine& engine) {
  data::Batch rows;
  for (std::size_t i = 0; i < engine.inputs().size(); ++i) {
    data::Column column(data::Type::kFloat64);
    for (std::size_t row = 0; row < kRows; ++row) column.AppendDouble(kValues[(row * (i + 1)) % kRows]);
    rows.AddColumn({engine.inputs()[i], data::Type::kFloat64}, std::move(column));
  }
  return rows;
}

void CheckScores(const model::Engine& engine) {
  const data::Batch rows = RowsOf(engine);
  const std::size_t width = engine.outputs(model::Output::kPrediction);
  std::vector<double> together(kRows * width), alone(width);
  SW_CHECK(engine.Score(rows, model::Output::kPrediction, together).has_value(), "a graph of numbers refuses numbers");
  for (std::size_t row = 0; row < kRows; ++row) {
    SW_CHECK(engine.Score(rows.Slice(row, 1), model::Output::kPrediction, alone).has_value(), "a row alone is refused");
    for (std::size_t k = 0; k < width; ++k) {
      SW_CHECK(model::UlpDistance(alone[k], together[row * width + k]) == 0, "a score depends on the rows beside it");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto graph = model::ParseGraph({reinterpret_cast<const char*>(data), size});
  if (!graph) return 0;
  const auto again = model::ParseGraph(model::GraphToJson(*graph).Dump());
  SW_CHECK(again.has_value() && *again == *graph, "a graph changes when it is written");
  model::GraphMembers members;
  for (const model::GraphNode& node : graph->nodes) {
    if (node.kind == model::GraphNode::Kind::kModel) members[node.name] = std::make_shared<Member>(1 + (node.model.size() - 1) % 4);
  }
  const auto engine = model::MakeGraphEngine(*std::move(graph), std::move(members));
  if (engine && !(*engine)->inputs().empty()) CheckScores(**engine);
  return 0;
}
