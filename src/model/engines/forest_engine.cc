#include <utility>

#include "model/engine.h"
#include "model/engines/columns.h"
#include "model/link.h"
#include "model/reference.h"

namespace sw::model {
namespace {

class ForestEngine final : public Engine {
 public:
  explicit ForestEngine(Forest forest) : forest_(std::move(forest)) {}

  const std::vector<std::string>& inputs() const override { return forest_.features; }
  Exactness exactness() const override { return Exactness::kExact; }
  std::size_t outputs(Output output) const override {
    return output == Output::kRaw ? forest_.outputs : PredictionCount(forest_);
  }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    const auto columns = SW_TRY(FindInputs(rows, forest_.features));
    std::vector<double> row(columns.size()), raw(forest_.outputs);
    const std::size_t width = outputs(output);
    for (std::size_t i = 0; i < rows.num_rows(); ++i) {
      for (std::size_t c = 0; c < columns.size(); ++c) row[c] = columns[c]->AsDouble(i);
      const std::span<double> out = scores.subspan(i * width, width);
      ReferenceRaw(forest_, row, output == Output::kRaw ? out : std::span<double>(raw));
      if (output == Output::kPrediction) ApplyLink(forest_, raw, out);
    }
    return Ok();
  }

 private:
  Forest forest_;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeForestEngine(Forest forest) {
  SW_TRY(CheckForest(forest));
  return std::make_unique<ForestEngine>(std::move(forest));
}

}  // namespace sw::model
