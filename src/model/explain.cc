#include "model/explain.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/errors.h"
#include "model/heap_bytes.h"
#include "model/reference.h"

namespace sw::model {
namespace {

constexpr std::size_t kBlockGroups = 8;             // groups that share a tree's coefficients
constexpr std::size_t kBlockBytesMax = 8u << 20;    // of sums a player; wide models take smaller blocks
constexpr double kShareMax = 1.01;                  // covers are sums in float: a child may seem heavier

constexpr std::string_view kNoCovers =
    "the model has no cover counts, which exact contributions need; save it again with them: LightGBM save_model "
    "(leaf_count, internal_count), XGBoost save_model as JSON or UBJSON (sum_hessian), CatBoost JSON (leaf_weights)";

double Cover(const Tree& tree, std::int32_t child) {
  return tree.covers[child < 0 ? tree.nodes.size() + static_cast<std::size_t>(~child) : static_cast<std::size_t>(child)];
}

ExplainKernel KernelFor([[maybe_unused]] const Cpu& cpu) {
#if defined(__x86_64__)
  if (cpu.avx512) return ExplainAvx512;
  if (cpu.avx2) return ExplainAvx2;
#endif
  return ExplainBaseline;
}

// Lists a tree's edges in pre-order. Without recursion: a tree may be a chain.
class Lister {
 public:
  // `newest`: -1 for each player, before and after.
  Lister(const Tree& tree, std::span<const std::uint32_t> players, std::span<std::int32_t> newest)
      : tree_(tree), players_(players), newest_(newest) {}

  // INVALID_ARGUMENT, RESOURCE_EXHAUSTED as Explainer::Make.
  Result<std::vector<ExplainEdge>> Run() {
    std::vector<ExplainEdge> edges;
    edges.reserve(2 * tree_.nodes.size());
    SW_TRY(Push(0, 0));
    while (!open_.empty()) {
      const Open next = open_.back();
      open_.pop_back();
      Unwind(next.edge.depth);
      edges.push_back(Finished(next.edge));
      if (next.child >= 0) SW_TRY(Push(next.child, next.edge.depth + 1));
    }
    for (std::size_t i = 0; i < edges.size(); ++i) {
      const std::uint32_t next = i + 1 < edges.size() ? edges[i + 1].depth : 0;
      if (edges[i].leaf >= 0) edges[i].closes = edges[i].depth + 1 - next;
    }
    Unwind(0);
    return edges;
  }

  std::size_t depth() const { return depth_max_; }
  std::size_t features() const { return features_max_; }  // different ones on a path, at most

 private:
  struct Open {
    ExplainEdge edge;
    std::int32_t child = 0;
  };
  struct Step {
    std::uint32_t player = 0;
    std::int32_t older = -1;
    double share = 1;
  };

  Status Push(std::int32_t at, std::uint32_t depth) {
    if (tree_.nodes.empty()) return Ok();
    if (depth >= Explainer::kPathNodesMax) {
      return ResourceExhausted("a tree is deeper than {} nodes, the limit path_nodes_max of contributions",
                               Explainer::kPathNodesMax);
    }
    const Node& node = tree_.nodes[static_cast<std::size_t>(at)];
    const double own = Cover(tree_, at);
    const std::pair<std::int32_t, bool> sides[] = {{node.right, true}, {node.left, false}};
    for (const auto& [child, is_right] : sides) {  // the left one comes off the stack first
      // Nothing was trained below: both ways alike, as XGBoost since 3.3.
      const double share = own > 0 ? Cover(tree_, child) / own : 0.5;
      if (share > kShareMax) return InvalidArgument("node {} has cover {}, its child {}", at, own, Cover(tree_, child));
      open_.push_back({.edge = {.share = share, .node = at, .leaf = child < 0 ? ~child : -1, .depth = depth,
                                .player = players_[static_cast<std::size_t>(node.feature)], .is_right = is_right},
                       .child = child});
    }
    return Ok();
  }

  void Unwind(std::size_t depth) {
    while (path_.size() > depth) {
      const Step& step = path_.back();
      newest_[step.player] = step.older;
      features_ -= step.older < 0 ? 1 : 0;
      path_.pop_back();
    }
  }

  ExplainEdge Finished(ExplainEdge edge) {
    edge.older = newest_[edge.player];
    if (edge.older >= 0) edge.older_share = path_[static_cast<std::size_t>(edge.older)].share;
    path_.push_back({.player = edge.player, .older = edge.older, .share = edge.share * edge.older_share});
    newest_[edge.player] = static_cast<std::int32_t>(edge.depth);
    features_ += edge.older < 0 ? 1 : 0;
    depth_max_ = std::max(depth_max_, path_.size());
    features_max_ = std::max(features_max_, features_);
    return edge;
  }

  const Tree& tree_;
  std::span<const std::uint32_t> players_;
  std::span<std::int32_t> newest_;  // player: depth of its newest edge on the path, -1: none
  std::vector<Open> open_;
  std::vector<Step> path_;
  std::size_t features_ = 0, depth_max_ = 0, features_max_ = 0;
};

// What is left of a tree when nothing is known of a row.
void AddMean(const Forest& forest, const Tree& tree, std::span<const ExplainEdge> edges, std::span<double> sums) {
  const auto add = [&](std::size_t leaf, double weight) {
    for (std::size_t i = 0; i < forest.leaf_width; ++i) {
      sums[tree.output + i] += weight * tree.leaves[leaf * forest.leaf_width + i];
    }
  };
  if (edges.empty()) return add(0, 1);
  std::vector<double> reached(1, 1.0);
  for (const ExplainEdge& edge : edges) {
    reached.resize(edge.depth + 1);
    reached.push_back(reached.back() * edge.share);
    if (edge.leaf >= 0) add(static_cast<std::size_t>(edge.leaf), reached.back());
  }
}

// One edge of ExplainTree::coefficients. With g(t) = w (1 - t) + o t, an edge turns the older g of
// its feature into its own, and contributes (o - w) / g less what the older edge has counted already.
template <bool kHasOlder>
void FillEdge(const ExplainEdge& edge, const Quadrature& rule, double* __restrict factors) {
  const std::size_t points = rule.points.size();
  const double share = edge.share * edge.older_share;
  for (std::size_t i = 0; i < points; ++i) {
    const double t = rule.points[i], rest = rule.complements[i];
    const double failed = share * rest, passed = failed + t;
    const double older = kHasOlder ? 1 / (edge.older_share * rest + t) : 1;
    const double counted = kHasOlder ? (1 - edge.older_share) * older : 0;
    factors[i] = failed * older;
    factors[points + i] = passed * older;
    factors[2 * points + i] = -1 / rest - counted;
    factors[3 * points + i] = (1 - share) / passed - counted;
  }
}

void FillCoefficients(std::span<const ExplainEdge> edges, const Quadrature& rule, std::vector<double>& coefficients) {
  const std::size_t places = kExplainCoefficients * rule.points.size();
  coefficients.resize(edges.size() * places);
  double* factors = coefficients.data();
  for (const ExplainEdge& edge : edges) {
    const auto fill = edge.older < 0 ? FillEdge<false> : FillEdge<true>;
    fill(edge, rule, factors);
    factors += places;
  }
}

Status CheckExplained(const Forest& forest) {
  for (const Tree& tree : forest.trees) {
    if (!tree.linear.empty()) {
      return Unimplemented("trees with linear leaves have no exact contributions (LightGBM has none either); train with linear_tree=false");
    }
    if (tree.nodes.empty()) continue;
    if (tree.covers.empty() || tree.covers[0] == 0) return Unimplemented("{}", kNoCovers);
  }
  return Ok();
}

}  // namespace

// A place of each row of a group, aligned for the widest vectors.
template <typename T>
struct alignas(kExplainLanes * sizeof(T)) Explainer::Lanes {
  T at[kExplainLanes];
};

struct Explainer::Scratch {
  std::vector<Lanes<double>> cells;    // [feature][group]
  std::vector<Lanes<double>> players;  // [group][output][player]
  std::vector<Lanes<double>> products, sums;
  std::vector<Lanes<std::int64_t>> passes, goes_left;
  std::vector<double> coefficients;
  std::vector<std::uint32_t> open;
};

Explainer::Explainer(const Forest& forest, const Cpu& cpu, std::vector<std::uint32_t> players)
    : forest_(&forest), kernel_(KernelFor(cpu)), players_(std::move(players)), means_(forest.outputs) {
  std::unordered_map<std::string_view, std::uint32_t> first;
  for (std::uint32_t i = static_cast<std::uint32_t>(players_.size()); i < forest.features.size(); ++i) {
    players_.push_back(first.emplace(forest.features[i], i).first->second);
  }
  const std::vector<bool> is_used = UsedFeatures(forest);
  for (std::uint32_t i = 0; i < is_used.size(); ++i) {
    if (is_used[i]) used_.push_back(i);
  }
}

Result<Explainer> Explainer::Make(const Forest& forest, const Cpu& cpu, std::vector<std::uint32_t> players) {
  SW_TRY(CheckExplained(forest));
  Explainer explainer(forest, cpu, std::move(players));
  std::vector<std::int32_t> newest(forest.features.size(), -1);
  for (std::size_t i = 0; i < forest.trees.size(); ++i) {
    if (Status added = explainer.AddTree(i, newest); !added) {
      return std::unexpected(std::move(added).error().Within(fmt::format("tree {}", i)));
    }
  }
  return explainer;
}

Status Explainer::AddTree(std::size_t number, std::vector<std::int32_t>& newest) {
  const Tree& tree = forest_->trees[number];
  Lister lister(tree, players_, newest);
  TreePlan plan;
  plan.edges = SW_TRY(lister.Run());
  plan.depth = lister.depth();
  plan.rule = RuleOf(QuadraturePoints(lister.features()));
  AddMean(*forest_, tree, plan.edges, means_);
  plans_.push_back(std::move(plan));
  return Ok();
}

std::size_t Explainer::RuleOf(std::size_t points) {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].points.size() == points) return i;
  }
  rules_.push_back(GaussLegendre(points));
  return rules_.size() - 1;
}

std::size_t Explainer::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + HeapBytes(players_) + HeapBytes(used_) + HeapBytes(means_);
  for (const TreePlan& plan : plans_) bytes += sizeof(plan) + HeapBytes(plan.edges);
  for (const Quadrature& rule : rules_) bytes += sizeof(rule) + HeapBytes(rule.points) + HeapBytes(rule.weights);
  return bytes;
}

std::size_t Explainer::width() const { return forest_->outputs * (forest_->features.size() + 1); }

std::size_t Explainer::BlockGroups() const {
  return std::clamp<std::size_t>(kBlockBytesMax / (width() * sizeof(Lanes<double>)), 1, kBlockGroups);
}

// Lanes past the last row repeat it.
void Explainer::LoadBlock(const Cells& cells, std::size_t first, std::size_t count, Scratch& scratch) const {
  const std::size_t stride = BlockGroups(), groups = (count + kExplainLanes - 1) / kExplainLanes;
  scratch.cells.resize(forest_->features.size() * stride);
  for (const std::uint32_t feature : used_) {
    const double* column = cells.columns[feature];
    for (std::size_t r = 0; r < groups * kExplainLanes; ++r) {
      const std::size_t row = first + std::min(r, count - 1);
      scratch.cells[feature * stride + r / kExplainLanes].at[r % kExplainLanes] =
          ReferenceSeen(*forest_, column[row * cells.stride]);
    }
  }
  scratch.players.assign(groups * forest_->outputs * forest_->features.size(), {});
}

void Explainer::AddTreeToBlock(std::size_t number, std::size_t groups, Scratch& scratch) const {
  const TreePlan& plan = plans_[number];
  if (plan.edges.empty()) return;
  const Quadrature& rule = rules_[plan.rule];
  const std::size_t points = rule.points.size();
  FillCoefficients(plan.edges, rule, scratch.coefficients);
  scratch.products.resize((plan.depth + 1) * points);
  scratch.sums.resize(plan.depth * points);
  scratch.passes.resize(plan.depth);
  scratch.goes_left.resize(plan.depth);
  scratch.open.resize(plan.depth);
  const Tree& tree = forest_->trees[number];
  const ExplainTree view{.forest = forest_, .tree = &tree, .edges = plan.edges.data(), .edge_count = plan.edges.size(),
                         .coefficients = scratch.coefficients.data(), .weights = rule.weights.data(), .points = points};
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t place = 0; place < forest_->leaf_width; ++place) {
      Lanes<double>* players = &scratch.players[(g * forest_->outputs + tree.output + place) * forest_->features.size()];
      kernel_(view, {.cells = scratch.cells[g].at, .stride = BlockGroups() * kExplainLanes, .players = players->at,
                     .products = scratch.products[0].at, .sums = scratch.sums[0].at, .passes = scratch.passes[0].at,
                     .goes_left = scratch.goes_left[0].at, .open = scratch.open.data()}, place);
    }
  }
}

void Explainer::StoreBlock(std::size_t first, std::size_t count, const Scratch& scratch,
                           std::span<double> contributions) const {
  const std::size_t features = forest_->features.size();
  for (std::size_t r = 0; r < count; ++r) {
    const std::size_t group = r / kExplainLanes, lane = r % kExplainLanes;
    for (std::size_t k = 0; k < forest_->outputs; ++k) {
      double* out = contributions.data() + (first + r) * width() + k * (features + 1);
      for (std::size_t f = 0; f < features; ++f) {
        const double sum = scratch.players[(group * forest_->outputs + k) * features + f].at[lane];
        out[f] = sum * forest_->scale / forest_->divisor;
      }
      const double base = forest_->base.empty() ? 0 : forest_->base[k];
      const double trees = forest_->base_last ? means_[k] * forest_->scale + base : (base + means_[k]) * forest_->scale;
      out[features] = trees / forest_->divisor;
    }
  }
}

void Explainer::Contribute(const Cells& cells, std::span<double> contributions) const {
  Scratch scratch;
  const std::size_t block = BlockGroups() * kExplainLanes;
  for (std::size_t first = 0; first < cells.rows; first += block) {
    const std::size_t count = std::min(block, cells.rows - first);
    LoadBlock(cells, first, count, scratch);
    const std::size_t groups = (count + kExplainLanes - 1) / kExplainLanes;
    for (std::size_t i = 0; i < plans_.size(); ++i) AddTreeToBlock(i, groups, scratch);
    StoreBlock(first, count, scratch, contributions);
  }
}

}  // namespace sw::model
