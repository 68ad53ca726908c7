#include "app/package_builder.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "app/graph_file.h"
#include "app/library_scores.h"
#include "app/model_source.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "data/readers.h"
#include "flow/packages.h"
#include "model/formats/plan.h"
#include "model/golden_inputs.h"
#include "model/map_blobs.h"
#include "model/model_reader.h"

namespace sw::app {
namespace {

constexpr std::size_t kSampleRowsMax = 512;

// Golden rows, or why there are none.
struct Golden {
  model::GoldenRows rows;
  std::string why_none;
  std::size_t refused_rows = 0;
  std::string refused;  // what the engine or the library said of one of them
};

// The name of a file or folder, without the folders above it.
std::string NameOf(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path.substr(path.find_last_of('/') + 1);
}

// Evenly spread: a table is often ordered.
data::Batch SampleOf(const data::Batch& rows) {
  if (rows.num_rows() <= kSampleRowsMax) return rows;
  std::vector<std::size_t> places(kSampleRowsMax);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i * rows.num_rows() / places.size();
  return rows.Take(places);
}

class Builder {
 public:
  // `graph` where the model is one.
  Builder(model::StoredModel stored, std::unique_ptr<model::Engine> engine, const BuildRequest& request,
          const StoredGraph* graph, const model::EngineOptions& engines)
      : stored_(std::move(stored)), engine_(std::move(engine)), request_(request), inputs_(DistinctInputs(*engine_)),
        graph_(graph), engines_(engines) {}

  Result<Golden> MakeGolden() {
    if (stored_.format == "plan") return FromPlan();
    if (stored_.format == "linear") return Golden{.rows = {}, .why_none = "the format is Seaworthy's own", .refused = {}};
    if (inputs_.empty()) return Golden{.rows = {}, .why_none = "the model reads no column", .refused = {}};
    if (graph_ != nullptr) return FromGraph();
    const data::Batch chosen = SW_TRY(Choose());
    const data::Batch inputs = chosen.Take(model::ScorableRows(*engine_, chosen));
    Golden golden = SW_TRY(stored_.format == "python" ? FromItself(inputs) : FromLibrary(inputs));
    const std::size_t kept = golden.rows.inputs.num_rows();
    if (golden.why_none.empty()) golden.refused_rows = chosen.num_rows() - kept;
    return golden;
  }

  Result<model::PackageContent> MakeContent(Golden golden) {
    model::PackageContent content;
    content.format = stored_.format;
    content.inputs = inputs_;
    content.output_names = request_.output_names;
    SW_TRY(Describe(golden, content));
    content.golden = std::move(golden.rows);
    content.no_golden = golden.why_none;
    content.lineage = Json::MakeObject({{"source", "a model file"},
                                        {"file", NameOf(request_.model)},
                                        {"sha256", base::Sha256Hex(stored_.bytes)}});
    if (!stored_.origin.IsNull()) content.lineage.Set("origin", stored_.origin);
    content.model = std::move(stored_.bytes);
    if (graph_ != nullptr) content.members = graph_->members.blobs;
    return content;
  }

  Status ReadRows() {
    if (request_.rows.empty()) return Ok();
    data::ReadOptions options;
    options.columns = inputs_;
    rows_ = SW_TRY(data::ReadTable(request_.rows, options));
    return Ok();
  }

 private:
  // The columns as they come in requests: of the rows, or else of the signature and the model.
  Status Describe(const Golden& golden, model::PackageContent& content) const {
    if (rows_) {
      content.profile = data::ProfileTable(*rows_);
      content.contract = data::LearnContract(content.profile, *rows_);
      return Ok();
    }
    const data::Batch columns = golden.rows.inputs.num_columns() > 0 ? golden.rows.inputs : SW_TRY(Choose());
    for (const data::Field& field : columns.schema().fields) {
      content.contract.columns.push_back({.name = field.name, .type = field.type, .min = {}, .max = {}, .categories = {}});
    }
    return Ok();
  }

  Result<data::Batch> Choose() const {
    model::GoldenInputOptions options{.known = stored_.columns};
    if (rows_) {
      options.sample = SampleOf(*rows_);
    } else if (stored_.example) {
      options.sample = SampleOf(*stored_.example);
    }
    return model::ChooseGoldenInputs(*engine_, options);
  }

  Result<Golden> FromPlan() const {
    const model::Plan plan = SW_TRY(model::ParsePlan(stored_.bytes));
    return Golden{.rows = model::GoldenOf(plan), .why_none = {}, .refused = {}};
  }

  // The model is its own library. A load proves that it still answers what it answered.
  Result<Golden> FromItself(const data::Batch& inputs) const {
    Golden golden{.rows = {.inputs = inputs, .expected = {}, .from = "the model itself"}, .why_none = {}, .refused = {}};
    golden.rows.expected.resize(inputs.num_rows() * engine_->outputs(model::Output::kPrediction));
    SW_TRY(engine_->Score(inputs, model::Output::kPrediction, golden.rows.expected));
    return golden;
  }

  Result<Golden> FromLibrary(const data::Batch& inputs) const {
    if (inputs.num_rows() == 0) {
      return Golden{.rows = {}, .why_none = "the model takes none of the rows made up for it; give --rows", .refused = {}};
    }
    if (request_.python.empty()) return Golden{.rows = {}, .why_none = "no library was asked", .refused = {}};
    auto scores = ScoreWithLibrary({.python = request_.python, .format = stored_.format, .model = stored_.bytes,
                                    .inputs = &inputs, .probes = engine_->Probes()});
    if (!scores) return Golden{.rows = {}, .why_none = scores.error().message, .refused = {}};
    return Golden{.rows = std::move(scores->golden), .why_none = {}, .refused = std::move(scores->refused)};
  }

  Result<Golden> FromGraph() const {
    const auto none = [](std::string why) { return Golden{.rows = {}, .why_none = std::move(why), .refused = {}}; };
    if (request_.python.empty()) return none("no library was asked");
    const GraphGolden chosen = SW_TRY(PrepareGolden(*graph_, engines_, SW_TRY(Choose())));
    if (!chosen.why_none.empty()) return none(chosen.why_none);
    GraphGolden kept = TakeRows(chosen, model::ScorableRows(*engine_, chosen.inputs));
    if (kept.inputs.num_rows() == 0) return none("the graph takes none of the rows made up for it; give --rows");
    auto scores = ScoreGraphWithLibraries({.python = request_.python, .graph = SW_TRY(Json::Parse(stored_.bytes)),
                                           .members = std::move(kept.members), .inputs = &kept.inputs,
                                           .tolerance = engine_->tolerance()});
    if (!scores) return none(scores.error().message);
    Golden golden{.rows = std::move(scores->golden), .why_none = {}, .refused = std::move(scores->refused)};
    golden.refused_rows = chosen.inputs.num_rows() - golden.rows.inputs.num_rows();
    return golden;
  }

  model::StoredModel stored_;
  std::unique_ptr<model::Engine> engine_;
  const BuildRequest& request_;
  std::vector<std::string> inputs_;
  const StoredGraph* graph_;
  const model::EngineOptions& engines_;
  std::optional<data::Batch> rows_;
};

Json AboutOf(const model::Package& package, const Golden& golden) {
  const model::PackageContent& content = package.content();
  Json about = Json::MakeObject({{"format", content.format},
                                 {"inputs", Json::FromRange(content.inputs)},
                                 {"exactness", model::ExactnessName(package.exactness())},
                                 {"verified", package.is_verified()},
                                 {"golden_rows", package.golden_rows()},
                                 {"golden_from", content.golden.from},
                                 {"outputs", package.outputs()}});
  if (!package.output_names().empty()) about.Set("output_names", Json::FromRange(package.output_names()));
  if (!package.is_verified()) about.Set("unverified", package.unverified());
  if (golden.refused_rows > 0) about.Set("refused_rows", golden.refused_rows);
  if (!golden.refused.empty()) about.Set("refused", golden.refused);
  return about;
}

}  // namespace

Result<BuiltPackage> BuildPackage(const Settings& settings, const BuildRequest& request) {
  const model::EngineOptions engines = SW_TRY(EnginesOf(settings));
  std::optional<StoredGraph> graph;
  if (IsGraph(request.model)) graph = SW_TRY(ReadGraph(settings, request));
  model::StoredModel stored = graph ? graph->stored : SW_TRY(model::ReadModel(request.model));
  auto engine = graph ? model::LoadGraph(stored.bytes, graph->members.Get(), engines) : model::MakeEngine(stored, engines);
  if (!engine) return std::unexpected(std::move(engine).error().Within(request.model));
  Builder builder(std::move(stored), *std::move(engine), request, graph ? &*graph : nullptr, engines);
  SW_TRY(builder.ReadRows());
  Golden golden = SW_TRY(builder.MakeGolden());
  BuiltPackage built{.content = SW_TRY(builder.MakeContent(golden)), .package = {}, .about = {}};
  auto package = model::LoadInMemory(built.content, engines);
  if (!package) return std::unexpected(std::move(package).error().Within(request.model));
  if (request.require_verified && !(*package)->is_verified()) {
    return FailedPrecondition("{}: {}, and --require-verified was given", request.model, (*package)->unverified());
  }
  built.about = AboutOf(**package, golden);
  built.package = *std::move(package);
  return built;
}

}  // namespace sw::app
