#include "model/package.h"

#include <set>
#include <utility>

#include "base/errors.h"
#include "base/hash.h"
#include "model/engines/graph_engine.h"
#include "model/formats/graph.h"
#include "model/heap_bytes.h"

namespace sw::model {
namespace {

constexpr std::string_view kGraph = "graph";
const base::FormatVersion kFormat{.name = "seaworthy/package", .version = kPackageVersion, .reader_min = 1};

// Without golden rows nothing else would notice that no request can be scored.
Status CheckInputs(const PackageContent& content, const Engine& engine) {
  const std::set<std::string_view> inputs(content.inputs.begin(), content.inputs.end());
  if (inputs.size() != content.inputs.size()) return InvalidArgument("package: inputs names a column twice");
  for (const std::string& name : engine.inputs()) {
    if (!inputs.contains(name)) return InvalidArgument("package: the model reads {}, which inputs does not name", name);
  }
  return Ok();
}

// `names` fit so many predictions a row: see Package::output_names.
Status CheckOutputNames(const std::vector<std::string>& names, std::size_t outputs) {
  if (names.empty()) return Ok();
  if (names.size() != outputs && (outputs != 1 || names.size() != 2)) {
    return InvalidArgument("package: {} names of outputs, the model predicts {} numbers a row", names.size(), outputs);
  }
  std::set<std::string_view> known;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > kOutputNameBytesMax) {
      return InvalidArgument("package: an output's name has {} bytes, expected 1 to {}", name.size(), kOutputNameBytesMax);
    }
    if (!known.insert(name).second) return InvalidArgument("package: two outputs are called {}", name);
  }
  return Ok();
}

// Those of the package, else of the model, which may have classes and predict something else.
Result<std::vector<std::string>> ChooseOutputNames(const PackageContent& content, const Engine& engine) {
  const std::size_t outputs = engine.outputs(Output::kPrediction);
  SW_TRY(CheckOutputNames(content.output_names, outputs));
  if (!content.output_names.empty()) return content.output_names;
  std::vector<std::string> names = engine.output_names();
  if (!CheckOutputNames(names, outputs)) names.clear();
  return names;
}

// Fetches the part that the manifest names, and proves that it is that part.
Result<std::string> FetchPart(const Json& parts, std::string_view part, const GetBlob& get) {
  const std::string hash = SW_TRY(parts.GetString(part));
  std::string bytes = SW_TRY(get(hash));
  if (base::Sha256Hex(bytes) != hash) return DataLoss("package: the bytes of part {} are not {}", part, hash);
  return bytes;
}

Result<std::string> FetchManifest(const std::string& id, const GetBlob& get) {
  std::string bytes = SW_TRY(get(id));
  if (base::Sha256Hex(bytes) != id) return DataLoss("package: the manifest's bytes are not {}", id);
  return bytes;
}

// The format's version.
Result<int> CheckManifestFormat(const Json& manifest) {
  const base::FormatVersion found{.name = SW_TRY(manifest.GetString("format_name")),
                                  .version = static_cast<int>(SW_TRY(manifest.GetInt("format_version"))),
                                  .reader_min = static_cast<int>(SW_TRY(manifest.GetInt("reader_min")))};
  SW_TRY(base::CheckReadable(found, kFormat));
  return found.version;
}

Result<std::vector<std::string>> NamesIn(const Json& manifest, std::string_view key) {
  std::vector<std::string> names;
  for (const Json& name : SW_TRY(manifest.GetArray(key))->AsArray()) {
    if (!name.IsString()) return InvalidArgument("package: {} must be names, found {}", key, name.TypeName());
    names.push_back(name.AsString());
  }
  return names;
}

Result<PackageContent> ReadContent(const Json& manifest, const GetBlob& get) {
  const Json* parts = SW_TRY(manifest.GetObject("parts"));
  PackageContent content;
  content.format = SW_TRY(manifest.GetString("model_format"));
  content.model = SW_TRY(FetchPart(*parts, "model", get));
  content.inputs = SW_TRY(NamesIn(manifest, "inputs"));
  if (manifest.Has("output_names")) content.output_names = SW_TRY(NamesIn(manifest, "output_names"));
  content.encoding = SW_TRY(EncodingFromJson(*SW_TRY(manifest.GetObject("encoding"))));
  content.contract = SW_TRY(data::Contract::FromJson(SW_TRY(Json::Parse(SW_TRY(FetchPart(*parts, "contract", get))))));
  content.profile = SW_TRY(data::Profile::FromJson(SW_TRY(Json::Parse(SW_TRY(FetchPart(*parts, "profile", get))))));
  if (parts->Has("golden")) {
    const std::string bytes = SW_TRY(FetchPart(*parts, "golden", get));
    content.golden = SW_TRY(GoldenFromBatch(SW_TRY(data::DecodeBatch(bytes))));
    content.golden.from = manifest.StringOr("golden_from", "");
  }
  content.no_golden = manifest.StringOr("no_golden", "");
  if (parts->Has("report")) content.report = SW_TRY(Json::Parse(SW_TRY(FetchPart(*parts, "report", get))));
  if (const Json* lineage = manifest.Find("lineage")) content.lineage = *lineage;
  return content;
}

// Without inputs nothing but the scores says how many rows there are.
std::size_t CountGoldenRows(const PackageContent& content) {
  if (content.golden.inputs.num_columns() > 0) return content.golden.inputs.num_rows();
  return content.golden.expected.size();
}

}  // namespace

Result<std::string> WritePackage(const PackageContent& content, const PutBlob& put) {
  for (const auto& [hash, bytes] : content.members) SW_TRY(put(bytes));
  Json parts = Json::MakeObject();
  parts.Set("model", SW_TRY(put(content.model)));
  parts.Set("contract", SW_TRY(put(content.contract.ToJson().Dump())));
  parts.Set("profile", SW_TRY(put(content.profile.ToJson().Dump())));
  if (!content.golden.expected.empty()) {
    const data::Batch golden = SW_TRY(GoldenToBatch(content.golden, CountGoldenRows(content)));
    parts.Set("golden", SW_TRY(put(data::EncodeBatch(golden))));
  }
  if (!content.report.IsNull()) parts.Set("report", SW_TRY(put(content.report.Dump())));
  Json manifest = Json::MakeObject({{"format_name", kFormat.name},
                                    {"format_version", kFormat.version},
                                    {"reader_min", kFormat.reader_min},
                                    {"model_format", content.format},
                                    {"inputs", Json::FromRange(content.inputs)},
                                    {"encoding", EncodingToJson(content.encoding)},
                                    {"parts", std::move(parts)},
                                    {"lineage", content.lineage}});
  if (!content.output_names.empty()) manifest.Set("output_names", Json::FromRange(content.output_names));
  if (!content.golden.from.empty()) manifest.Set("golden_from", content.golden.from);
  if (!content.no_golden.empty()) manifest.Set("no_golden", content.no_golden);
  return put(manifest.Dump());
}

Result<data::Batch> Package::Encoded(data::Batch rows) const {
  if (content_.encoding.categories.empty()) return rows;
  return Encode(content_.encoding, rows, content_.inputs);
}

Status Package::Score(const data::Batch& rows, Output output, std::span<double> scores) const {
  if (content_.encoding.categories.empty()) return engine_->Score(rows, output, scores);
  return engine_->Score(SW_TRY(Encode(content_.encoding, rows, content_.inputs)), output, scores);
}

Status Package::Score(const data::Batch& rows, std::span<double> scores) const {
  SW_TRY(CheckOneOutput(*this));
  return Score(rows, Output::kPrediction, scores);
}

std::size_t Package::memory_bytes() const {
  return sizeof(*this) + engine_->memory_bytes() + HeapBytes(content_.inputs) + HeapBytes(content_.output_names) + HeapBytes(content_.encoding) +
         HeapBytes(content_.contract) + HeapBytes(content_.profile) + HeapBytes(content_.golden) + HeapBytes(content_.members) +
         HeapBytes(content_.report) + HeapBytes(content_.lineage);
}

std::size_t Package::golden_rows() const { return content_.golden.expected.size() / outputs(); }

Status CheckOneOutput(const Package& package) {
  if (package.outputs() == 1) return Ok();
  return FailedPrecondition(
      "package {} predicts {} numbers a row; gates, rollouts, monitors and labels take models of one, whose labels are 0 or 1",
      package.id().substr(0, 12), package.outputs());
}

Status Package::ReplayGolden(Output output, std::span<const double> expected, std::size_t rows) const {
  if (expected.size() != rows * engine_->outputs(output)) {
    return InvalidArgument("package: {} golden scores for {} rows of {} outputs", expected.size(), rows,
                           engine_->outputs(output));
  }
  std::vector<double> scores(expected.size());
  SW_TRY(Score(content_.golden.inputs, output, scores));
  SW_TRY(CompareScores(content_.golden, output, *engine_, scores));
  if (rows <= 1 || content_.golden.inputs.num_columns() == 0) return Ok();
  scores.resize(engine_->outputs(output));
  SW_TRY(Score(content_.golden.inputs.Slice(0, 1), output, scores));
  return CompareScores(content_.golden, output, *engine_, scores);
}

Status Package::ReplayGolden() const {
  const GoldenRows& golden = content_.golden;
  if (golden.expected.empty()) return Ok();
  const std::size_t rows = CountGoldenRows(content_);
  SW_TRY(ReplayGolden(Output::kPrediction, golden.expected, rows));
  if (golden.raw.empty()) return Ok();
  return ReplayGolden(Output::kRaw, golden.raw, rows);
}

namespace {

// Version 0 asked for no number of rows.
std::string WhyUnverified(const Package& package, int version) {
  const std::size_t rows = package.golden_rows();
  if (rows >= kGoldenRowsMin || (rows > 0 && version == 0)) return "";
  const std::string& reason = package.content().no_golden;
  if (rows == 0) return reason.empty() ? "it has no golden rows" : fmt::format("it has no golden rows: {}", reason);
  return fmt::format("it has {} golden rows, {} are needed", rows, kGoldenRowsMin);
}

}  // namespace

namespace {

// A member of a graph, as its package scores: with its encoding and its names.
class PackageEngine final : public Engine {
 public:
  explicit PackageEngine(std::unique_ptr<const Package> package) : package_(std::move(package)) {}

  const std::vector<std::string>& inputs() const override { return package_->content().inputs; }
  Exactness exactness() const override { return package_->exactness(); }
  Tolerance tolerance() const override { return package_->engine().tolerance(); }
  std::size_t outputs(Output output) const override { return package_->engine().outputs(output); }
  std::vector<std::string> output_names() const override { return package_->output_names(); }
  bool predicts_classes() const override { return package_->engine().predicts_classes(); }
  std::size_t memory_bytes() const override { return sizeof(*this) + package_->memory_bytes(); }
  bool blocks() const override { return package_->blocks(); }
  Tuning tuning() const override { return package_->engine().tuning(); }
  Json Tune() const override { return package_->engine().Tune(); }
  Status Choose(const Json& choice) const override { return package_->engine().Choose(choice); }
  Json Describe() const override {
    Json description = package_->engine().Describe();
    description.Set("package", package_->id());
    return description;
  }
  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    return package_->Score(rows, output, scores);
  }

  // By the package's columns, which are the engine's in another order, and more; codes are texts here.
  std::vector<InputProbe> Probes() const override {
    std::map<std::string_view, InputProbe> by_name;
    const std::vector<InputProbe> own = package_->engine().Probes();
    for (std::size_t i = 0; i < own.size(); ++i) by_name[package_->engine().inputs()[i]] = own[i];
    for (const auto& [column, categories] : package_->content().encoding.categories) {
      by_name[column] = {.is_category = true, .texts = categories};
    }
    std::vector<InputProbe> probes;
    for (const std::string& input : inputs()) probes.push_back(by_name[input]);
    return probes;
  }

 private:
  std::unique_ptr<const Package> package_;
};

Result<std::string> FormatOf(const std::string& id, const GetBlob& get) {
  return SW_TRY(Json::Parse(SW_TRY(FetchManifest(id, get)))).GetString("model_format");
}

Result<std::shared_ptr<const Engine>> LoadMember(const std::string& id, const GetBlob& get, const EngineOptions& options) {
  if (SW_TRY(FormatOf(id, get)) == kGraph) return InvalidArgument("a graph is no member of a graph; declare its nodes here");
  return std::make_shared<const PackageEngine>(SW_TRY(LoadPackage(id, get, options)));
}

// The packages that a graph's nodes name, each once.
Result<std::set<std::string>> MembersOf(std::string_view graph) {
  std::set<std::string> ids;
  for (const GraphNode& node : SW_TRY(ParseGraph(graph)).nodes) {
    if (node.kind == GraphNode::Kind::kModel) ids.insert(node.model);
  }
  return ids;
}

// All that makes up a member, by hash.
Status ReadMember(const std::string& id, const GetBlob& get, std::map<std::string, std::string>& blobs) {
  blobs[id] = SW_TRY(FetchManifest(id, get));
  const Json manifest = SW_TRY(Json::Parse(blobs[id]));
  for (const auto& [part, hash] : SW_TRY(manifest.GetObject("parts"))->AsObject()) {
    if (!hash.IsString()) return InvalidArgument("package: part {} must be a hash, found {}", part, hash.TypeName());
    blobs[hash.AsString()] = SW_TRY(FetchPart(*manifest.Find("parts"), part, get));
  }
  return Ok();
}

}  // namespace

Result<std::unique_ptr<Engine>> LoadGraph(std::string_view graph, const GetBlob& get, const EngineOptions& options) {
  Graph parsed = SW_TRY(ParseGraph(graph));
  std::map<std::string_view, std::shared_ptr<const Engine>> loaded;
  GraphMembers members;
  for (const GraphNode& node : parsed.nodes) {
    if (node.kind != GraphNode::Kind::kModel) continue;
    std::shared_ptr<const Engine>& member = loaded[node.model];
    if (member == nullptr) {
      auto made = LoadMember(node.model, get, options);
      if (!made) return std::unexpected(std::move(made).error().Within(fmt::format("node.{}", node.name)));
      member = *std::move(made);
    }
    members[node.name] = member;
  }
  return MakeGraphEngine(std::move(parsed), std::move(members));
}

Result<PackageContent> ReadPackage(const std::string& id, const GetBlob& get) {
  const Json manifest = SW_TRY(Json::Parse(SW_TRY(FetchManifest(id, get))));
  SW_TRY(CheckManifestFormat(manifest));
  PackageContent content = SW_TRY(ReadContent(manifest, get));
  if (content.format != kGraph) return content;
  for (const std::string& member : SW_TRY(MembersOf(content.model))) SW_TRY(ReadMember(member, get, content.members));
  return content;
}

Result<bool> RunsInAProcess(const std::string& id, const GetBlob& get) {
  const Json manifest = SW_TRY(Json::Parse(SW_TRY(FetchManifest(id, get))));
  const std::string format = manifest.StringOr("model_format", "");
  if (format != kGraph) return format == "python";
  for (const std::string& member : SW_TRY(MembersOf(SW_TRY(FetchPart(*SW_TRY(manifest.GetObject("parts")), "model", get))))) {
    if (SW_TRY(FormatOf(member, get)) == "python") return true;
  }
  return false;
}

namespace {

Result<LoadNeed> NeedOfModelPart(const std::string& format, const Json& parts, const GetBlob& get, std::uint64_t bytes) {
  const bool may_have_trees = format == "onnx" && bytes <= kOnnxReadBytesMax;
  const bool has_trees = may_have_trees && SW_TRY(FetchPart(parts, "model", get)).contains("TreeEnsemble");
  return NeedOfModel(has_trees ? "onnx_trees" : format, bytes);
}

}  // namespace

Result<LoadNeed> NeedOf(const std::string& id, const GetBlob& get, const SizeOfBlob& size) {
  const Json manifest = SW_TRY(Json::Parse(SW_TRY(FetchManifest(id, get))));
  const std::string format = SW_TRY(manifest.GetString("model_format"));
  const Json& parts = *SW_TRY(manifest.GetObject("parts"));
  LoadNeed need;
  for (const auto& [part, hash] : parts.AsObject()) {
    if (!hash.IsString()) return InvalidArgument("package: part {} must be a hash, found {}", part, hash.TypeName());
    const std::uint64_t bytes = SW_TRY(size(hash.AsString()));
    need = need.Then(part == "model" ? SW_TRY(NeedOfModelPart(format, parts, get, bytes)) : NeedOfPart(bytes));
  }
  if (format != kGraph) return need;
  for (const std::string& member : SW_TRY(MembersOf(SW_TRY(FetchPart(parts, "model", get))))) {
    if (SW_TRY(FormatOf(member, get)) == kGraph) return InvalidArgument("a graph is no member of a graph; declare its nodes here");
    need = need.Then(SW_TRY(NeedOf(member, get, size)));
  }
  return need;
}

Result<std::unique_ptr<const Package>> LoadPackage(const std::string& id, const GetBlob& get, EngineOptions options) {
  const Json manifest = SW_TRY(Json::Parse(SW_TRY(FetchManifest(id, get))));
  const int version = SW_TRY(CheckManifestFormat(manifest));
  auto package = std::make_unique<Package>();
  package->id_ = id;
  package->content_ = SW_TRY(ReadContent(manifest, get));
  const std::string model = std::exchange(package->content_.model, {});
  options.columns = package->content_.inputs;  // some libraries replace characters in names; ours are the request's
  package->engine_ = SW_TRY(package->content_.format == kGraph ? LoadGraph(model, get, options)
                                                               : MakeEngine(package->content_.format, model, options));
  SW_TRY(CheckInputs(package->content_, *package->engine_));
  package->output_names_ = SW_TRY(ChooseOutputNames(package->content_, *package->engine_));
  SW_TRY(package->ReplayGolden());
  package->unverified_ = WhyUnverified(*package, version);
  return package;
}

}  // namespace sw::model
