#include "flow/trainer.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "eval/report.h"
#include "model/map_blobs.h"
#include "stats/metrics.h"
#include "train/train.h"

namespace sw::flow {

// The rows to train on, and the later ones to report on.
struct Trainer::Parts {
  std::vector<std::size_t> train, held_out;
};

const eval::GatePolicy* GateOf(const Config& config, const std::string& training_set) {
  for (const auto& [name, endpoint] : config.endpoints) {
    if (endpoint.training_set != training_set) continue;
    if (const eval::GatePolicy* gate = GateOfEndpoint(config, endpoint)) return gate;
  }
  return nullptr;
}

std::vector<eval::SliceColumn> SlicesOf(const data::Batch& slices) {
  std::vector<eval::SliceColumn> columns;
  for (std::size_t c = 0; c < slices.num_columns(); ++c) columns.push_back({slices.schema().fields[c].name, &slices.column(c)});
  return columns;
}

std::vector<std::uint8_t> BinaryLabels(const data::Column& label) {
  std::vector<std::uint8_t> labels;
  labels.reserve(label.size());
  for (std::size_t row = 0; row < label.size(); ++row) labels.push_back(label.AsDouble(row) >= 0.5 ? 1 : 0);
  return labels;
}

namespace {

data::Column TakeColumn(const data::Column& column, const std::vector<std::size_t>& rows) {
  data::Column taken(column.type());
  for (const std::size_t row : rows) taken.AppendFrom(column, row);
  return taken;
}

Result<const train::Recipe*> FindRecipe(const Config& config, const std::string& name) {
  if (const auto found = config.recipes.find(name); found != config.recipes.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [known, recipe] : config.recipes) names.push_back(known);
  return NotFound("there is no recipe {}; {}", name, Suggestion(name, names));
}

Json TrainAnswer(const std::string& package_id, const std::string& run_id, std::size_t train_rows, std::size_t held_out_rows,
                 const Json& report, double seconds) {
  return Json::MakeObject({{"package_id", package_id}, {"run_id", run_id}, {"rows", train_rows},
                           {"held_out_rows", held_out_rows}, {"report", report}, {"seconds", seconds}});
}

}  // namespace

Result<std::shared_ptr<const TrainingTable>> Trainer::TableOf(const Config& config, const TrainRequest& request) {
  const train::Recipe& recipe = *SW_TRY(FindRecipe(config, request.recipe));
  const feature::TrainingSetDef& set = *SW_TRY(config.features.TrainingSet(recipe.training_set));
  if (!request.table.empty()) return tables_.ReadOutside(request.table, request.label, set.slices);
  return tables_.Build({.training_set = set.name, .from = request.from, .until = request.until, .labels_until = 0,
                        .naive = request.naive, .extra = request.extra},
                       [&](double done) {
                         if (request.progress) request.progress(0.3 * done, "joining features");
                       });
}

Result<Json> Trainer::Report(const model::PackageContent& content, const TrainingTable& table, const Parts& parts,
                             const eval::GatePolicy* gate, std::uint64_t seed) const {
  const auto package = SW_TRY(model::LoadInMemory(content));
  const data::Batch rows = table.features.Take(parts.held_out);
  const std::vector<double> scores = SW_TRY(ScoreAll(*package, rows));
  const std::vector<std::uint8_t> labels = BinaryLabels(TakeColumn(table.label, parts.held_out));
  std::vector<TimeUs> moments;
  for (const std::size_t row : parts.held_out) moments.push_back(table.moments[row]);
  const data::Batch slices = table.slices.num_columns() == 0 ? data::Batch() : table.slices.Take(parts.held_out);
  const std::vector<std::uint64_t> clusters = DayClusters(moments);
  const stats::CostMatrix costs = gate == nullptr ? stats::CostMatrix{} : gate->costs;
  const double threshold = SW_TRY(stats::CalibratedThreshold(costs));
  const eval::Report report = SW_TRY(eval::EvaluateScores({.scores = scores, .labels = labels, .clusters = clusters, .slices = SlicesOf(slices)},
                                                          {.threshold = threshold, .costs = costs, .resamples = 400, .seed = seed}));
  Json json = report.ToJson();
  json.Set("from", base::FormatTime(moments.front()));
  json.Set("until", base::FormatTime(moments.back() + 1));
  return json;
}

Result<std::string> Trainer::Track(const Caller& caller, const train::Recipe& recipe, const std::string& package_id, const Json& report) {
  const track::Run run = SW_TRY(tracker_.Start(caller, {.experiment = recipe.name, .name = {}, .tags = {{"package_id", package_id}}}));
  SW_TRY(tracker_.LogParams(caller, run.id, {{"library", std::string(train::LibraryName(recipe.library))},
                                             {"rounds", fmt::format("{}", recipe.rounds)}, {"seed", fmt::format("{}", recipe.seed)},
                                             {"params", recipe.params.Dump()}}));
  std::vector<track::Metric> metrics;
  for (const char* name : {"auc", "brier", "log_loss", "cost", "accuracy"}) {
    const Json* estimate = report.Find(name);
    if (estimate != nullptr && estimate->Has("value")) metrics.push_back({.key = name, .value = estimate->DoubleOr("value", 0)});
  }
  SW_TRY(tracker_.LogMetrics(caller, run.id, metrics));
  SW_TRY(tracker_.Finish(caller, run.id, track::RunStatus::kFinished));
  return run.id;
}

Result<Json> Trainer::Train(const Caller& caller, const Config& config, const TrainRequest& request) {
  const std::int64_t start_ns = base::MonotonicNs();
  train::Recipe recipe = *SW_TRY(FindRecipe(config, request.recipe));
  recipe.seed = request.seed;
  const auto table = SW_TRY(TableOf(config, request));
  Parts parts;
  const TimeUs cut = table->moments.back() + 1 - request.held_out;
  const TimeUs held_out_from = request.table.empty() ? request.until - request.held_out : cut;
  for (std::size_t row = 0; row < table->num_rows(); ++row) {
    (request.held_out > 0 && table->moments[row] >= held_out_from ? parts.held_out : parts.train).push_back(row);
  }
  if (parts.train.empty()) {
    return InvalidArgument("held_out: all {} rows are held out, from {} on, and none is left to train on", table->num_rows(),
                           base::FormatTime(held_out_from));
  }
  Json lineage = Json::MakeObject({{"table", table->provenance}, {"held_out_from", base::FormatTime(held_out_from)},
                                   {"until", base::FormatTime(request.until)}});
  if (table->lineage) {
    lineage.Set("columns", LineageToJson(*table->lineage));
    lineage.Set("label_is_known", table->lineage->label_is_known);
  }
  model::PackageContent content = SW_TRY(train::Train(
      table->features.Take(parts.train), TakeColumn(table->label, parts.train), recipe,
      {.worker = worker_, .lineage = lineage, .progress = [&](double done) {
         if (request.progress) request.progress(0.3 + 0.6 * done, "training");
       }, .log = {}}));
  if (!parts.held_out.empty()) {
    if (request.progress) request.progress(0.9, "evaluating");
    content.report = SW_TRY(Report(content, *table, parts, GateOf(config, recipe.training_set), request.seed));
  }
  const std::string package_id = SW_TRY(packages_.Write(content));
  const std::string run_id = SW_TRY(Track(caller, recipe, package_id, content.report));
  return TrainAnswer(package_id, run_id, parts.train.size(), parts.held_out.size(), content.report,
                     static_cast<double>(base::MonotonicNs() - start_ns) * 1e-9);
}

}  // namespace sw::flow
