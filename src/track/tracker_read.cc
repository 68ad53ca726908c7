#include "track/tracker_read.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/errors.h"

namespace sw::track {
namespace {

constexpr std::array kStatuses = {RunStatus::kRunning, RunStatus::kFinished, RunStatus::kFailed,
                                  RunStatus::kKilled};

double ValueOf(const store::SqlRow& row, std::size_t value, std::size_t is_nan) {
  return row.Int(is_nan) != 0 ? std::numeric_limits<double>::quiet_NaN() : row.Double(value);
}

Status AddTexts(store::CatalogReader& reader, const char* sql, const std::string& run,
                std::map<std::string, std::string>& into) {
  for (const store::SqlRow& row : SW_TRY(reader.Query(sql, {run}))) into[row.Text(0)] = row.Text(1);
  return Ok();
}

Result<Run> RunFrom(store::CatalogReader& reader, const store::SqlRow& row) {
  Run run{.id = row.Text(0),
          .experiment = row.Text(1),
          .name = row.Text(2),
          .status = SW_TRY(ParseRunStatus(row.Text(3))),
          .started = row.Int(4),
          .ended = row.Int(5),
          .principal = row.Text(6)};
  SW_TRY(
      AddTexts(reader, "SELECT name, value FROM track_params WHERE run = ?", run.id, run.params));
  SW_TRY(AddTexts(reader, "SELECT name, value FROM track_tags WHERE run = ?", run.id, run.tags));
  for (const store::SqlRow& metric : SW_TRY(reader.Query(
           "SELECT name, value, is_nan FROM track_newest_metrics WHERE run = ?", {run.id}))) {
    run.metrics[metric.Text(0)] = ValueOf(metric, 1, 2);
  }
  for (const store::SqlRow& artifact : SW_TRY(
           reader.Query("SELECT path, blob, bytes FROM track_artifacts WHERE run = ? ORDER BY path",
                        {run.id}))) {
    run.artifacts.push_back({.path = artifact.Text(0),
                             .blob = artifact.Text(1),
                             .bytes = static_cast<std::uint64_t>(artifact.Int(2))});
  }
  return run;
}

}  // namespace

std::string_view RunStatusName(RunStatus status) {
  switch (status) {
    case RunStatus::kRunning:
      return "running";
    case RunStatus::kFinished:
      return "finished";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kKilled:
      return "killed";
  }
  return "running";
}

Result<RunStatus> ParseRunStatus(std::string_view name) {
  const auto* status = std::ranges::find(kStatuses, name, RunStatusName);
  if (status != kStatuses.end()) return *status;
  return InvalidArgument("\"{}\" is no status of a run: use running, finished, failed or killed",
                         name);
}

Result<Run> ReadRun(store::CatalogReader& reader, const std::string& workspace,
                    const std::string& run) {
  const auto rows = SW_TRY(reader.Query(
      "SELECT id, experiment, name, status, started_us, ended_us, principal FROM track_runs "
      "WHERE workspace = ? AND id = ?",
      {workspace, run}));
  if (rows.empty()) return NotFound("no run \"{}\"; see seaworthy runs", run);
  return RunFrom(reader, rows[0]);
}

Result<std::vector<Run>> ReadRuns(store::CatalogReader& reader, const std::string& workspace,
                                  const std::string& experiment, const std::string& after,
                                  std::size_t rows_max) {
  std::vector<Run> runs;
  // Ids sort by time.
  for (const store::SqlRow& row : SW_TRY(reader.Query(
           "SELECT id, experiment, name, status, started_us, ended_us, principal FROM track_runs "
           "WHERE workspace = ? AND (experiment = ? OR ? = '') AND (id < ? OR ? = '') ORDER BY id "
           "DESC LIMIT ?",
           {workspace, experiment, experiment, after, after,
            static_cast<std::int64_t>(rows_max)}))) {
    runs.push_back(SW_TRY(RunFrom(reader, row)));
  }
  return runs;
}

Result<std::vector<Metric>> ReadHistory(store::CatalogReader& reader, const std::string& run,
                                        const std::string& key) {
  std::vector<Metric> history;
  for (const store::SqlRow& row : SW_TRY(reader.Query(
           "SELECT value, is_nan, step, time_us FROM track_metrics WHERE run = ? AND name = ? "
           "ORDER BY step, time_us, sequence",
           {run, key}))) {
    history.push_back(
        {.key = key, .value = ValueOf(row, 0, 1), .step = row.Int(2), .time = row.Int(3)});
  }
  return history;
}

Json RunToJson(const Run& run) {
  Json params = Json::MakeObject();
  for (const auto& [key, value] : run.params) params.Set(key, value);
  Json tags = Json::MakeObject();
  for (const auto& [key, value] : run.tags) tags.Set(key, value);
  Json metrics = Json::MakeObject();
  for (const auto& [key, value] : run.metrics) metrics.Set(key, value);
  Json artifacts = Json::MakeArray();
  for (const Artifact& artifact : run.artifacts) {
    artifacts.Append(Json::MakeObject(
        {{"path", artifact.path}, {"blob", artifact.blob}, {"bytes", artifact.bytes}}));
  }
  return Json::MakeObject({{"id", run.id},
                           {"experiment", run.experiment},
                           {"name", run.name},
                           {"status", RunStatusName(run.status)},
                           {"started", base::FormatTime(run.started)},
                           {"ended", run.ended == 0 ? Json() : Json(base::FormatTime(run.ended))},
                           {"principal", run.principal},
                           {"params", std::move(params)},
                           {"tags", std::move(tags)},
                           {"metrics", std::move(metrics)},
                           {"artifacts", std::move(artifacts)}});
}

}  // namespace sw::track
