#include <cmath>
#include <utility>

#include "base/errors.h"
#include "model/engine.h"
#include "model/engines/columns.h"
#include "model/heap_bytes.h"
#include "model/link.h"

namespace sw::model {
namespace {

class FloatLinearEngine final : public Engine {
 public:
  explicit FloatLinearEngine(FloatLinearModel model)
      : model_(std::move(model)), base_(model_.head.base.empty() ? 0.0F : static_cast<float>(model_.head.base[0])) {}

  const std::vector<std::string>& inputs() const override { return model_.head.features; }
  Exactness exactness() const override { return Exactness::kExact; }
  Tolerance tolerance() const override { return {.prediction_in_float = true}; }
  std::size_t outputs(Output output) const override {
    return output == Output::kRaw ? model_.head.outputs : PredictionCount(model_.head);
  }
  bool predicts_classes() const override { return PredictsClasses(model_.head); }
  std::size_t memory_bytes() const override { return sizeof(*this) + HeapBytes(model_.head) + HeapBytes(model_.weights); }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    const auto columns = SW_TRY(FindInputs(rows, inputs()));
    std::vector<double> raw(model_.head.outputs);
    const std::size_t width = outputs(output);
    for (std::size_t row = 0; row < rows.num_rows(); ++row) {
      const std::span<double> out = scores.subspan(row * width, width);
      const std::span<double> sums = output == Output::kRaw ? out : std::span(raw);
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] = Sum(columns, row, k);
      if (output == Output::kPrediction) ApplyLink(model_.head, raw, out);
    }
    return Ok();
  }

  // A missing value adds nothing, so that a term is what its input contributes.
  Status Contribute(const data::Batch& rows, std::span<double> contributions) const override {
    const auto columns = SW_TRY(FindInputs(rows, inputs()));
    std::size_t at = 0;
    for (std::size_t row = 0; row < rows.num_rows(); ++row) {
      for (std::size_t k = 0; k < model_.head.outputs; ++k) {
        for (std::size_t c = 0; c < columns.size(); ++c) contributions[at++] = Term(*columns[c], row, c, k);
        contributions[at++] = Weight(columns.size(), k) + base_;
      }
    }
    return Ok();
  }

 private:
  float Weight(std::size_t row, std::size_t output) const { return model_.weights[row * model_.head.outputs + output]; }

  float Term(const data::Column& column, std::size_t row, std::size_t feature, std::size_t output) const {
    const auto value = static_cast<float>(column.AsDouble(row));
    return std::isnan(value) ? 0.0F : value * Weight(feature, output);
  }

  float Sum(const std::vector<const data::Column*>& columns, std::size_t row, std::size_t output) const {
    float sum = Weight(columns.size(), output) + base_;
    for (std::size_t c = 0; c < columns.size(); ++c) sum += Term(*columns[c], row, c, output);
    return sum;
  }

  FloatLinearModel model_;
  float base_;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeFloatLinearEngine(FloatLinearModel model) {
  SW_TRY(CheckForest(model.head));
  const std::size_t needed = (model.head.features.size() + 1) * model.head.outputs;
  if (model.weights.size() != needed) {
    return InvalidArgument("the linear model has {} weights: {} features and a bias for {} outputs need {}",
                           model.weights.size(), model.head.features.size(), model.head.outputs, needed);
  }
  return std::make_unique<FloatLinearEngine>(std::move(model));
}

}  // namespace sw::model
