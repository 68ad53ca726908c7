#include "model/graph.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/errors.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

using Kind = GraphNode::Kind;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == name.npos;
}

Status CheckMean(const GraphNode& node) {
  if (node.weights.empty()) return Ok();
  if (node.weights.size() != node.of.size()) {
    return InvalidArgument("node.{}.weights: {} weights for {} nodes", node.name, node.weights.size(), node.of.size());
  }
  double sum = 0;
  for (const double weight : node.weights) sum += std::isfinite(weight) && weight >= 0 ? weight : std::nan("");
  if (std::isfinite(sum) && sum > 0) return Ok();
  return InvalidArgument("node.{}.weights: expected finite numbers from 0 up, not all 0", node.name);
}

Status CheckCascade(const GraphNode& node) {
  if (node.confidence.size() + 1 != node.of.size()) {
    return InvalidArgument("node.{}.confidence: {} numbers for {} nodes; one for each but the last, or one for all",
                           node.name, node.confidence.size(), node.of.size());
  }
  for (const double confidence : node.confidence) {
    if (confidence >= 0 && confidence <= 1) continue;
    return InvalidArgument("node.{}.confidence: expected 0 to 1, found {}", node.name, confidence);
  }
  return Ok();
}

Status CheckSteps(const GraphNode& node) {
  if (node.steps.size() > kGraphStepsMax) {
    return InvalidArgument("node.{}.steps: {} steps, the limit graph_steps_max is {}", node.name, node.steps.size(), kGraphStepsMax);
  }
  for (const GraphStep& step : node.steps) {
    const bool is_clip = step.op == GraphStep::Op::kClip;
    const bool is_range = step.a <= step.b && !(std::isinf(step.a) && step.a > 0) && !(std::isinf(step.b) && step.b < 0);
    const bool is_good = is_clip ? is_range : std::isfinite(step.a) && std::isfinite(step.b);
    if (!is_good) return InvalidArgument("node.{}.steps: {} and {} are no numbers for such a step", node.name, step.a, step.b);
  }
  return Ok();
}

Status CheckSources(const GraphNode& node) {
  if (node.of.size() > kGraphSourcesMax || node.inputs.size() > kGraphSourcesMax) {
    return InvalidArgument("node.{}: more sources than the limit graph_sources_max, {}", node.name, kGraphSourcesMax);
  }
  if (node.kind == Kind::kModel) return Ok();
  if (node.of.empty()) return InvalidArgument("node.{}: it combines no nodes", node.name);
  if (node.kind == Kind::kApply) return CheckSteps(node);
  for (const GraphSource& source : node.of) {
    if (!source.node.empty() && source.name.empty()) continue;
    return InvalidArgument("node.{}: {}{}{} is no node; mean, vote and cascade combine whole nodes", node.name, source.node,
                           source.node.empty() ? "" : ".", source.name);
  }
  if (node.kind == Kind::kMean) return CheckMean(node);
  return node.kind == Kind::kCascade ? CheckCascade(node) : Ok();
}

// Walks from the output to what it reads, depth first.
class Walk {
 public:
  explicit Walk(const Graph& graph) {
    for (const GraphNode& node : graph.nodes) nodes_[node.name] = &node;
  }

  // How many nodes lie between a request and this node's answer.
  Result<std::size_t> Depth(std::string_view name, std::string_view reader) {
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) return InvalidArgument("{}: there is no node {}", reader, name);
    if (const auto known = depths_.find(name); known != depths_.end()) return known->second;
    path_.push_back(name);
    if (std::ranges::count(path_, name) > 1) return Cycle(name);
    if (path_.size() > kGraphDepthMax) {
      return InvalidArgument("node.{}: more than {} nodes one behind another (limit graph_depth_max)", path_.front(), kGraphDepthMax);
    }
    std::size_t below = 0;
    const std::string place = fmt::format("node.{}", name);
    for (const std::string_view read : NodesRead(*found->second)) below = std::max(below, SW_TRY(Depth(read, place)));
    path_.pop_back();
    if (below + path_.size() + 1 > kGraphDepthMax) {
      return InvalidArgument("node.{}: more than {} nodes one behind another (limit graph_depth_max)", name, kGraphDepthMax);
    }
    return depths_[name] = below + 1;
  }
  bool Reached(std::string_view name) const { return depths_.contains(name); }

 private:
  std::unexpected<Error> Cycle(std::string_view name) const {
    const auto from = std::ranges::find(path_, name);
    return InvalidArgument("node.{}: it reads itself: {}", name, fmt::join(std::vector(from, path_.end()), " reads "));
  }

  std::map<std::string_view, const GraphNode*> nodes_;
  std::map<std::string_view, std::size_t> depths_;
  std::vector<std::string_view> path_;
};

}  // namespace

double ApplyStep(const GraphStep& step, double x) {
  if (std::isnan(x)) return x;
  switch (step.op) {
    case GraphStep::Op::kClip: return x < step.a ? step.a : (x > step.b ? step.b : x);
    case GraphStep::Op::kLinear: return step.a * x + step.b;
    case GraphStep::Op::kLog: return Log(x);
    case GraphStep::Op::kExp: return Exp(x);
    case GraphStep::Op::kLogit: return Log(x / (1 - x));
    case GraphStep::Op::kSigmoid: return Sigmoid(x);
    case GraphStep::Op::kThreshold: return x >= step.a ? 1 : 0;
  }
  return x;
}

double Confidence(const double* scores, std::size_t width) {
  double greatest = width == 1 ? 1 - scores[0] : 0;
  for (std::size_t k = 0; k < width; ++k) {
    if (!(scores[k] >= 0 && scores[k] <= 1)) return -1;
    greatest = std::max(greatest, scores[k]);
  }
  return greatest;
}

int ChosenClass(const double* scores, std::size_t width) {
  if (std::any_of(scores, scores + width, [](double score) { return std::isnan(score); })) return -1;
  if (width == 1) return scores[0] > 0.5 ? 1 : 0;
  return static_cast<int>(std::max_element(scores, scores + width) - scores);
}

std::vector<std::string_view> NodesRead(const GraphNode& node) {
  std::vector<std::string_view> read;
  std::set<std::string_view> seen = {""};
  const auto add = [&](std::string_view name) {
    if (seen.insert(name).second) read.push_back(name);
  };
  add(node.inputs_of);
  for (const auto& [column, source] : node.inputs) add(source.node);
  for (const GraphSource& source : node.of) add(source.node);
  return read;
}

Status CheckGraph(const Graph& graph) {
  if (graph.nodes.empty()) return InvalidArgument("node: the graph has none");
  if (graph.nodes.size() > kGraphNodesMax) {
    return InvalidArgument("node: {} nodes, the limit graph_nodes_max is {}", graph.nodes.size(), kGraphNodesMax);
  }
  std::set<std::string_view> names;
  for (const GraphNode& node : graph.nodes) {
    if (!IsName(node.name)) return InvalidArgument("node: a node's name is 1 to 64 letters, digits, _ and -, found \"{}\"", node.name);
    if (!names.insert(node.name).second) return InvalidArgument("node.{}: there are two of that name", node.name);
    SW_TRY(CheckSources(node));
  }
  Walk walk(graph);
  SW_TRY(walk.Depth(graph.output, "graph.output"));
  for (const GraphNode& node : graph.nodes) {
    if (walk.Reached(node.name)) continue;
    for (const std::string_view read : NodesRead(node)) {
      if (!names.contains(read)) return InvalidArgument("node.{}: there is no node {}", node.name, read);
    }
    return InvalidArgument("node.{}: the answer of {} does not depend on it", node.name, graph.output);
  }
  return Ok();
}

}  // namespace sw::model
