#include <cmath>
#include <utility>

#include "model/engine.h"
#include "model/engines/columns.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

// LightGBM's kZeroThreshold, a float widened to double.
constexpr double kZeroMax = static_cast<double>(1e-35F);

bool IsZero(double value) { return value >= -kZeroMax && value <= kZeroMax; }

bool InSet(const std::vector<std::uint32_t>& set, double value) {
  if (std::isnan(value) || value <= -1.0 || value >= 2147483648.0) return false;
  const auto code = static_cast<std::uint32_t>(value);  // truncation, as LightGBM
  return code / 32 < set.size() && (set[code / 32] >> (code % 32) & 1U) != 0;
}

// LightGBM's Tree::NumericalDecision and CategoricalDecision (include/LightGBM/tree.h).
bool GoesLeft(const Tree& tree, const Node& node, double value) {
  if (node.is_category) return InSet(tree.sets[static_cast<std::size_t>(node.threshold)], value);
  if (std::isnan(value) && node.missing != MissingRule::kNan) value = 0.0;
  const bool is_missing = (node.missing == MissingRule::kZero && IsZero(value)) ||
                          (node.missing == MissingRule::kNan && std::isnan(value));
  return is_missing ? node.default_left : value <= node.threshold;
}

double LeafValue(const Tree& tree, const std::vector<double>& row) {
  if (tree.nodes.empty()) return tree.leaves[0];
  std::int32_t at = 0;
  while (at >= 0) {
    const Node& node = tree.nodes[static_cast<std::size_t>(at)];
    at = GoesLeft(tree, node, row[static_cast<std::size_t>(node.feature)]) ? node.left : node.right;
  }
  return tree.leaves[static_cast<std::size_t>(~at)];
}

class ForestEngine final : public Engine {
 public:
  explicit ForestEngine(Forest forest) : forest_(std::move(forest)) {}

  const std::vector<std::string>& inputs() const override { return forest_.features; }
  Exactness exactness() const override {
    return forest_.transform == Transform::kIdentity ? Exactness::kExact : Exactness::kBounded;
  }

  Status Score(const data::Batch& rows, std::span<double> scores) const override {
    const auto columns = SW_TRY(FindInputs(rows, forest_.features));
    std::vector<double> row(columns.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const double value = columns[c]->AsDouble(i);
        row[c] = IsZero(value) ? 0.0 : value;  // as LightGBM's C API does before it predicts
      }
      scores[i] = ScoreRow(row);
    }
    return Ok();
  }

 private:
  double ScoreRow(const std::vector<double>& row) const {
    double sum = 0;
    for (const Tree& tree : forest_.trees) sum += LeafValue(tree, row);
    if (forest_.average) sum /= static_cast<double>(forest_.trees.size());
    switch (forest_.transform) {
      case Transform::kIdentity: return sum;
      case Transform::kSigmoid: return Sigmoid(forest_.sigmoid_scale * sum);
      case Transform::kExp: return Exp(sum);
    }
    return sum;
  }

  Forest forest_;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeForestEngine(Forest forest) {
  SW_TRY(CheckForest(forest));
  return std::make_unique<ForestEngine>(std::move(forest));
}

}  // namespace sw::model
