// Labels in, and what was served out: replays, the state of monitors and rollouts.
#include <algorithm>
#include <unordered_map>

#include "base/errors.h"
#include "flow/flow_impl.h"
#include "stats/metrics.h"

namespace sw::flow {
namespace {

constexpr std::size_t kUnknownListed = 100;

Json MetricsOf(const std::vector<double>& scores, const std::vector<std::uint8_t>& labels) {
  const stats::Scored scored{.scores = scores, .labels = labels};
  const auto number = [](const Result<double>& value) { return value ? Json(*value) : Json(); };
  double mean = 0;
  for (const double score : scores) mean += score / static_cast<double>(scores.size());
  return Json::MakeObject({{"auc", number(stats::Auc(scored))}, {"brier", number(stats::Brier(scored))},
                           {"log_loss", number(stats::LogLoss(scored))}, {"mean_score", mean}});
}

Json BlockToJson(const monitor::LossBlock& block) {
  return Json::MakeObject({{"from", base::FormatTime(block.from)}, {"to", base::FormatTime(block.to)},
                           {"predictions", block.predictions}, {"labelled", block.labelled}, {"censored", block.censored},
                           {"loss", block.loss}, {"log_e", block.log_e}});
}

// Only classification exists: a rollout's and a monitor's loss is bounded because of it.
Status CheckLabels(const LabelBatch& labels) {
  if (labels.ids.size() != labels.labels.size()) {
    return InvalidArgument("{} ids and {} labels; give one label for each id", labels.ids.size(), labels.labels.size());
  }
  for (std::size_t i = 0; i < labels.labels.size(); ++i) {
    if (labels.labels[i] == 0 || labels.labels[i] == 1) continue;
    return InvalidArgument("labels[{}].label: expected 0 or 1, or false or true, found {} for {}; nothing of the batch was written", i,
                           labels.labels[i], labels.ids[i]);
  }
  return Ok();
}

Json EstimatesToJson(const std::vector<monitor::EstimatedBlock>& blocks) {
  Json list = Json::MakeArray();
  for (const monitor::EstimatedBlock& block : blocks) {
    Json item = Json::MakeObject({{"from", base::FormatTime(block.from)}, {"to", base::FormatTime(block.to)},
                                  {"predictions", block.predictions}, {"loss", block.loss}});
    item.Set("low", block.interval ? Json(block.interval->low) : Json());
    item.Set("high", block.interval ? Json(block.interval->high) : Json());
    list.Append(std::move(item));
  }
  return list;
}

}  // namespace

Status CheckLogs(const EndpointDef& endpoint, std::string_view reader) {
  if (endpoint.log) return Ok();
  return FailedPrecondition("endpoint {} has log = false: nothing of it is in the logbook, which {} would read", endpoint.name, reader);
}

Result<EndpointDef> FlowImpl::DefinitionOf(std::string_view endpoint) const {
  const std::lock_guard lock(mutex_);
  return config_->endpoints.at(SW_TRY(Find(endpoint))->state.endpoint);
}

bool FlowImpl::KnownIds::All() const { return std::find(is_known.begin(), is_known.end(), false) == is_known.end(); }

Result<FlowImpl::KnownIds> FlowImpl::FindIds(std::string_view endpoint, const std::vector<std::string>& ids, bool read_log) {
  const std::lock_guard lock(mutex_);
  ServedIds& served = *SW_TRY(Find(endpoint))->ids;
  if (read_log) SW_TRY(served.CatchUp(options_.clock->Now()));
  KnownIds known{.is_known = {}, .since = served.since(), .kept_for = served.kept_for()};
  for (const std::string& id : ids) known.is_known.push_back(served.Contains(id));
  return known;
}

Status FlowImpl::CheckTakesLabels(std::string_view endpoint) const {
  const std::lock_guard lock(mutex_);
  const Running& running = *SW_TRY(Find(endpoint));
  SW_TRY(CheckLogs(config_->endpoints.at(running.state.endpoint), "a label"));
  const std::size_t outputs = running.outputs;
  if (outputs <= 1) return Ok();
  return FailedPrecondition(
      "endpoint {} predicts {} numbers a row; labels are 0 or 1, of predictions of one number, and nothing here would judge by them",
      endpoint, outputs);
}

Result<Json> FlowImpl::AddLabels(const Caller& caller, std::string_view endpoint, const LabelBatch& labels) {
  (void)caller;
  SW_TRY(CheckLabels(labels));
  SW_TRY(CheckTakesLabels(endpoint));
  KnownIds known = SW_TRY(FindIds(endpoint, labels.ids, false));
  if (!known.All()) {  // perhaps served since the last look
    SW_TRY(options_.serving->FlushLogs());
    known = SW_TRY(FindIds(endpoint, labels.ids, true));
  }
  const TimeUs now = options_.clock->Now();
  store::LogRows rows{.event_time = {}, .id = {}, .columns = data::Batch(data::Schema{{{"label", data::Type::kFloat64}}})};
  Json unknown = Json::MakeArray();
  for (std::size_t i = 0; i < labels.ids.size(); ++i) {
    if (!known.is_known[i]) {
      if (unknown.size() < kUnknownListed) unknown.Append(labels.ids[i]);
      continue;
    }
    rows.event_time.push_back(now);
    rows.id.push_back(labels.ids[i]);
    rows.columns.column(0).AppendDouble(labels.labels[i]);
  }
  const std::size_t accepted = rows.num_rows();
  bool repeated = false;
  bool durable = true;
  if (accepted > 0) {
    const std::string stream = fmt::format("labels/{}", endpoint);
    SW_TRY(options_.data->logbook().Declare({.name = stream}));
    // The sequence is used up by a whole batch only: the same batch, sent again once its unknown ids are
    // served, must not count as a repeat. What is then written twice counts once: the first label does.
    const store::AppendResult appended = SW_TRY(options_.data->logbook().Append(
        {.stream = stream, .partition = 0, .producer = known.All() ? labels.producer : "", .sequence = labels.sequence, .rows = std::move(rows)},
        store::Durability::kBuffered));
    repeated = appended.duplicate;
    durable = appended.durable;
  }
  return Json::MakeObject({{"accepted", repeated ? 0 : accepted}, {"repeated", repeated}, {"durable", durable},
                           {"unknown_count", labels.ids.size() - accepted}, {"unknown", std::move(unknown)},
                           {"known_since", base::FormatTime(std::max<TimeUs>(0, known.since))},
                           {"known_for", base::FormatDuration(known.kept_for)}});
}

Result<store::LogRows> FlowImpl::Served(std::string_view endpoint, TimeUs from, TimeUs until) {
  SW_TRY(options_.serving->FlushLogs());
  const std::string stream = fmt::format("predictions/{}", endpoint);
  const auto logged = options_.data->logbook().End(stream);
  if (!logged && logged.error().code == ErrorCode::kNotFound) return NotFound("endpoint {} served nothing yet", endpoint);
  const store::Cut end = SW_TRY(logged);
  const store::LogRows all = SW_TRY(store::ReadFold(options_.data->logbook(), stream, {}, end, {}));
  std::vector<std::size_t> kept;
  for (std::size_t row = 0; row < all.num_rows(); ++row) {
    if (all.event_time[row] >= from && all.event_time[row] < until) kept.push_back(row);
  }
  store::LogRows rows{.event_time = {}, .id = {}, .columns = all.columns.Take(kept)};
  for (const std::size_t row : kept) {
    rows.event_time.push_back(all.event_time[row]);
    rows.id.push_back(all.id[row]);
  }
  if (kept.empty()) {
    return NotFound("endpoint {} served nothing between {} and {}", endpoint, base::FormatTime(from), base::FormatTime(until));
  }
  return rows;
}

Result<Json> FlowImpl::Replay(const Caller& caller, std::string_view endpoint, std::int64_t version, TimeUs from, TimeUs until) {
  const EndpointDef definition = SW_TRY(DefinitionOf(endpoint));
  SW_TRY(CheckLogs(definition, "a replay"));
  const store::LogRows rows = SW_TRY(Served(endpoint, from, until));
  const auto labelled_until = options_.data->logbook().End("labels/" + definition.name);
  if (!labelled_until && labelled_until.error().code == ErrorCode::kNotFound) {
    return FailedPrecondition("endpoint {} has no labels yet; a replay compares losses", endpoint);
  }
  const store::Cut end = SW_TRY(labelled_until);
  const store::LogRows label_rows = SW_TRY(store::ReadFold(options_.data->logbook(), "labels/" + definition.name, {}, end, {}));
  std::unordered_map<std::string_view, double> label_of;
  const data::Column* values = SW_TRY(label_rows.columns.Get("label", "the labels"));
  for (std::size_t i = 0; i < label_rows.num_rows(); ++i) label_of.emplace(label_rows.id[i], values->AsDouble(i));
  std::vector<std::size_t> labelled;
  std::vector<std::uint8_t> labels;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const auto found = label_of.find(rows.id[row]);
    if (found == label_of.end()) continue;
    labelled.push_back(row);
    labels.push_back(found->second >= 0.5 ? 1 : 0);
  }
  std::shared_ptr<const model::Package> package;
  {
    const std::lock_guard lock(mutex_);
    package = SW_TRY(PackageOf(caller, definition, version));
  }
  const data::Batch kept = rows.columns.Take(labelled);
  const data::Column* scores = SW_TRY(kept.Get("score", "the predictions"));
  const std::vector<double> served(scores->doubles().begin(), scores->doubles().end());
  const std::vector<double> replayed = SW_TRY(ScoreAll(*package, ColumnsWith("x.", kept)));
  double positives = 0;
  for (const std::uint8_t label : labels) positives += label;
  return Json::MakeObject({{"requests", rows.num_rows()}, {"labelled", labels.size()},
                           {"positive_share", labels.empty() ? 0.0 : positives / static_cast<double>(labels.size())},
                           {"served", MetricsOf(served, labels)}, {"version", version}, {"replayed", MetricsOf(replayed, labels)}});
}

Result<Json> FlowImpl::Rollouts(const Caller& caller, std::string_view endpoint) {
  const std::lock_guard lock(mutex_);
  Json list = Json::MakeArray();
  for (auto& [name, running] : endpoints_) {
    if ((!endpoint.empty() && name != endpoint) || !running.state.rollout) continue;
    if (running.state.RolloutIsRunning()) SW_TRY(BringUp(caller, running));
    Json entry = EndpointStateToJson(running.state);
    if (const rollout::PairedEvidence* evidence = running.fold->evidence()) entry.Set("evidence_now", JudgementToJson(evidence->Judge()));
    list.Append(std::move(entry));
  }
  return list;
}

Result<Json> FlowImpl::Endpoints(const Caller& caller) const {
  (void)caller;
  const std::lock_guard lock(mutex_);
  Json list = Json::MakeArray();
  for (const auto& [name, running] : endpoints_) {
    Json arms = Json::MakeArray();
    for (const ArmVersion& arm : ArmsFor(running.state)) {
      arms.Append(Json::MakeObject({{"version", arm.version}, {"mode", arm.mode}, {"share", arm.share}}));
    }
    const EndpointDef& definition = config_->endpoints.at(name);
    list.Append(Json::MakeObject({{"endpoint", name}, {"model", definition.model}, {"service", definition.service},
                                  {"live", running.state.live}, {"arms", std::move(arms)}}));
    if (running.state.live != 0 && !running.is_published) list.AsArray().back().Set("not_served", running.problem);
  }
  return list;
}

Result<Json> FlowImpl::MonitorState(const Caller& caller, std::string_view endpoint) {
  const std::lock_guard lock(mutex_);
  Running& running = *SW_TRY(Find(endpoint));
  SW_TRY(BringUp(caller, running));
  Json list = Json::MakeArray();
  for (const monitor::EndpointMonitor& monitor : running.fold->monitors()) {
    Json blocks = Json::MakeArray();
    for (const monitor::LossBlock& block : monitor.realised().blocks()) blocks.Append(BlockToJson(block));
    list.Append(Json::MakeObject({{"monitor", monitor.policy().name}, {"endpoint", endpoint},
                                  {"reference_version", monitor.reference().version}, {"reference_loss", monitor.reference().loss},
                                  {"tolerance", monitor.policy().tolerance}, {"labels_unknown", monitor.labels_unknown()},
                                  {"open_page", monitor.HasOpenPage()}, {"blocks", std::move(blocks)},
                                  {"estimated", EstimatesToJson(monitor.Estimated())}}));
  }
  return list;
}

}  // namespace sw::flow
