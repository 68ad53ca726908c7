// Forest: decision trees as every tree format is read into. A value; immutable once built.
//
// A parser writes down literally what its library does (rounding of inputs, kind of comparison,
// direction of missing values, order and type of the sum); engines turn that into whatever runs
// fastest with the same bits. `reference.h` is the slow, literal meaning of every field here.
//
// CheckForest() proves what scoring relies on, so that a hostile file cannot make it loop or read
// outside: arrays agree in length, features and sets exist, and each child comes after its parent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace sw::model {

enum class NodeTest : std::uint8_t {
  kAtMost,  // value <= threshold goes left (LightGBM, scikit-learn)
  kBelow,   // value < threshold goes left (XGBoost; CatBoost's value > border goes right is kAtMost)
  kMember,  // the category code is in the node's set: goes left
};

// What a value within +-1e-35 does, where it is not simply compared (LightGBM's zero_as_missing).
enum class ZeroRule : std::uint8_t { kCompare, kLeft, kRight };

struct Node {
  std::int32_t feature = 0;
  double threshold = 0;      // kAtMost, kBelow
  std::int32_t left = 0;     // < 0: the leaf ~left
  std::int32_t right = 0;
  std::uint32_t set = 0;     // kMember: index into the tree's sets
  NodeTest test = NodeTest::kAtMost;
  ZeroRule zero = ZeroRule::kCompare;
  bool missing_left = false;  // where NaN goes
  bool no_code_left = false;  // kMember: where a value goes that is no category code
  bool operator==(const Node&) const = default;
};

// A leaf of a LightGBM linear tree: constant + sum of weight * value, in this order. When any of
// its features is NaN the leaf's plain value counts.
struct LinearLeaf {
  double constant = 0;
  std::vector<std::int32_t> features = {};
  std::vector<double> weights = {};
  bool operator==(const LinearLeaf&) const = default;
};

struct Tree {
  std::vector<Node> nodes = {};    // nodes[0] is the root; none: the tree is its one leaf
  std::vector<double> leaves = {};  // (nodes + 1) x leaf_width, a leaf's values side by side
  std::vector<std::vector<std::uint32_t>> sets = {};  // bit sets of category codes
  std::vector<LinearLeaf> linear = {};  // empty, or one a leaf
  // Empty, or how much training weight came through: one a node, then one a leaf. Only explanations
  // read it (explain.h), by the ratio of a child to its parent.
  std::vector<double> covers = {};
  std::uint32_t output = 0;   // what the leaf's first value is added to
  bool operator==(const Tree&) const = default;
};

// How a cell of a category feature becomes a code.
enum class CodeRule : std::uint8_t {
  kTruncate,  // LightGBM: toward zero, so that -0.9 is 0; -1 and less, and 2^31 and more, are no code
  kFloat,     // XGBoost: as float, then toward zero; below 0, and 2^24 and more, are no code
  kKnown,     // scikit-learn: as kTruncate from 0 up; a code outside Forest::known is missing
};

// The labels that stand for a feature's category codes. A label that is in neither map is missing.
struct Dictionary {
  std::map<std::string, double, std::less<>> text = {};
  std::map<double, double> numbers = {};  // empty: numbers are codes already
  bool operator==(const Dictionary&) const = default;
};

// What turns the sums into predictions.
enum class Link : std::uint8_t {
  kIdentity,
  kSigmoid,       // 1 / (1 + e^(-link_scale * sum)); of several outputs each by itself
  kSoftmax,
  kFastSoftmax,   // with CatBoost's approximate exponential (fast_exp.h)
  kArgmax,        // the index of the greatest sum (XGBoost's multi:softmax); one prediction a row
  kStep,          // 1 when the sum is above 0, else 0 (XGBoost's binary:hinge)
  kExp,
  kLogOnePlusExp,  // log(1 + e^sum) (LightGBM's cross_entropy_lambda)
  kSignedSquare,   // sign(sum) * sum^2 (LightGBM's reg_sqrt)
  kIsolation,      // -2^(-sum / link_scale) (scikit-learn's IsolationForest.score_samples)
};

struct Forest {
  std::vector<std::string> features = {};
  std::vector<Dictionary> dictionaries = {};  // empty, or one a feature; below are codes only
  std::vector<Tree> trees = {};       // summed in this order
  std::uint32_t outputs = 1;     // sums a row
  std::uint32_t leaf_width = 1;  // 1, or outputs when a leaf is a vector
  bool float_inputs = false;     // values are rounded to float before any test
  bool tiny_is_zero = false;     // values within +-1e-35 become 0 first (LightGBM's C API)
  bool float_sums = false;       // leaves, base, sums and link in float
  CodeRule codes = CodeRule::kTruncate;
  std::vector<std::vector<std::uint32_t>> known = {};  // CodeRule::kKnown: bit set of codes, one a feature; empty set: numeric
  std::vector<double> base = {};     // empty (zeros), or one an output
  bool base_last = false;        // added after the trees instead of before
  double scale = 1;              // the sum of the trees is multiplied by it, before a base that is last
  double divisor = 1;            // raw = sum / divisor
  double link_divisor = 1;       // the link reads raw / link_divisor (LightGBM's random forest)
  Link link = Link::kIdentity;
  double link_scale = 1;
  bool operator==(const Forest&) const = default;
};

// Predictions a row: 1 for kArgmax, else forest.outputs.
std::size_t PredictionCount(const Forest& forest);

// Whether the predictions are probabilities of classes of which one is true: a softmax.
bool PredictsClasses(const Forest& forest);

// For each feature whether some node tests it. Requires CheckForest(forest).
std::vector<bool> UsedFeatures(const Forest& forest);

// INVALID_ARGUMENT names tree, node and what is wrong with it.
Status CheckForest(const Forest& forest);

}  // namespace sw::model
