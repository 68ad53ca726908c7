// GraphProgram: a graph whose names are found: which node reads which number. GraphRun: its values of some rows.
// Internal to the graph engine.
//
//   GraphRun run(program, rows, count, 0);
//   SW_TRY(run.Need(program.answer, all));
//   run.values(program.answer);
//
// A program is immutable, a run has one owner.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "model/engines/graph_engine.h"

namespace sw::model {

struct GraphProgram {
  static constexpr std::uint32_t kRequest = std::numeric_limits<std::uint32_t>::max();
  // An output of a node, or an input of the program.
  struct Source {
    std::uint32_t node = kRequest;
    std::uint32_t place = 0;
  };
  struct Node {
    std::string name = {};
    GraphNode::Kind kind = GraphNode::Kind::kModel;
    std::shared_ptr<const Engine> member = {};  // of kModel
    bool raw = false;
    bool reads_request = false;              // kModel: every column is the request's, by its own name
    std::vector<Source> sources = {};        // kModel: of the member's columns; kApply: of each output
    std::vector<std::uint32_t> of = {};      // kMean, kVote, kCascade
    std::vector<double> weights = {}, confidence = {};
    std::vector<GraphStep> steps = {};
    std::size_t width = 1;
    std::vector<std::string> names = {};     // of its outputs; two of a binary classifier's one; or none
    bool is_classes = false;                 // its outputs are probabilities of classes
  };

  std::vector<Node> nodes = {};
  std::uint32_t answer = 0;
  std::vector<std::string> inputs = {};  // the request's columns that are read, each once
};

Result<GraphProgram> LinkGraph(const Graph& graph, GraphMembers members);

class GraphRun {
 public:
  // `first_row` is the number of the first row in the caller's batch, for messages.
  GraphRun(const GraphProgram& program, const data::Batch& rows, std::size_t count, std::size_t first_row);

  // Computes the node's values of those of the rows that it has not computed yet; each node once a row.
  Status Need(std::uint32_t node, std::span<const std::size_t> rows);
  // A row's outputs side by side; those of rows that were never needed are 0.
  std::span<const double> values(std::uint32_t node) const { return values_[node]; }

 private:
  using Rows = std::span<const std::size_t>;
  Status Compute(std::uint32_t node, Rows rows);
  Status ComputeModel(const GraphProgram::Node& node, Rows rows, std::vector<double>& values);
  Status ComputeCascade(const GraphProgram::Node& node, Rows rows, std::vector<double>& values);
  Status ComputeMean(const GraphProgram::Node& node, Rows rows, std::vector<double>& values);
  Status ComputeVote(const GraphProgram::Node& node, Rows rows, std::vector<double>& values);
  Status ComputeApply(const GraphProgram::Node& node, Rows rows, std::vector<double>& values);
  // Sources' values of the rows; a column of the request must hold numbers.
  Status NeedSources(const GraphProgram::Node& node, Rows rows);
  Result<data::Batch> MemberRows(const GraphProgram::Node& node, Rows rows) const;
  Error Locate(const GraphProgram::Node& node, Rows rows, const data::Batch& batch, Error error) const;
  const double* RowOf(std::uint32_t node, std::size_t row) const { return &values_[node][row * program_.nodes[node].width]; }

  const GraphProgram& program_;
  const data::Batch& rows_;
  std::size_t count_, first_row_;
  std::vector<std::vector<double>> values_;
  std::vector<std::vector<std::uint8_t>> done_;
};

}  // namespace sw::model
