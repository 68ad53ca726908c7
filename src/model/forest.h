// Forest: decision trees as every tree format is read into. A value; immutable once built.
//
// Check() proves what scoring relies on, so that a hostile file cannot make it loop or read outside:
// arrays agree in length, features exist, and each child comes after its parent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace sw::model {

enum class MissingRule : std::uint8_t { kNone, kZero, kNan };  // LightGBM's missing types
enum class Transform : std::uint8_t { kIdentity, kSigmoid, kExp };

struct Node {
  std::int32_t feature = 0;
  double threshold = 0;           // value <= threshold goes left; for a category test: the set's index
  std::int32_t left = 0;          // < 0: the leaf ~left
  std::int32_t right = 0;
  MissingRule missing = MissingRule::kNone;
  bool default_left = false;
  bool is_category = false;       // a member of the set goes left; missing and negative go right
  bool operator==(const Node&) const = default;
};

struct Tree {
  std::vector<Node> nodes;        // nodes[0] is the root; none: the tree is its one leaf
  std::vector<double> leaves;
  std::vector<std::vector<std::uint32_t>> sets;  // bit sets of category codes
  bool operator==(const Tree&) const = default;
};

struct Forest {
  std::vector<std::string> features;
  std::vector<Tree> trees;        // summed in this order, in double, from 0
  bool average = false;           // divide the sum by the number of trees (random forest)
  Transform transform = Transform::kIdentity;
  double sigmoid_scale = 1;
  bool operator==(const Forest&) const = default;
};

// INVALID_ARGUMENT names tree, node and what is wrong with it.
Status CheckForest(const Forest& forest);

}  // namespace sw::model
