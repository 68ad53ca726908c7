#include "model/engines/ranks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "model/reference.h"

namespace sw::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Doubles in their order as integers, and back.
std::uint64_t PlaceOf(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  return bits >> 63 ? ~bits : bits | 1ULL << 63;
}
double AtPlace(std::uint64_t place) {
  return std::bit_cast<double>(place >> 63 ? place & ~(1ULL << 63) : ~place);
}

// The greatest double that passes, for a test that all values up to it pass and none above.
template <typename Passes>
std::optional<double> GreatestPassing(const Passes& passes) {
  if (!passes(-kInfinity)) return {};
  if (passes(kInfinity)) return kInfinity;
  std::uint64_t low = PlaceOf(-kInfinity), high = PlaceOf(kInfinity);
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (passes(AtPlace(middle)) ? low : high) = middle;
  }
  return AtPlace(low);
}

// Where tests of one feature can change.
class CutFinder {
 public:
  explicit CutFinder(const Forest& forest) : forest_(forest), cuts_(forest.features.size()) {}

  std::vector<std::vector<double>> Find() {
    for (const Tree& tree : forest_.trees) {
      for (const Node& node : tree.nodes) AddNode(tree, node);
    }
    for (std::size_t f = 0; f < forest_.known.size(); ++f) {
      if (!forest_.known[f].empty()) AddSet(f, forest_.known[f]);
    }
    for (std::size_t f = 0; f < cuts_.size(); ++f) Bisect(f);
    return std::move(cuts_);
  }

 private:
  struct Wanted {
    std::set<std::pair<NodeTest, double>> thresholds;
    std::set<std::uint64_t> codes;  // first codes of a run
    bool has_codes = false;
    bool has_zero_rule = false;
  };

  void AddNode(const Tree& tree, const Node& node) {
    const auto feature = static_cast<std::size_t>(node.feature);
    if (node.test == NodeTest::kMember) return AddSet(feature, tree.sets[node.set]);
    Wanted& wanted = wanted_[feature];
    wanted.thresholds.emplace(node.test, node.threshold);
    wanted.has_zero_rule |= node.zero != ZeroRule::kCompare;
  }

  void AddSet(std::size_t feature, const std::vector<std::uint32_t>& words) {
    Wanted& wanted = wanted_[feature];
    wanted.has_codes = true;
    bool previous = false;
    for (std::uint64_t code = 0; code <= words.size() * 32; ++code) {
      const bool is_in = code / 32 < words.size() && (words[code / 32] >> (code % 32) & 1U) != 0;
      if (is_in != previous) wanted.codes.insert(code);
      previous = is_in;
    }
  }

  double Seen(double x) const { return ReferenceSeen(forest_, x); }

  // What is no code lies below all codes, or above.
  bool IsCodeBelow(double x, std::uint64_t bound) const {
    const auto code = ReferenceCode(forest_, x);
    return code ? *code < bound : x < 0;
  }

  void Bisect(std::size_t feature) {
    const auto found = wanted_.find(feature);
    if (found == wanted_.end()) return;
    std::vector<double>& cuts = cuts_[feature];
    const auto add = [&](const auto& passes) {
      if (const auto cut = GreatestPassing(passes)) cuts.push_back(*cut);
    };
    for (const auto& [test, threshold] : found->second.thresholds) {
      add([&, test = test, threshold = threshold](double x) {
        return test == NodeTest::kAtMost ? Seen(x) <= threshold : Seen(x) < threshold;
      });
    }
    for (const std::uint64_t code : found->second.codes) {
      add([&](double x) { return IsCodeBelow(x, code); });
    }
    if (found->second.has_codes) {
      constexpr std::uint64_t kAboveAll = 1ULL << 32;
      add([&](double x) { return IsCodeBelow(x, 0); });
      add([&](double x) { return IsCodeBelow(x, kAboveAll); });
    }
    if (found->second.has_zero_rule) {
      add([&](double x) { return Seen(x) < -kTinyMax; });
      add([&](double x) { return Seen(x) <= kTinyMax; });
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    if (!cuts.empty() && cuts.back() == kInfinity) cuts.pop_back();  // no value is above it
    if (cuts.empty()) cuts.push_back(0.0);  // used, though no value changes its tests
  }

  const Forest& forest_;
  std::map<std::size_t, Wanted> wanted_;
  std::vector<std::vector<double>> cuts_;
};

class Ranker {
 public:
  explicit Ranker(const Forest& forest) : forest_(forest) {
    ranked_.cuts = CutFinder(forest).Find();
    column_of_.assign(forest.features.size() * 2, RankNode::kNoSet);
  }

  RankedForest Run() {
    for (const Tree& tree : forest_.trees) {
      RankTree& ranks = ranked_.trees.emplace_back();
      ranks.nodes.reserve(tree.nodes.size());
      for (const Node& node : tree.nodes) ranks.nodes.push_back(MakeNode(tree, node));
    }
    FitBytes();
    for (const RankColumn& column : ranked_.columns) {
      const auto last = static_cast<std::uint32_t>(ranked_.cuts[column.feature].size());
      ranked_.rank_max = std::max({ranked_.rank_max, last, column.missing_rank});
    }
    return std::move(ranked_);
  }

 private:
  std::uint32_t Column(std::uint32_t feature, bool missing_left) {
    std::uint32_t& column = column_of_[feature * 2 + (missing_left ? 1 : 0)];
    if (column == RankNode::kNoSet) {
      column = static_cast<std::uint32_t>(ranked_.columns.size());
      const auto cuts = static_cast<std::uint32_t>(ranked_.cuts[feature].size());
      ranked_.columns.push_back({.feature = feature, .missing_rank = missing_left ? 0 : cuts + 1});
    }
    return column;
  }

  // With 255 cuts, XGBoost's usual most, a missing value's own rank would be the only one above a byte.
  // Tests that compare send it where they send a value above all cuts; only sets can tell the two apart.
  void FitBytes() {
    std::vector<bool> has_sets(forest_.features.size());
    for (const RankTree& tree : ranked_.trees) {
      for (const RankNode& node : tree.nodes) {
        if (node.set != RankNode::kNoSet) has_sets[ranked_.columns[node.column].feature] = true;
      }
    }
    for (RankColumn& column : ranked_.columns) {
      if (column.missing_rank == 256 && !has_sets[column.feature]) column.missing_rank = 255;
    }
  }

  RankNode MakeNode(const Tree& tree, const Node& node) {
    const auto feature = static_cast<std::uint32_t>(node.feature);
    RankNode made{.left = node.left, .right = node.right};
    const bool is_compared = node.test != NodeTest::kMember && node.zero == ZeroRule::kCompare;
    if (is_compared && Compared(tree, node, made)) {
      made.column = Column(feature, node.missing_left);
      return made;
    }
    FillFromTable(tree, node, made);
    return made;
  }

  // Finds the cut of a plain comparison by bisecting ranks with the literal test.
  bool Compared(const Tree& tree, const Node& node, RankNode& made) const {
    const std::vector<double>& cuts = ranked_.cuts[static_cast<std::size_t>(node.feature)];
    std::size_t low = 0, high = cuts.size() + 1;  // ranks below `low` go left, from `high` on right
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      const double value = middle < cuts.size() ? cuts[middle] : kInfinity;
      if (ReferenceGoesLeft(forest_, tree, node, value)) low = middle + 1; else high = middle;
    }
    if (low == 0) return false;  // nothing goes left: no cut says so
    made.cut = static_cast<std::uint32_t>(low - 1);
    return true;
  }

  // Asks the literal test about every rank.
  void FillFromTable(const Tree& tree, const Node& node, RankNode& made) {
    const auto feature = static_cast<std::uint32_t>(node.feature);
    const std::vector<double>& cuts = ranked_.cuts[feature];
    std::vector<bool> goes_left(cuts.size() + 2);
    for (std::size_t rank = 0; rank <= cuts.size(); ++rank) {
      const double value = rank < cuts.size() ? cuts[rank] : kInfinity;
      goes_left[rank] = ReferenceGoesLeft(forest_, tree, node, value);
    }
    goes_left[cuts.size() + 1] = node.missing_left;
    made.column = Column(feature, false);
    const auto [found, is_new] = set_of_.try_emplace(goes_left, static_cast<std::uint32_t>(ranked_.sets.size()));
    if (is_new) ranked_.sets.push_back(goes_left);
    made.set = found->second;
  }

  const Forest& forest_;
  RankedForest ranked_;
  std::vector<std::uint32_t> column_of_;
  std::map<std::vector<bool>, std::uint32_t> set_of_;
};

}  // namespace

RankedForest RankForest(const Forest& forest) { return Ranker(forest).Run(); }

}  // namespace sw::model
