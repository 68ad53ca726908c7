#include "model/formats/graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/errors.h"

namespace sw::model {
namespace {

using Kind = GraphNode::Kind;
using Op = GraphStep::Op;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The members that a step may have, and what they are where they are left out (NaN: they may not be).
struct StepForm {
  std::string_view name;
  Op op;
  std::string_view a = "", b = "";
  double a_default = 0, b_default = 0;
};
constexpr StepForm kSteps[] = {
    {"clip", Op::kClip, "min", "max", -kInfinity, kInfinity},
    {"linear", Op::kLinear, "slope", "intercept", 1, 0},
    {"log", Op::kLog},
    {"exp", Op::kExp},
    {"logit", Op::kLogit},
    {"sigmoid", Op::kSigmoid},
    {"threshold", Op::kThreshold, "at", "", std::numeric_limits<double>::quiet_NaN()},
};

struct NodeForm {
  std::string_view key;
  Kind kind;
  std::string_view more[2];
};
constexpr NodeForm kNodes[] = {{"model", Kind::kModel, {"inputs", "output"}},
                               {"mean", Kind::kMean, {"weights", ""}},
                               {"vote", Kind::kVote, {"", ""}},
                               {"cascade", Kind::kCascade, {"confidence", ""}},
                               {"apply", Kind::kApply, {"steps", ""}}};

Status CheckKeys(const Json& table, const std::string& place, std::initializer_list<std::string_view> known) {
  if (!table.IsObject()) return InvalidArgument("{}: expected a table, found {}", place, table.TypeName());
  for (const auto& [key, value] : table.AsObject()) {
    if (!key.empty() && std::ranges::find(known, key) != known.end()) continue;
    std::vector<std::string_view> names(known);
    std::erase(names, "");
    return InvalidArgument("{}.{}: is unknown here; known: {}", place, key, fmt::join(names, ", "));
  }
  return Ok();
}

Result<double> NumberOf(const Json& value, const std::string& place) {
  if (value.IsNumber()) return value.AsDouble();
  return InvalidArgument("{}: expected a number, found {}", place, value.TypeName());
}

Result<std::vector<double>> NumbersOf(const Json& value, const std::string& place) {
  if (!value.IsArray()) return InvalidArgument("{}: expected a list of numbers, found {}", place, value.TypeName());
  std::vector<double> numbers;
  for (const Json& item : value.AsArray()) numbers.push_back(SW_TRY(NumberOf(item, place)));
  return numbers;
}

Result<std::string> TextOf(const Json& value, const std::string& place) {
  if (value.IsString() && !value.AsString().empty()) return value.AsString();
  return InvalidArgument("{}: expected a text, found {}", place, value.IsString() ? "an empty one" : value.TypeName());
}

Result<GraphStep> ParseStep(const Json& value, const std::string& place) {
  if (!value.IsObject()) return InvalidArgument("{}: expected a table with op, found {}", place, value.TypeName());
  const Json* op = value.Find("op");
  if (op == nullptr) return InvalidArgument("{}: op is missing", place);
  const std::string name = SW_TRY(TextOf(*op, place + ".op"));
  const StepForm* form = std::ranges::find(kSteps, name, &StepForm::name);
  if (form == std::end(kSteps)) {
    return InvalidArgument("{}.op: {} is unknown; clip, linear, log, exp, logit, sigmoid and threshold are known", place, name);
  }
  SW_TRY(CheckKeys(value, place, {"op", form->a, form->b}));
  GraphStep step{.op = form->op, .a = form->a_default, .b = form->b_default};
  if (const Json* a = form->a.empty() ? nullptr : value.Find(form->a)) step.a = SW_TRY(NumberOf(*a, place));
  if (const Json* b = form->b.empty() ? nullptr : value.Find(form->b)) step.b = SW_TRY(NumberOf(*b, place));
  if (std::isnan(step.a)) return InvalidArgument("{}: {} needs {}", place, name, form->a);
  return step;
}

class Parser {
 public:
  explicit Parser(const Json& table) : table_(table) {}

  Result<Graph> Parse() {
    if (!table_.IsObject()) return InvalidArgument("graph: expected a table, found {}", table_.TypeName());
    for (const auto& [key, value] : table_.AsObject()) {
      if (key != "graph" && key != "node") return InvalidArgument("{}: is unknown in a graph; graph and node are known", key);
    }
    const Json* nodes = table_.Find("node");
    if (nodes == nullptr || !nodes->IsObject()) return InvalidArgument("node: the graph has none; write [node.NAME]");
    for (const auto& [name, value] : nodes->AsObject()) names_.insert(name);
    Graph graph;
    for (const auto& [name, value] : nodes->AsObject()) graph.nodes.push_back(SW_TRY(ParseNode(name, value)));
    graph.output = SW_TRY(ParseOutput(graph));
    SW_TRY(CheckGraph(graph));
    return graph;
  }

 private:
  // "a.b" is an output of the node a, if there is a node a; else a column.
  GraphSource SourceOf(const std::string& text) const {
    const std::size_t dot = text.find('.');
    if (names_.contains(text)) return {.node = text};
    if (dot == text.npos || !names_.contains(std::string_view(text).substr(0, dot))) return {.name = text};
    return {.node = text.substr(0, dot), .name = text.substr(dot + 1)};
  }

  Result<std::vector<GraphSource>> SourcesOf(const Json& value, const std::string& place) const {
    std::vector<GraphSource> sources;
    const Json::Array one = {value};
    for (const Json& item : value.IsArray() ? value.AsArray() : one) sources.push_back(SourceOf(SW_TRY(TextOf(item, place))));
    return sources;
  }

  Status ParseModel(const Json& table, const std::string& place, GraphNode& node) const {
    node.model = SW_TRY(TextOf(*table.Find("model"), place + ".model"));
    if (const Json* output = table.Find("output")) {
      const std::string which = SW_TRY(TextOf(*output, place + ".output"));
      if (which != "prediction" && which != "raw") return InvalidArgument("{}.output: expected prediction or raw, found {}", place, which);
      node.raw = which == "raw";
    }
    const Json* inputs = table.Find("inputs");
    if (inputs == nullptr) return Ok();
    if (!inputs->IsObject()) {
      node.inputs_of = SW_TRY(TextOf(*inputs, place + ".inputs"));
      return Ok();
    }
    for (const auto& [column, source] : inputs->AsObject()) {
      const std::string key = fmt::format("{}.inputs.{}", place, column);
      node.inputs.emplace_back(column, SourceOf(SW_TRY(TextOf(source, key))));
    }
    return Ok();
  }

  Status ParseCombination(const Json& table, const std::string& place, const NodeForm& form, GraphNode& node) const {
    node.of = SW_TRY(SourcesOf(*table.Find(form.key), fmt::format("{}.{}", place, form.key)));
    if (const Json* weights = table.Find("weights")) node.weights = SW_TRY(NumbersOf(*weights, place + ".weights"));
    if (const Json* confidence = table.Find("confidence")) {
      const std::string key = place + ".confidence";
      const bool is_one = confidence->IsNumber() && !node.of.empty();
      node.confidence = is_one ? std::vector(node.of.size() - 1, confidence->AsDouble()) : SW_TRY(NumbersOf(*confidence, key));
    }
    if (const Json* steps = table.Find("steps")) {
      if (!steps->IsArray()) return InvalidArgument("{}.steps: expected a list of tables, found {}", place, steps->TypeName());
      for (const Json& step : steps->AsArray()) {
        node.steps.push_back(SW_TRY(ParseStep(step, fmt::format("{}.steps[{}]", place, node.steps.size()))));
      }
    }
    return Ok();
  }

  Result<GraphNode> ParseNode(const std::string& name, const Json& table) const {
    const std::string place = fmt::format("node.{}", name);
    const auto* form = std::ranges::find_if(kNodes, [&](const NodeForm& each) { return table.Has(each.key); });
    if (form == std::end(kNodes)) return InvalidArgument("{}: needs model, mean, vote, cascade or apply", place);
    SW_TRY(CheckKeys(table, place, {form->key, form->more[0], form->more[1]}));
    GraphNode node{.name = name, .kind = form->kind};
    SW_TRY(form->kind == Kind::kModel ? ParseModel(table, place, node) : ParseCombination(table, place, *form, node));
    return node;
  }

  Result<std::string> ParseOutput(const Graph& graph) const {
    if (const Json* head = table_.Find("graph")) {
      SW_TRY(CheckKeys(*head, "graph", {"output"}));
      if (const Json* output = head->Find("output")) return TextOf(*output, "graph.output");
    }
    std::set<std::string_view> left(names_.begin(), names_.end());
    for (const GraphNode& node : graph.nodes) {
      for (const std::string_view read : NodesRead(node)) left.erase(read);
    }
    if (left.size() == 1) return std::string(*left.begin());
    if (left.empty()) return InvalidArgument("node: every node is read by another, so that none is the answer");
    return InvalidArgument("graph.output: which of {} is the answer?", fmt::join(left, ", "));
  }

  const Json& table_;
  std::set<std::string, std::less<>> names_;
};

std::string SourceText(const GraphSource& source) {
  if (source.node.empty() || source.name.empty()) return source.node + source.name;
  return fmt::format("{}.{}", source.node, source.name);
}

Json StepJson(const GraphStep& step) {
  const StepForm& form = *std::ranges::find(kSteps, step.op, &StepForm::op);
  Json json = Json::MakeObject({{"op", form.name}});
  if (!form.a.empty() && std::isfinite(step.a)) json.Set(form.a, step.a);
  if (!form.b.empty() && std::isfinite(step.b)) json.Set(form.b, step.b);
  return json;
}

Json ModelJson(const GraphNode& node) {
  Json json = Json::MakeObject({{"model", node.model}});
  if (node.raw) json.Set("output", "raw");
  if (!node.inputs_of.empty()) json.Set("inputs", node.inputs_of);
  for (const auto& [column, source] : node.inputs) json["inputs"].Set(column, SourceText(source));
  return json;
}

Json NodeJson(const GraphNode& node) {
  if (node.kind == Kind::kModel) return ModelJson(node);
  Json of = Json::MakeArray();
  for (const GraphSource& source : node.of) of.Append(SourceText(source));
  Json json = Json::MakeObject({{std::string(std::ranges::find(kNodes, node.kind, &NodeForm::kind)->key), std::move(of)}});
  if (!node.weights.empty()) json.Set("weights", Json::FromRange(node.weights));
  if (node.kind == Kind::kCascade) json.Set("confidence", Json::FromRange(node.confidence));
  for (const GraphStep& step : node.steps) json["steps"].Append(StepJson(step));
  return json;
}

}  // namespace

Result<Graph> ParseGraphTable(const Json& table) { return Parser(table).Parse(); }

Result<Graph> ParseGraph(std::string_view json) {
  if (json.size() > kGraphBytesMax) {
    return InvalidArgument("graph: {} bytes, the limit graph_bytes_max is {}", json.size(), kGraphBytesMax);
  }
  return ParseGraphTable(SW_TRY(Json::Parse(json)));
}

Json GraphToJson(const Graph& graph) {
  Json nodes = Json::MakeObject();
  for (const GraphNode& node : graph.nodes) nodes.Set(node.name, NodeJson(node));
  return Json::MakeObject({{"graph", Json::MakeObject({{"output", graph.output}})}, {"node", std::move(nodes)}});
}

}  // namespace sw::model
