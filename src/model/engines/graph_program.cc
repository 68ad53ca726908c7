#include "model/engines/graph_program.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "base/errors.h"

namespace sw::model {
namespace {

using Kind = GraphNode::Kind;
using Source = GraphProgram::Source;

// Finds what names mean, nodes before those that read them.
class Linker {
 public:
  Linker(const Graph& graph, GraphMembers members) : graph_(graph), members_(std::move(members)) {}

  Result<GraphProgram> Link() {
    for (const GraphNode& node : graph_.nodes) declared_[node.name] = &node;
    program_.answer = SW_TRY(Place(graph_.output));
    return std::move(program_);
  }

 private:
  Result<std::uint32_t> Place(std::string_view name) {
    if (const auto found = places_.find(name); found != places_.end()) return found->second;
    const GraphNode& declared = *declared_.at(name);
    GraphProgram::Node node{.name = declared.name, .kind = declared.kind, .raw = declared.raw, .weights = declared.weights,
              .confidence = declared.confidence, .steps = declared.steps};
    for (const std::string_view read : NodesRead(declared)) SW_TRY(Place(read));
    SW_TRY(LinkNode(declared, node));
    outputs_ += node.width;
    if (outputs_ > kGraphOutputsMax) {
      return InvalidArgument("node.{}: its outputs and those of the nodes before are more than {} (limit graph_outputs_max)", name,
                             kGraphOutputsMax);
    }
    program_.nodes.push_back(std::move(node));
    return places_[declared.name] = static_cast<std::uint32_t>(program_.nodes.size() - 1);
  }

  Status LinkNode(const GraphNode& declared, GraphProgram::Node& node) {
    if (declared.kind == Kind::kModel) return LinkModel(declared, node);
    if (declared.kind == Kind::kApply) return LinkApply(declared, node);
    return LinkCombination(declared, node);
  }

  Status LinkModel(const GraphNode& declared, GraphProgram::Node& node) {
    const auto found = members_.find(declared.name);
    if (found == members_.end()) return InvalidArgument("node.{}: there is no model for it", declared.name);
    node.member = found->second;
    node.width = node.member->outputs(node.raw ? Output::kRaw : Output::kPrediction);
    if (node.width == 0) return InvalidArgument("node.{}: the model predicts nothing", declared.name);
    node.is_classes = !node.raw && node.member->predicts_classes();
    const std::vector<std::string> names = node.member->output_names();
    if (names.size() == node.width || (names.size() == 2 && node.width == 1 && !node.raw)) node.names = names;
    if (!declared.inputs_of.empty()) return LinkAllInputs(declared, node);
    return LinkInputs(declared, node);
  }

  Status LinkAllInputs(const GraphNode& declared, GraphProgram::Node& node) {
    const std::uint32_t place = places_.at(declared.inputs_of);
    const std::size_t have = program_.nodes[place].width, want = node.member->inputs().size();
    if (have != want) {
      return InvalidArgument("node.{}.inputs: {} has {} outputs, the model reads {} columns", declared.name, declared.inputs_of, have, want);
    }
    const std::set<std::string_view> distinct(node.member->inputs().begin(), node.member->inputs().end());
    if (distinct.size() != want) return InvalidArgument("node.{}.inputs: the model reads a column twice; name its columns", declared.name);
    for (std::uint32_t k = 0; k < have; ++k) node.sources.push_back({place, k});
    return Ok();
  }

  Status LinkInputs(const GraphNode& declared, GraphProgram::Node& node) {
    node.reads_request = declared.inputs.empty();
    std::map<std::string_view, Source> given;
    for (const auto& [column, source] : declared.inputs) {
      const std::vector<std::string>& columns = node.member->inputs();
      if (std::ranges::find(columns, column) == columns.end()) {
        return InvalidArgument("node.{}.inputs.{}: the model reads no such column; it reads {}", declared.name, column,
                               fmt::join(columns.begin(), columns.begin() + std::min<std::size_t>(columns.size(), 16), ", "));
      }
      const auto sources = SW_TRY(SourcesOf(declared, source));
      if (sources.size() != 1) {
        return InvalidArgument("node.{}.inputs.{}: {} has {} outputs; name one, such as {}.0", declared.name, column, source.node,
                               sources.size(), source.node);
      }
      if (!given.emplace(column, sources.front()).second) return InvalidArgument("node.{}.inputs.{}: is there twice", declared.name, column);
    }
    for (const std::string& column : node.member->inputs()) {
      const auto found = given.find(column);
      node.sources.push_back(found == given.end() ? Source{.place = InputPlace(column)} : found->second);
    }
    return Ok();
  }

  Status LinkApply(const GraphNode& declared, GraphProgram::Node& node) {
    for (const GraphSource& source : declared.of) {
      for (const Source& each : SW_TRY(SourcesOf(declared, source))) node.sources.push_back(each);
      if (node.sources.size() > kGraphOutputsMax) {
        return InvalidArgument("node.{}: more outputs than the limit graph_outputs_max, {}", declared.name, kGraphOutputsMax);
      }
    }
    node.width = node.sources.size();
    return Ok();
  }

  Status LinkCombination(const GraphNode& declared, GraphProgram::Node& node) {
    for (const GraphSource& source : declared.of) node.of.push_back(places_.at(source.node));
    const GraphProgram::Node& first = program_.nodes[node.of.front()];
    bool is_classes = true;
    for (const std::uint32_t place : node.of) {
      const GraphProgram::Node& other = program_.nodes[place];
      is_classes = is_classes && other.is_classes;
      if (other.width != first.width) {
        return InvalidArgument("node.{}: {} has {} outputs, {} has {}", declared.name, first.name, first.width, other.name, other.width);
      }
      if (!first.names.empty() && !other.names.empty() && first.names != other.names) {
        return InvalidArgument("node.{}: the outputs of {} are {}, those of {} are {}", declared.name, first.name,
                               fmt::join(first.names, ", "), other.name, fmt::join(other.names, ", "));
      }
      if (node.names.empty()) node.names = other.names;
    }
    if (declared.kind != Kind::kMean && first.width > 1 && !is_classes) {
      return InvalidArgument("node.{}: {} numbers a row that are no classes' probabilities have no {}", declared.name, first.width,
                             declared.kind == Kind::kVote ? "vote" : "confidence");
    }
    node.width = declared.kind == Kind::kVote ? 1 : first.width;
    if (declared.kind == Kind::kVote) node.names.clear();
    node.is_classes = is_classes && declared.kind != Kind::kVote;
    return Ok();
  }

  Result<std::vector<Source>> SourcesOf(const GraphNode& reader, const GraphSource& source) {
    if (source.node.empty()) return std::vector{Source{.place = InputPlace(source.name)}};
    const std::uint32_t place = places_.at(source.node);
    const GraphProgram::Node& node = program_.nodes[place];
    std::vector<Source> sources;
    for (std::uint32_t k = 0; k < node.width; ++k) sources.push_back({place, k});
    if (source.name.empty()) return sources;
    const bool has_names = node.names.size() == node.width;
    const auto named = std::ranges::find(node.names, source.name);
    if (has_names && named != node.names.end()) return std::vector{sources[static_cast<std::size_t>(named - node.names.begin())]};
    std::size_t k = node.width;
    const char* end = source.name.data() + source.name.size();
    const auto read = std::from_chars(source.name.data(), end, k);
    if (read.ec == std::errc() && read.ptr == end && k < node.width) return std::vector{sources[k]};
    return InvalidArgument("node.{}: {} has no output {}; it has {} ({})", reader.name, source.node, source.name, node.width,
                           has_names ? fmt::format("{}", fmt::join(node.names, ", ")) : fmt::format("0 to {}", node.width - 1));
  }

  std::uint32_t InputPlace(const std::string& column) {
    const auto [found, is_new] = inputs_.emplace(column, static_cast<std::uint32_t>(program_.inputs.size()));
    if (is_new) program_.inputs.push_back(column);
    return found->second;
  }

  const Graph& graph_;
  GraphMembers members_;
  GraphProgram program_;
  std::map<std::string_view, const GraphNode*> declared_;
  std::map<std::string, std::uint32_t, std::less<>> places_, inputs_;
  std::size_t outputs_ = 0;
};

}  // namespace

Result<GraphProgram> LinkGraph(const Graph& graph, GraphMembers members) {
  SW_TRY(CheckGraph(graph));
  return Linker(graph, std::move(members)).Link();
}

}  // namespace sw::model
