#include "track/tracker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "track/tracker_read.h"

namespace sw::track {
namespace {

using store::CatalogReader;
using store::CatalogTransaction;

constexpr std::size_t kPageRowsMax = 1'000;
constexpr std::size_t kPathBytesMax = 1'000;

// SQLite has no NaN (it becomes NULL): is_nan keeps it.
constexpr std::array kMigrations = {store::Migration{1, R"sql(
CREATE TABLE track_experiments(
  workspace TEXT NOT NULL, name TEXT NOT NULL, created_us BIGINT NOT NULL,
  PRIMARY KEY(workspace, name));
CREATE TABLE track_runs(
  id TEXT NOT NULL PRIMARY KEY, workspace TEXT NOT NULL, experiment TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, started_us BIGINT NOT NULL, ended_us BIGINT NOT NULL, principal TEXT NOT NULL);
CREATE INDEX track_runs_by_experiment ON track_runs(workspace, experiment, id);
CREATE TABLE track_params(
  run TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(run, name));
CREATE TABLE track_tags(
  run TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(run, name));
CREATE TABLE track_metrics(
  run TEXT NOT NULL, name TEXT NOT NULL, sequence BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL,
  is_nan BIGINT NOT NULL, step BIGINT NOT NULL, time_us BIGINT NOT NULL,
  PRIMARY KEY(run, name, sequence));
CREATE TABLE track_newest_metrics(
  run TEXT NOT NULL, name TEXT NOT NULL, count BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL,
  is_nan BIGINT NOT NULL, step BIGINT NOT NULL, time_us BIGINT NOT NULL, PRIMARY KEY(run, name));
CREATE TABLE track_artifacts(
  run TEXT NOT NULL, path TEXT NOT NULL, blob TEXT NOT NULL, bytes BIGINT NOT NULL,
  PRIMARY KEY(run, path));
)sql"}};

Status CheckKey(std::string_view what, std::string_view key) {
  if (!key.empty() && key.size() <= kKeyBytesMax && key.find('\0') == std::string_view::npos)
    return Ok();
  return InvalidArgument("a {} has a name of {} bytes; use 1 to {}, none of them NUL", what,
                         key.size(), kKeyBytesMax);
}

Status CheckValue(std::string_view what, std::string_view key, std::string_view value) {
  if (value.size() <= kValueBytesMax) return Ok();
  return InvalidArgument("{} {} has {} bytes; at most {} are kept: store it as an artifact", what,
                         key, value.size(), kValueBytesMax);
}

Status CheckCount(std::string_view what, std::size_t count) {
  if (count <= kBatchRowsMax) return Ok();
  return InvalidArgument("{} {} in one call; send at most {}", count, what, kBatchRowsMax);
}

Status CheckTexts(std::string_view what, const std::map<std::string, std::string>& texts) {
  SW_TRY(CheckCount(fmt::format("{}s", what), texts.size()));
  for (const auto& [key, value] : texts) {
    SW_TRY(CheckKey(what, key));
    SW_TRY(CheckValue(what, key, value));
  }
  return Ok();
}

// "model/weights.txt": names joined by '/', none of them "", "." or "..".
Status CheckPath(std::string_view path) {
  bool is_fine = !path.empty() && path.size() <= kPathBytesMax &&
                 path.find_first_of(std::string_view("\\\0", 2)) == std::string_view::npos;
  for (std::string_view rest = path; is_fine;) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    is_fine = !name.empty() && name != "." && name != "..";
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (is_fine) return Ok();
  return InvalidArgument(
      "\"{}\" is no artifact path: use names joined by '/', relative, without '..'", path);
}

Status CheckArtifact(const Artifact& artifact) {
  SW_TRY(CheckPath(artifact.path));
  const bool is_hash = artifact.blob.size() == 64 && std::ranges::all_of(artifact.blob, [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                       });
  if (is_hash) return Ok();
  return InvalidArgument("blob \"{}\" of artifact {} is not 64 lower-case hex digits",
                         artifact.blob, artifact.path);
}

// The run, when it is the caller's and may still be written to.
Result<Run> OpenRun(CatalogReader& reader, const Caller& caller, std::string_view id) {
  Run run = SW_TRY(ReadRun(reader, caller.workspace, std::string(id)));
  if (run.status == RunStatus::kRunning) return run;
  return FailedPrecondition("run {} is {}; start another", id, RunStatusName(run.status));
}

Status SetTag(CatalogTransaction& tx, const std::string& run, const std::string& key,
              const std::string& value) {
  SW_TRY(
      tx.Execute("INSERT INTO track_tags(run, name, value) VALUES (?, ?, ?) "
                 "ON CONFLICT (run, name) DO UPDATE SET value = excluded.value",
                 {run, key, value}));
  return Ok();
}

// Keeps the newest value beside the history, so that listing runs does not read histories.
Status AddMetric(CatalogTransaction& tx, const std::string& run, const Metric& metric) {
  const std::int64_t is_nan = std::isnan(metric.value) ? 1 : 0;
  const double value = is_nan != 0 ? 0 : metric.value;
  const auto newest = SW_TRY(
      tx.Query("SELECT count, step, time_us FROM track_newest_metrics WHERE run = ? AND name = ?",
               {run, metric.key}));
  const std::int64_t sequence = newest.empty() ? 1 : newest[0].Int(0) + 1;
  SW_TRY(
      tx.Execute("INSERT INTO track_metrics(run, name, sequence, value, is_nan, step, time_us) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?)",
                 {run, metric.key, sequence, value, is_nan, metric.step, metric.time}));
  const bool is_newest = newest.empty() || std::pair(metric.step, metric.time) >=
                                               std::pair(newest[0].Int(1), newest[0].Int(2));
  if (!is_newest) {
    SW_TRY(tx.Execute("UPDATE track_newest_metrics SET count = ? WHERE run = ? AND name = ?",
                      {sequence, run, metric.key}));
    return Ok();
  }
  SW_TRY(tx.Execute(
      "INSERT INTO track_newest_metrics(run, name, count, value, is_nan, step, time_us) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, name) DO UPDATE SET count = excluded.count, "
      "value = excluded.value, is_nan = excluded.is_nan, step = excluded.step, "
      "time_us = excluded.time_us",
      {run, metric.key, sequence, value, is_nan, metric.step, metric.time}));
  return Ok();
}

Status AddParam(CatalogTransaction& tx, const Run& run, const std::string& key,
                const std::string& value) {
  const auto known = run.params.find(key);
  if (known == run.params.end()) {
    SW_TRY(tx.Execute("INSERT INTO track_params(run, name, value) VALUES (?, ?, ?)",
                      {run.id, key, value}));
    return Ok();
  }
  if (known->second == value) return Ok();
  return InvalidArgument(
      "param {} of run {} is \"{}\" and cannot become \"{}\": params are written once", key, run.id,
      known->second, value);
}

}  // namespace

Result<std::unique_ptr<Tracker>> Tracker::Open(store::Catalog& catalog, const base::Clock& clock,
                                               base::IdGenerator& ids) {
  SW_TRY(catalog.Migrate("track", kMigrations));
  return std::unique_ptr<Tracker>(new Tracker(catalog, clock, ids));
}

Result<Run> Tracker::Start(const Caller& caller, const NewRun& run) {
  SW_TRY(CheckKey("experiment", run.experiment));
  SW_TRY(CheckValue("name", run.name, run.name));
  SW_TRY(CheckTexts("tag", run.tags));
  const Run started{.id = ids_.NewUuid(),
                    .experiment = run.experiment,
                    .name = run.name,
                    .started = clock_.Now(),
                    .principal = caller.principal,
                    .tags = run.tags};
  SW_TRY(catalog_.Write([&](CatalogTransaction& tx) -> Status {
    SW_TRY(
        tx.Execute("INSERT INTO track_experiments(workspace, name, created_us) VALUES (?, ?, ?) "
                   "ON CONFLICT (workspace, name) DO NOTHING",
                   {caller.workspace, run.experiment, started.started}));
    SW_TRY(tx.Execute(
        "INSERT INTO track_runs(id, workspace, experiment, name, status, started_us, ended_us, "
        "principal) VALUES (?, ?, ?, ?, 'running', ?, 0, ?)",
        {started.id, caller.workspace, run.experiment, run.name, started.started,
         caller.principal}));
    for (const auto& [key, value] : run.tags) SW_TRY(SetTag(tx, started.id, key, value));
    return Ok();
  }));
  return started;
}

Status Tracker::LogParams(const Caller& caller, std::string_view run,
                          const std::map<std::string, std::string>& params) {
  SW_TRY(CheckTexts("param", params));
  return catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const Run found = SW_TRY(OpenRun(tx, caller, run));
    for (const auto& [key, value] : params) SW_TRY(AddParam(tx, found, key, value));
    return Ok();
  });
}

Status Tracker::LogMetrics(const Caller& caller, std::string_view run,
                           const std::vector<Metric>& metrics) {
  SW_TRY(CheckCount("metrics", metrics.size()));
  for (const Metric& metric : metrics) SW_TRY(CheckKey("metric", metric.key));
  return catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const Run found = SW_TRY(OpenRun(tx, caller, run));
    for (Metric metric : metrics) {
      if (metric.time == 0) metric.time = clock_.Now();
      SW_TRY(AddMetric(tx, found.id, metric));
    }
    return Ok();
  });
}

// Also of a run that ended: tags are how people sort runs afterwards.
Status Tracker::SetTags(const Caller& caller, std::string_view run,
                        const std::map<std::string, std::string>& tags) {
  SW_TRY(CheckTexts("tag", tags));
  return catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const Run found = SW_TRY(ReadRun(tx, caller.workspace, std::string(run)));
    for (const auto& [key, value] : tags) SW_TRY(SetTag(tx, found.id, key, value));
    return Ok();
  });
}

Status Tracker::AddArtifact(const Caller& caller, std::string_view run, const Artifact& artifact) {
  SW_TRY(CheckArtifact(artifact));
  return catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const Run found = SW_TRY(OpenRun(tx, caller, run));
    SW_TRY(tx.Execute(
        "INSERT INTO track_artifacts(run, path, blob, bytes) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (run, path) DO UPDATE SET blob = excluded.blob, bytes = excluded.bytes",
        {found.id, artifact.path, artifact.blob, static_cast<std::int64_t>(artifact.bytes)}));
    return Ok();
  });
}

Result<Run> Tracker::Finish(const Caller& caller, std::string_view run, RunStatus status) {
  if (status == RunStatus::kRunning)
    return InvalidArgument("a run ends as finished, failed or killed");
  Run finished;
  SW_TRY(catalog_.Write([&](CatalogTransaction& tx) -> Status {
    finished = SW_TRY(OpenRun(tx, caller, run));
    finished.status = status;
    finished.ended = clock_.Now();
    SW_TRY(tx.Execute("UPDATE track_runs SET status = ?, ended_us = ? WHERE id = ?",
                      {std::string(RunStatusName(status)), finished.ended, finished.id}));
    return tx.NoteChange("run", finished.id);
  }));
  return finished;
}

Result<Run> Tracker::Get(const Caller& caller, std::string_view run) const {
  Run found;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    found = SW_TRY(ReadRun(reader, caller.workspace, std::string(run)));
    return Ok();
  }));
  return found;
}

Result<std::vector<Metric>> Tracker::History(const Caller& caller, std::string_view run,
                                             std::string_view key) const {
  std::vector<Metric> history;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    const Run found = SW_TRY(ReadRun(reader, caller.workspace, std::string(run)));
    history = SW_TRY(ReadHistory(reader, found.id, std::string(key)));
    return Ok();
  }));
  return history;
}

Result<RunPage> Tracker::Runs(const Caller& caller, std::string_view experiment,
                              std::string_view after, std::size_t rows_max) const {
  rows_max = std::clamp<std::size_t>(rows_max, 1, kPageRowsMax);
  RunPage page;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    page.runs = SW_TRY(ReadRuns(reader, caller.workspace, std::string(experiment),
                                std::string(after), rows_max + 1));
    return Ok();
  }));
  if (page.runs.size() > rows_max) {
    page.runs.pop_back();
    page.next = page.runs.back().id;
  }
  return page;
}

Result<std::vector<Experiment>> Tracker::Experiments(const Caller& caller) const {
  std::vector<Experiment> experiments;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    for (const store::SqlRow& row : SW_TRY(reader.Query(
             "SELECT e.name, e.created_us, COUNT(r.id) FROM track_experiments e LEFT JOIN "
             "track_runs r "
             "ON r.workspace = e.workspace AND r.experiment = e.name WHERE e.workspace = ? "
             "GROUP BY e.name, e.created_us ORDER BY e.name",
             {caller.workspace}))) {
      experiments.push_back({.name = row.Text(0), .created = row.Int(1), .runs = row.Int(2)});
    }
    return Ok();
  }));
  return experiments;
}

Result<std::set<std::string>> Tracker::Blobs() const {
  std::set<std::string> blobs;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    for (const store::SqlRow& row :
         SW_TRY(reader.Query("SELECT DISTINCT blob FROM track_artifacts"))) {
      blobs.insert(row.Text(0));
    }
    return Ok();
  }));
  return blobs;
}

}  // namespace sw::track
