// Graph: several models on one endpoint, as a declared graph without cycles. A node is a model, or
// combines nodes: their mean, their vote, the first that is sure, steps of arithmetic.
//
//   const Graph graph = SW_TRY(ParseGraph(text));                     // formats/graph.h; checked
//   auto engine = SW_TRY(MakeGraphEngine(graph, std::move(members)));  // engines/graph_engine.h
//
// A missing value (NaN) stays missing through every combination, except that a cascade goes on to the next.
// A value; immutable once built.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sw::model {

inline constexpr std::size_t kGraphNodesMax = 64;      // limit graph_nodes_max
inline constexpr std::size_t kGraphDepthMax = 16;      // limit graph_depth_max: nodes from a request to the answer
inline constexpr std::size_t kGraphSourcesMax = 4096;  // limit graph_sources_max: of one node
inline constexpr std::size_t kGraphStepsMax = 32;      // limit graph_steps_max: of one node
inline constexpr std::size_t kGraphOutputsMax = 4096;  // limit graph_outputs_max: numbers a row, all nodes together

// Where a number comes from: an output of a node, all of them in order, or a column of the request.
struct GraphSource {
  std::string node = {};  // "": the request
  std::string name = {};  // the column, or the output: its name or its place from 0; "": all of the node's
  bool operator==(const GraphSource&) const = default;
};

// A function of one number. NaN gives NaN, always.
struct GraphStep {
  enum class Op : std::uint8_t {
    kClip,       // min where below it, max where above it
    kLinear,     // slope * x, rounded, + intercept
    kLog,        // natural; -infinity at 0, NaN below it
    kExp,        // e to the x
    kLogit,      // log(x / (1 - x))
    kSigmoid,    // 1 / (1 + e^-x)
    kThreshold,  // 1 where x >= at, else 0
  };
  Op op = Op::kLinear;
  double a = 0, b = 0;  // min and max, slope and intercept, at
  bool operator==(const GraphStep&) const = default;
};
double ApplyStep(const GraphStep& step, double x);

struct GraphNode {
  enum class Kind : std::uint8_t {
    kModel,    // a member's predictions or raw scores
    kMean,     // of the nodes in `of`, output by output: ((w0 * x0 + w1 * x1) + ...) / ((w0 + w1) + ...)
    kVote,     // the class that most nodes in `of` choose, as its place; of two with as many votes the first
    kCascade,  // the first node in `of` that is sure of the row, else the last
    kApply,    // `steps`, one after another, of every number in `of`
  };
  std::string name = {};
  Kind kind = Kind::kModel;
  std::string model = {};  // what names the member: a file, a package's id
  bool raw = false;        // its raw scores, in place of its predictions
  // Where the member's columns come from: those not named here are the request's, by their own names.
  std::vector<std::pair<std::string, GraphSource>> inputs = {};
  std::string inputs_of = {};            // a node whose outputs are all of the member's columns, in order
  std::vector<GraphSource> of = {};      // of all other kinds; of mean, vote and cascade whole nodes
  std::vector<double> weights = {};      // of kMean; empty: all alike, (x0 + x1 + ...) / n
  std::vector<double> confidence = {};   // of kCascade: of each node but the last
  std::vector<GraphStep> steps = {};     // of kApply
  bool operator==(const GraphNode&) const = default;
};

struct Graph {
  std::vector<GraphNode> nodes = {};  // in any order
  std::string output = {};            // the node that answers
  bool operator==(const Graph&) const = default;
};

// How sure scores are: the greatest probability of the classes; of one number p max(p, 1 - p). -1 where a
// score is no probability (NaN, below 0, above 1): then a cascade goes on.
double Confidence(const double* scores, std::size_t width);
// The class that scores choose, as its place: the first of the greatest; of one number 1 above 0.5. -1 where one is NaN.
int ChosenClass(const double* scores, std::size_t width);

// The nodes that a node reads, each once.
std::vector<std::string_view> NodesRead(const GraphNode& node);

// INVALID_ARGUMENT names the node: unknown nodes, a cycle (with its nodes), what is too deep or too many, a
// node that nobody reads, numbers that make no sense.
Status CheckGraph(const Graph& graph);

}  // namespace sw::model
