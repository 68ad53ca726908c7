// Random forests and the values that break them, for the tests of engines. Needs nothing but base's
// Random, so that it is built for other processors too (neon_test.cc).
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/forest.h"

namespace sw::model {

// What a random forest is made of.
struct ForestShape {
  std::size_t features = 5, trees = 9, leaves = 31;
  std::uint32_t outputs = 1, leaf_width = 1;
  bool is_chain = false, is_float = false;
  NodeTest test = NodeTest::kAtMost;
  bool has_sets = false, has_zero_rules = false, is_rounded = true;
  CodeRule codes = CodeRule::kTruncate;
};

inline double Unit(base::Random& random) { return static_cast<double>(random.Below(1U << 30)) / (1U << 30); }

inline std::vector<std::uint32_t> RandomSet(base::Random& random) {
  std::vector<std::uint32_t> words(1 + random.Below(3));
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.Below(1ULL << 32));
  return words;
}

inline Node RandomNode(const ForestShape& shape, base::Random& random, Tree& tree) {
  Node node{.feature = static_cast<std::int32_t>(random.Below(shape.features)), .test = shape.test};
  node.threshold = shape.is_rounded ? static_cast<double>(random.Below(40)) / 4 - 5 : Unit(random) * 10 - 5;
  if (shape.is_float) node.threshold = static_cast<float>(node.threshold);
  node.missing_left = random.Below(2) == 0;
  if (shape.has_zero_rules && random.Below(3) == 0) node.zero = random.Below(2) == 0 ? ZeroRule::kLeft : ZeroRule::kRight;
  if (shape.has_sets && node.feature == 0) {  // one feature is a category
    node.test = NodeTest::kMember;
    node.zero = ZeroRule::kCompare;
    node.no_code_left = random.Below(2) == 0;
    node.set = static_cast<std::uint32_t>(tree.sets.size());
    tree.sets.push_back(RandomSet(random));
  }
  return node;
}

// Splits random leaves until there are enough; a chain always splits the last one.
inline Tree RandomTree(const ForestShape& shape, base::Random& random, std::uint32_t output) {
  Tree tree{.output = output};
  struct Open { std::int32_t parent; bool is_left; };
  std::vector<Open> open = {{-1, false}};
  while (open.size() < shape.leaves) {
    const std::size_t at = shape.is_chain ? open.size() - 1 : random.Below(open.size());
    const auto number = static_cast<std::int32_t>(tree.nodes.size());
    const Open chosen = open[at];
    tree.nodes.push_back(RandomNode(shape, random, tree));
    if (chosen.parent >= 0) {
      Node& parent = tree.nodes[static_cast<std::size_t>(chosen.parent)];
      (chosen.is_left ? parent.left : parent.right) = number;
    }
    open[at] = {number, true};
    open.push_back({number, false});
  }
  for (std::size_t leaf = 0; leaf < open.size(); ++leaf) {
    if (open[leaf].parent >= 0) {
      Node& parent = tree.nodes[static_cast<std::size_t>(open[leaf].parent)];
      (open[leaf].is_left ? parent.left : parent.right) = ~static_cast<std::int32_t>(leaf);
    }
    for (std::size_t i = 0; i < shape.leaf_width; ++i) tree.leaves.push_back(Unit(random) - 0.5);
  }
  return tree;
}

inline Forest RandomForest(const ForestShape& shape, std::uint64_t seed) {
  base::Random random(seed);
  Forest forest{.outputs = shape.outputs, .leaf_width = shape.leaf_width, .float_inputs = shape.is_float,
                .tiny_is_zero = shape.has_zero_rules, .float_sums = shape.is_float, .codes = shape.codes};
  for (std::size_t f = 0; f < shape.features; ++f) forest.features.push_back(std::to_string(f));
  if (shape.codes == CodeRule::kKnown) {
    forest.known.resize(shape.features);
    forest.known[0] = RandomSet(random);
  }
  for (std::size_t t = 0; t < shape.trees; ++t) {
    forest.trees.push_back(RandomTree(shape, random, shape.leaf_width == 1 ? static_cast<std::uint32_t>(t % shape.outputs) : 0));
  }
  for (std::size_t i = 0; i < shape.outputs; ++i) forest.base.push_back(0.1 * static_cast<double>(i + 1));
  forest.divisor = 3;
  return forest;
}

// Every threshold and its neighbours, whatever rounds to them, and the strange values.
inline std::vector<double> Values(const Forest& forest) {
  std::vector<double> values = {0.0, -0.0, std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300, -1e300, 5e-324, 1e-36, -1e-36, 2e-35, -2e-35,
                                -0.5, -1.0, 31.99, 95.5, 96, 1e9, 2147483647.5, 2147483648.0, 16777215.4, 16777216.0};
  for (const Tree& tree : forest.trees) {
    for (const Node& node : tree.nodes) {
      const double t = node.threshold;
      for (const double x : {t, std::nextafter(t, HUGE_VAL), std::nextafter(t, -HUGE_VAL), t * (1 + 2e-8), t * (1 - 2e-8)}) values.push_back(x);
    }
  }
  for (int code = -2; code < 100; ++code) values.push_back(code);
  return values;
}

}  // namespace sw::model
