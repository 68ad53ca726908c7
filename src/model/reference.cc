#include "model/reference.h"

#include <algorithm>
#include <cmath>

namespace sw::model {
namespace {

bool IsTiny(double value) { return value >= -kTinyMax && value <= kTinyMax; }

bool Contains(const std::vector<std::uint32_t>& set, std::uint32_t code) {
  return code / 32 < set.size() && (set[code / 32] >> (code % 32) & 1U) != 0;
}

// The category code of a value that is not NaN.
std::optional<std::uint32_t> CodeOf(CodeRule rule, double value) {
  if (rule == CodeRule::kFloat) {
    const auto rounded = static_cast<float>(value);
    if (rounded < 0 || rounded >= 16777216.0F) return {};
    return static_cast<std::uint32_t>(rounded);
  }
  const bool is_below = rule == CodeRule::kTruncate ? value <= -1.0 : value < 0.0;
  if (is_below || value >= 2147483648.0) return {};
  return static_cast<std::uint32_t>(value);
}

bool GoesLeft(const Forest& forest, const Tree& tree, const Node& node, double value) {
  if (std::isnan(value)) return node.missing_left;
  if (node.test == NodeTest::kMember) {
    const auto code = CodeOf(forest.codes, value);
    if (forest.codes == CodeRule::kKnown) {
      const bool is_known = code && Contains(forest.known[static_cast<std::size_t>(node.feature)], *code);
      if (!is_known) return node.missing_left;
    }
    return code ? Contains(tree.sets[node.set], *code) : node.no_code_left;
  }
  if (node.zero != ZeroRule::kCompare && IsTiny(value)) return node.zero == ZeroRule::kLeft;
  return node.test == NodeTest::kAtMost ? value <= node.threshold : value < node.threshold;
}

// The value that tests see.
double Seen(const Forest& forest, double value) {
  if (forest.tiny_is_zero && IsTiny(value)) return 0.0;
  return forest.float_inputs ? static_cast<double>(static_cast<float>(value)) : value;
}

double LinearValue(const Forest& forest, const Tree& tree, std::size_t leaf, std::span<const double> row) {
  const LinearLeaf& linear = tree.linear[leaf];
  double sum = linear.constant;
  for (std::size_t i = 0; i < linear.features.size(); ++i) {
    const double value = Seen(forest, row[static_cast<std::size_t>(linear.features[i])]);
    if (std::isnan(value)) return tree.leaves[leaf];
    sum += linear.weights[i] * value;
  }
  return sum;
}

template <typename Real>
void Sum(const Forest& forest, std::span<const double> row, std::span<double> raw) {
  std::vector<Real> sums(forest.outputs);
  const auto add_base = [&] {
    for (std::size_t i = 0; i < forest.base.size(); ++i) sums[i] += static_cast<Real>(forest.base[i]);
  };
  if (!forest.base_last) add_base();
  for (const Tree& tree : forest.trees) {
    const std::size_t leaf = ReferenceLeaf(forest, tree, row);
    if (!tree.linear.empty()) {
      sums[tree.output] += static_cast<Real>(LinearValue(forest, tree, leaf, row));
      continue;
    }
    for (std::size_t i = 0; i < forest.leaf_width; ++i) {
      sums[tree.output + i] += static_cast<Real>(tree.leaves[leaf * forest.leaf_width + i]);
    }
  }
  for (Real& sum : sums) sum *= static_cast<Real>(forest.scale);
  if (forest.base_last) add_base();
  for (std::size_t i = 0; i < sums.size(); ++i) raw[i] = sums[i] / static_cast<Real>(forest.divisor);
}

}  // namespace

std::optional<std::uint32_t> ReferenceCode(const Forest& forest, double cell) { return CodeOf(forest.codes, Seen(forest, cell)); }

double ReferenceSeen(const Forest& forest, double cell) { return Seen(forest, cell); }

bool ReferenceTest(const Forest& forest, const Tree& tree, const Node& node, double seen) {
  return GoesLeft(forest, tree, node, seen);
}

bool ReferenceGoesLeft(const Forest& forest, const Tree& tree, const Node& node, double cell) {
  return GoesLeft(forest, tree, node, Seen(forest, cell));
}

std::size_t ReferenceLeaf(const Forest& forest, const Tree& tree, std::span<const double> row) {
  if (tree.nodes.empty()) return 0;
  std::int32_t at = 0;
  while (at >= 0) {
    const Node& node = tree.nodes[static_cast<std::size_t>(at)];
    at = ReferenceGoesLeft(forest, tree, node, row[static_cast<std::size_t>(node.feature)]) ? node.left : node.right;
  }
  return static_cast<std::size_t>(~at);
}

void ReferenceRaw(const Forest& forest, std::span<const double> row, std::span<double> raw) {
  if (forest.float_sums) return Sum<float>(forest, row, raw);
  Sum<double>(forest, row, raw);
}

}  // namespace sw::model
