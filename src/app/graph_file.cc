#include "app/graph_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "app/model_source.h"
#include "app/package_folder.h"
#include "app/toml.h"
#include "base/errors.h"
#include "base/files.h"
#include "model/formats/graph.h"

namespace sw::app {
namespace {

constexpr const char* kGraphFile = "graph.toml";
using Kind = model::GraphNode::Kind;

std::string GraphPath(const std::string& path) { return path.ends_with(".toml") ? path : base::JoinPath(path, kGraphFile); }

// Where the members' paths begin.
std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == path.npos ? "." : path.substr(0, slash + 1);
}

// The request's column that a member's column is; "" when it is an output of a node.
std::string RequestColumn(const model::GraphNode& node, const std::string& column) {
  if (!node.inputs_of.empty()) return "";
  for (const auto& [name, source] : node.inputs) {
    if (name == column) return source.node.empty() ? source.name : "";
  }
  return column;
}

// Members' packages, each model once.
class Members {
 public:
  Members(const Settings& settings, const BuildRequest& request, StoredGraph& graph)
      : settings_(settings), request_(request), folder_(FolderOf(GraphPath(request.model))), graph_(graph) {}

  // The package's id.
  Result<std::string> Add(const std::string& model, bool with_rows) {
    const auto key = std::pair(model, with_rows);
    if (const auto found = ids_.find(key); found != ids_.end()) return found->second;
    const std::string path = model.starts_with('/') ? model : base::JoinPath(folder_, model);
    if (base::Exists(path)) return ids_[key] = SW_TRY(AddPath(path, with_rows));
    if (request_.registered) return ids_[key] = SW_TRY(request_.registered(model, graph_.members.Put()));
    return NotFound("no such file or folder: {}", path);
  }

 private:
  Result<std::string> AddPath(const std::string& path, bool with_rows) {
    if (IsGraph(path)) return InvalidArgument("{}: a graph is no member of a graph; declare its nodes here", path);
    if (IsPackageFolder(path)) return CopyPackageFolder(path, SW_TRY(EnginesOf(settings_)), graph_.members.Put());
    BuildRequest build{.model = path, .rows = with_rows ? request_.rows : "", .python = request_.python};
    return model::WritePackage(SW_TRY(BuildPackage(settings_, build)).content, graph_.members.Put());
  }

  const Settings& settings_;
  const BuildRequest& request_;
  const std::string folder_;
  StoredGraph& graph_;
  std::map<std::pair<std::string, bool>, std::string> ids_;
};

// Of each column the type that the first member which reads it knows; where members come from.
Status DescribeMembers(const std::map<std::string, std::string>& declared, StoredGraph& graph) {
  std::set<std::string> seen;
  Json origin = Json::MakeObject();
  for (const model::GraphNode& node : graph.graph.nodes) {
    if (node.kind != Kind::kModel) continue;
    const model::PackageContent content = SW_TRY(model::ReadPackage(node.model, graph.members.Get()));
    origin.Set(node.name, Json::MakeObject({{"model", declared.at(node.name)}, {"format", content.format}, {"package_id", node.model}}));
    for (const data::ColumnContract& column : content.contract.columns) {
      const std::string name = RequestColumn(node, column.name);
      if (!name.empty() && seen.insert(name).second) graph.stored.columns.fields.push_back({name, column.type});
    }
  }
  graph.stored.origin = Json::MakeObject({{"members", std::move(origin)}});
  return Ok();
}

// Golden rows of a graph, where some members' libraries can be asked and others' cannot.
class GoldenMaker {
 public:
  GoldenMaker(const StoredGraph& graph, const model::EngineOptions& engines, const data::Batch& chosen)
      : graph_(graph), engines_(engines), chosen_(chosen), rows_(chosen.num_rows()) {}

  Result<GraphGolden> Make() {
    GraphGolden golden;
    for (const model::GraphNode& node : graph_.graph.nodes) {
      if (node.kind == Kind::kModel) golden.members.push_back(SW_TRY(MemberOf(node)));
    }
    golden.why_none = why_none_;
    for (std::size_t i = 0; i < chosen_.num_columns(); ++i) {
      const std::string& name = chosen_.schema().fields[i].name;
      const auto given = given_.find(name);
      const data::Column& column = given == given_.end() ? chosen_.column(i) : given->second;
      data::Column first(column.type());
      for (std::size_t row = 0; row < rows_; ++row) first.AppendFrom(column, row);
      golden.inputs.AddColumn({name, first.type()}, std::move(first));
    }
    for (LibraryMember& member : golden.members) {
      if (member.stored) member.stored->resize(rows_ * outputs_[member.node]);
      if (member.format == "python") member.stored = SW_TRY(ScoredByItself(member.node, golden.inputs));
    }
    return golden;
  }

 private:
  Result<LibraryMember> MemberOf(const model::GraphNode& node) {
    const auto package = SW_TRY(model::LoadPackage(node.model, graph_.members.Get(), engines_));
    model::PackageContent content = SW_TRY(model::ReadPackage(node.model, graph_.members.Get()));
    const model::Engine& engine = package->engine();
    LibraryMember member{.node = node.name, .format = content.format, .model = std::move(content.model), .inputs = engine.inputs(),
                         .probes = engine.Probes(), .encoding = content.encoding, .output_names = package->output_names(),
                         .tolerance = engine.tolerance(), .raw = node.raw};
    const std::string& format = content.format;
    if (format == "linear") why_none_ = fmt::format("the format of {} is Seaworthy's own", node.name);
    if (format == "plan") Keep(node, content.golden, member);
    if (format == "python") member.stored_from = "the model itself";
    const bool reads_nodes = std::ranges::any_of(engine.inputs(), [&](const std::string& name) { return RequestColumn(node, name).empty(); });
    if (reads_nodes && (format == "plan" || format == "python")) {
      why_none_ = fmt::format("{} reads other nodes, and its library cannot be asked", node.name);
    }
    return member;
  }

  // The member's own golden rows become the graph's.
  void Keep(const model::GraphNode& node, const model::GoldenRows& golden, LibraryMember& member) {
    const std::vector<double>& scores = node.raw ? golden.raw : golden.expected;
    const std::size_t rows = golden.inputs.num_rows();
    if (rows == 0 || scores.empty()) return why_none_ = fmt::format("{} has no golden rows", node.name), void();
    rows_ = std::min(rows_, rows);
    outputs_[node.name] = scores.size() / rows;
    member.stored = scores;
    member.stored_from = golden.from;
    for (std::size_t i = 0; i < golden.inputs.num_columns(); ++i) {
      const std::string name = RequestColumn(node, golden.inputs.schema().fields[i].name);
      if (name.empty()) continue;
      const auto [given, is_new] = given_.emplace(name, golden.inputs.column(i));
      if (!is_new && !(given->second == golden.inputs.column(i))) {
        why_none_ = fmt::format("{} and a node before have golden rows of their own that differ in {}", node.name, name);
      }
    }
  }

  // The model is its own library.
  Result<std::vector<double>> ScoredByItself(const std::string& name, const data::Batch& inputs) const {
    const auto node = std::ranges::find(graph_.graph.nodes, name, &model::GraphNode::name);
    const auto package = SW_TRY(model::LoadPackage(node->model, graph_.members.Get(), engines_));
    data::Batch rows;
    for (const std::string& column : package->content().inputs) {
      const data::Column* found = inputs.Find(RequestColumn(*node, column));
      if (found != nullptr) rows.AddColumn({column, found->type()}, *found);
    }
    std::vector<double> scores(inputs.num_rows() * package->outputs());
    if (why_none_.empty()) SW_TRY(package->Score(rows, model::Output::kPrediction, scores));
    return scores;
  }

  const StoredGraph& graph_;
  const model::EngineOptions& engines_;
  const data::Batch& chosen_;
  std::size_t rows_;
  std::map<std::string, data::Column, std::less<>> given_;  // of the request, by members' own golden rows
  std::map<std::string, std::size_t> outputs_;              // of stored members
  std::string why_none_;
};

}  // namespace

bool IsGraph(const std::string& path) {
  return (path.ends_with(".toml") && base::Exists(path)) || base::Exists(base::JoinPath(path, kGraphFile));
}

Result<StoredGraph> ReadGraph(const Settings& settings, const BuildRequest& request) {
  const TomlFile file = SW_TRY(ReadTomlFile(GraphPath(request.model)));
  const auto located = [&](Error error) { return std::unexpected(file.Locate(std::move(error))); };
  auto graph = model::ParseGraphTable(file.root);
  if (!graph) return located(std::move(graph).error());
  StoredGraph read{.stored = {}, .graph = *std::move(graph), .members = {}};
  Members members(settings, request, read);
  std::map<std::string, std::string> declared;
  for (model::GraphNode& node : read.graph.nodes) {
    if (node.kind != Kind::kModel) continue;
    auto id = members.Add(node.model, node.inputs.empty() && node.inputs_of.empty());
    if (!id) return located(std::move(id).error().Within(fmt::format("node.{}.model", node.name)));
    declared[node.name] = std::exchange(node.model, *std::move(id));
  }
  read.stored.format = "graph";
  read.stored.bytes = model::GraphToJson(read.graph).Dump();
  SW_TRY(DescribeMembers(declared, read));
  return read;
}

Result<GraphGolden> PrepareGolden(const StoredGraph& graph, const model::EngineOptions& engines, const data::Batch& chosen) {
  return GoldenMaker(graph, engines, chosen).Make();
}

GraphGolden TakeRows(const GraphGolden& golden, const std::vector<std::size_t>& rows) {
  GraphGolden taken{.inputs = golden.inputs.Take(rows), .members = golden.members, .why_none = golden.why_none};
  const std::size_t count = golden.inputs.num_rows();
  for (LibraryMember& member : taken.members) {
    if (!member.stored) continue;
    const std::vector<double> all = std::exchange(*member.stored, {});
    const std::size_t outputs = count == 0 ? 0 : all.size() / count;
    for (const std::size_t row : rows) {
      for (std::size_t k = 0; k < outputs; ++k) member.stored->push_back(all[row * outputs + k]);
    }
  }
  return taken;
}

}  // namespace sw::app
