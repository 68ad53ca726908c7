#include <cmath>
#include <utility>

#include "base/errors.h"
#include "model/engine.h"
#include "model/engines/columns.h"
#include "model/heap_bytes.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

class LinearEngine final : public Engine {
 public:
  explicit LinearEngine(LinearModel model) : model_(std::move(model)) {
    for (const LinearModel::Term& term : model_.terms) inputs_.push_back(term.column);
  }

  const std::vector<std::string>& inputs() const override { return inputs_; }
  Exactness exactness() const override { return Exactness::kBounded; }
  std::size_t memory_bytes() const override { return sizeof(*this) + HeapBytes(model_.terms) + HeapBytes(inputs_); }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    const auto columns = SW_TRY(FindInputs(rows, inputs_));
    // A constant model is given rows without columns: only `scores` knows how many.
    for (std::size_t i = 0; i < scores.size(); ++i) {
      double sum = model_.intercept;
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const LinearModel::Term& term = model_.terms[c];
        const double value = columns[c]->AsDouble(i);
        if (!std::isnan(value)) sum += (value - term.mean) / term.scale * term.weight;
      }
      scores[i] = output == Output::kRaw ? sum : Transformed(sum);
    }
    return Ok();
  }

 private:
  double Transformed(double sum) const {
    if (model_.transform == Transform::kSigmoid) return Sigmoid(sum);
    return model_.transform == Transform::kExp ? Exp(sum) : sum;
  }

  LinearModel model_;
  std::vector<std::string> inputs_;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeLinearEngine(LinearModel model) {
  if (!std::isfinite(model.intercept)) return InvalidArgument("the linear model's intercept is not finite");
  for (const LinearModel::Term& term : model.terms) {
    const bool is_good = std::isfinite(term.mean) && std::isfinite(term.weight) && std::isfinite(term.scale);
    if (!is_good || term.scale == 0) {
      return InvalidArgument("the linear model's term {} needs finite numbers and a scale other than 0", term.column);
    }
  }
  return std::make_unique<LinearEngine>(std::move(model));
}

}  // namespace sw::model
