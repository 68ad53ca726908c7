#include "registry/registry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "base/ids.h"
#include "data/batch.h"
#include "registry/registry_read.h"

namespace sw::registry {
namespace {

using store::CatalogReader;
using store::CatalogTransaction;

constexpr std::size_t kTextBytesMax = 8'000;
constexpr std::size_t kJsonBytesMax = 1u << 20;

constexpr std::array kMigrations = {store::Migration{1, R"sql(
CREATE TABLE registry_models(
  workspace TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, created_us BIGINT NOT NULL,
  PRIMARY KEY(workspace, name));
CREATE TABLE registry_versions(
  workspace TEXT NOT NULL, model TEXT NOT NULL, number BIGINT NOT NULL, package_id TEXT NOT NULL,
  run_id TEXT NOT NULL, lineage TEXT NOT NULL, description TEXT NOT NULL, archived BIGINT NOT NULL,
  created_us BIGINT NOT NULL, created_by TEXT NOT NULL,
  PRIMARY KEY(workspace, model, number), UNIQUE(workspace, model, package_id));
CREATE TABLE registry_aliases(
  workspace TEXT NOT NULL, model TEXT NOT NULL, alias TEXT NOT NULL, number BIGINT NOT NULL,
  since_us BIGINT NOT NULL, set_by TEXT NOT NULL,
  PRIMARY KEY(workspace, model, alias));
CREATE TABLE registry_verdicts(
  workspace TEXT NOT NULL, id TEXT NOT NULL, model TEXT NOT NULL, number BIGINT NOT NULL,
  sequence BIGINT NOT NULL, kind TEXT NOT NULL, result TEXT NOT NULL, alpha DOUBLE PRECISION NOT NULL,
  summary TEXT NOT NULL, evidence TEXT NOT NULL, time_us BIGINT NOT NULL, principal TEXT NOT NULL,
  PRIMARY KEY(workspace, id), UNIQUE(workspace, model, number, sequence));
)sql"}};

constexpr std::array<std::string_view, 5> kVerdictKinds = {"gate", "shadow", "canary", "monitor",
                                                           "override"};
constexpr std::array<std::string_view, 3> kVerdictResults = {"pass", "fail", "undecided"};

Status CheckName(std::string_view what, std::string_view name) {
  if (base::IsName(name)) return Ok();
  return InvalidArgument(
      "\"{}\" cannot name a {}: use 1 to 128 of A-Z, a-z, 0-9, '_', '.' and '-', not "
      "beginning with '.' or '-'",
      name, what);
}

Status CheckSize(std::string_view what, std::size_t bytes, std::size_t bytes_max) {
  if (bytes <= bytes_max) return Ok();
  return InvalidArgument("{} has {} bytes; at most {} are kept", what, bytes, bytes_max);
}

bool IsHash(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::string> LineageText(const Json& lineage) {
  if (lineage.IsNull()) return std::string();
  std::string text = lineage.Dump();
  SW_TRY(CheckSize("lineage", text.size(), kJsonBytesMax));
  return text;
}

Status CheckNewVersion(const NewVersion& version) {
  SW_TRY(CheckName("model", version.model));
  if (!IsHash(version.package_id)) {
    return InvalidArgument("package id \"{}\" is not 64 lower-case hex digits", version.package_id);
  }
  SW_TRY(CheckSize("run_id", version.run_id.size(), 128));
  return CheckSize("description", version.description.size(), kTextBytesMax);
}

Status CheckVerdict(const VerdictRecord& verdict) {
  if (!base::IsUuid(verdict.id))
    return InvalidArgument("verdict id \"{}\" is not a UUID", verdict.id);
  if (std::ranges::find(kVerdictKinds, verdict.kind) == kVerdictKinds.end()) {
    return InvalidArgument("verdict kind \"{}\" is none of {}", verdict.kind,
                           fmt::join(kVerdictKinds, ", "));
  }
  if (std::ranges::find(kVerdictResults, verdict.result) == kVerdictResults.end()) {
    return InvalidArgument("verdict result \"{}\" is none of {}", verdict.result,
                           fmt::join(kVerdictResults, ", "));
  }
  if (!(verdict.alpha >= 0 && verdict.alpha < 1)) {
    return InvalidArgument("verdict alpha {} is not from 0 to below 1", verdict.alpha);
  }
  if (verdict.kind == "override" && verdict.summary.empty()) {
    return InvalidArgument("say why: an override's reason is recorded with it");
  }
  return CheckSize("verdict summary", verdict.summary.size(), kTextBytesMax);
}

// The row of the stream "verdicts".
data::Batch VerdictRow(const Caller& caller, const Version& version, const VerdictRecord& verdict,
                       const std::string& evidence) {
  const auto text = [](const char* name) {
    return data::Field{.name = name, .type = data::Type::kString};
  };
  data::Batch row(data::Schema{{text("kind"),
                                text("subject"),
                                text("result"),
                                {.name = "alpha", .type = data::Type::kFloat64},
                                text("summary"),
                                text("evidence"),
                                text("workspace"),
                                text("principal")}});
  row.column(0).AppendString(verdict.kind);
  row.column(1).AppendString(fmt::format("{}/{}", version.model, version.number));
  row.column(2).AppendString(verdict.result);
  row.column(3).AppendDouble(verdict.alpha);
  row.column(4).AppendString(verdict.summary);
  row.column(5).AppendString(evidence);
  row.column(6).AppendString(caller.workspace);
  row.column(7).AppendString(verdict.principal);
  return row;
}

Status InsertVerdict(CatalogTransaction& tx, const Caller& caller, const Version& version,
                     const VerdictRecord& verdict, const std::string& evidence) {
  const auto sequence = static_cast<std::int64_t>(version.verdict_ids.size()) + 1;
  SW_TRY(tx.Execute(
      "INSERT INTO registry_verdicts(workspace, id, model, number, sequence, kind, result, alpha, "
      "summary, evidence, time_us, principal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {caller.workspace, verdict.id, version.model, version.number, sequence, verdict.kind,
       verdict.result, verdict.alpha, verdict.summary, evidence, verdict.time, verdict.principal}));
  SW_TRY(tx.Publish("verdicts", verdict.time, verdict.id,
                    VerdictRow(caller, version, verdict, evidence)));
  return tx.NoteChange("model", version.model);
}

// True when the verdict is there already, for this version and alike.
Result<bool> IsRecorded(CatalogReader& reader, const Caller& caller, const Version& version,
                        const VerdictRecord& verdict) {
  const auto rows = SW_TRY(reader.Query(
      "SELECT model, number, kind, result FROM registry_verdicts WHERE workspace = ? AND id = ?",
      {caller.workspace, verdict.id}));
  if (rows.empty()) return false;
  const store::SqlRow& row = rows[0];
  if (row.Text(0) == version.model && row.Int(1) == version.number && row.Text(2) == verdict.kind &&
      row.Text(3) == verdict.result) {
    return true;
  }
  return AlreadyExists("verdict {} exists, and differs: {} {} of {}/{}; give a new id", verdict.id,
                       row.Text(2), row.Text(3), row.Text(0), row.Int(1));
}

Status CreateModel(CatalogTransaction& tx, const Caller& caller, const std::string& model,
                   TimeUs now) {
  SW_TRY(tx.Execute(
      "INSERT INTO registry_models(workspace, name, description, created_us) VALUES (?, ?, '', ?) "
      "ON CONFLICT (workspace, name) DO NOTHING",
      {caller.workspace, model, now}));
  return Ok();
}

// The number of the package's version, made when there is none. An archived one comes back.
Result<std::int64_t> FindOrInsert(CatalogTransaction& tx, const Caller& caller,
                                  const NewVersion& version, const std::string& lineage,
                                  TimeUs now) {
  const auto known = SW_TRY(tx.Query(
      "SELECT number FROM registry_versions WHERE workspace = ? AND model = ? AND package_id = ?",
      {caller.workspace, version.model, version.package_id}));
  if (!known.empty()) {
    SW_TRY(
        tx.Execute("UPDATE registry_versions SET archived = 0 WHERE workspace = ? AND model = ? "
                   "AND number = ?",
                   {caller.workspace, version.model, known[0].Int(0)}));
    return known[0].Int(0);
  }
  const auto newest =
      SW_TRY(tx.Query("SELECT MAX(number) FROM registry_versions WHERE workspace = ? AND model = ?",
                      {caller.workspace, version.model}));
  const std::int64_t number = newest[0].Int(0) + 1;
  SW_TRY(tx.Execute(
      "INSERT INTO registry_versions(workspace, model, number, package_id, run_id, lineage, "
      "description, archived, created_us, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
      {caller.workspace, version.model, number, version.package_id, version.run_id, lineage,
       version.description, now, caller.principal}));
  SW_TRY(tx.NoteChange("model", version.model));
  return number;
}

}  // namespace

Result<std::unique_ptr<Registry>> Registry::Open(store::Catalog& catalog,
                                                 const base::Clock& clock) {
  SW_TRY(catalog.Migrate("registry", kMigrations));
  return std::unique_ptr<Registry>(new Registry(catalog, clock));
}

Result<Version> Registry::Register(const Caller& caller, const NewVersion& version) {
  SW_TRY(CheckNewVersion(version));
  const std::string lineage = SW_TRY(LineageText(version.lineage));
  Version registered;
  SW_TRY(catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const TimeUs now = clock_.Now();
    SW_TRY(CreateModel(tx, caller, version.model, now));
    const std::int64_t number = SW_TRY(FindOrInsert(tx, caller, version, lineage, now));
    registered = SW_TRY(ReadVersion(tx, caller.workspace, version.model, number));
    return Ok();
  }));
  return registered;
}

Status Registry::Describe(const Caller& caller, std::string_view model,
                          std::string_view description) {
  SW_TRY(CheckSize("description", description.size(), kTextBytesMax));
  return catalog_.Write([&](CatalogTransaction& tx) -> Status {
    SW_TRY(ReadModel(tx, caller.workspace, std::string(model)));
    SW_TRY(tx.Execute("UPDATE registry_models SET description = ? WHERE workspace = ? AND name = ?",
                      {std::string(description), caller.workspace, std::string(model)}));
    return tx.NoteChange("model", model);
  });
}

Result<Version> Registry::Resolve(const Caller& caller, std::string_view model,
                                  std::string_view version) const {
  Version found;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    const std::int64_t number =
        SW_TRY(ReadNumber(reader, caller.workspace, std::string(model), version));
    found = SW_TRY(ReadVersion(reader, caller.workspace, std::string(model), number));
    return Ok();
  }));
  return found;
}

Result<Version> Registry::Get(const Caller& caller, std::string_view model,
                              std::int64_t number) const {
  Version found;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    found = SW_TRY(ReadVersion(reader, caller.workspace, std::string(model), number));
    return Ok();
  }));
  return found;
}

Result<Model> Registry::GetModel(const Caller& caller, std::string_view model) const {
  Model found;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    found = SW_TRY(ReadModel(reader, caller.workspace, std::string(model)));
    return Ok();
  }));
  return found;
}

Result<std::vector<Model>> Registry::Models(const Caller& caller) const {
  std::vector<Model> models;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    models = SW_TRY(ReadModels(reader, caller.workspace));
    return Ok();
  }));
  return models;
}

Result<std::vector<Version>> Registry::Versions(const Caller& caller,
                                                std::string_view model) const {
  std::vector<Version> versions;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    SW_TRY(ReadModel(reader, caller.workspace, std::string(model)));
    versions = SW_TRY(ReadVersions(reader, caller.workspace, std::string(model)));
    return Ok();
  }));
  return versions;
}

Result<Version> Registry::Record(const Caller& caller, std::string_view model, std::int64_t number,
                                 VerdictRecord verdict) {
  Version recorded;
  SW_TRY(catalog_.Write([&](CatalogTransaction& tx) -> Status {
    recorded = SW_TRY(Record(tx, caller, model, number, verdict));
    return Ok();
  }));
  return recorded;
}

Result<Version> Registry::Record(CatalogTransaction& tx, const Caller& caller,
                                 std::string_view model, std::int64_t number,
                                 VerdictRecord verdict) {
  SW_TRY(CheckVerdict(verdict));
  const std::string evidence = verdict.evidence.Dump();
  SW_TRY(CheckSize("verdict evidence", evidence.size(), kJsonBytesMax));
  verdict.time = clock_.Now();
  verdict.principal = caller.principal;
  const Version version =
      SW_TRY(ReadVersion(tx, caller.workspace, std::string(model), number));
  if (SW_TRY(IsRecorded(tx, caller, version, verdict))) return version;
  SW_TRY(InsertVerdict(tx, caller, version, verdict, evidence));
  return ReadVersion(tx, caller.workspace, std::string(model), number);
}

Result<std::vector<VerdictRecord>> Registry::Verdicts(const Caller& caller, std::string_view model,
                                                      std::int64_t number) const {
  std::vector<VerdictRecord> verdicts;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    SW_TRY(ReadVersion(reader, caller.workspace, std::string(model), number));
    verdicts = SW_TRY(ReadVerdicts(reader, caller.workspace, std::string(model), number));
    return Ok();
  }));
  return verdicts;
}

Status Registry::SetAlias(const Caller& caller, std::string_view model, std::string_view alias,
                          std::int64_t number) {
  return catalog_.Write(
      [&](CatalogTransaction& tx) { return SetAlias(tx, caller, model, alias, number); });
}

Status Registry::SetAlias(CatalogTransaction& tx, const Caller& caller, std::string_view model,
                          std::string_view alias, std::int64_t number) {
  SW_TRY(CheckName("alias", alias));
  if (IsNumber(alias) || alias == "latest") {
    return InvalidArgument("\"{}\" cannot be an alias: it already stands for a version", alias);
  }
  const Version version = SW_TRY(ReadVersion(tx, caller.workspace, std::string(model), number));
  if (version.state == VersionState::kArchived) return CheckMayServe(version);
  SW_TRY(tx.Execute(
      "INSERT INTO registry_aliases(workspace, model, alias, number, since_us, set_by) "
      "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, model, alias) DO UPDATE SET "
      "number = excluded.number, since_us = excluded.since_us, set_by = excluded.set_by",
      {caller.workspace, std::string(model), std::string(alias), number, clock_.Now(),
       caller.principal}));
  return tx.NoteChange("model", model);
}

Status Registry::DropAlias(const Caller& caller, std::string_view model, std::string_view alias) {
  return catalog_.Write([&](CatalogTransaction& tx) -> Status {
    SW_TRY(ReadModel(tx, caller.workspace, std::string(model)));
    const std::int64_t dropped = SW_TRY(
        tx.Execute("DELETE FROM registry_aliases WHERE workspace = ? AND model = ? AND alias = ?",
                   {caller.workspace, std::string(model), std::string(alias)}));
    if (dropped == 0) return NotFound("model {} has no alias \"{}\"", model, alias);
    return tx.NoteChange("model", model);
  });
}

Status Registry::Archive(const Caller& caller, std::string_view model, std::int64_t number) {
  return catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const Version version = SW_TRY(ReadVersion(tx, caller.workspace, std::string(model), number));
    if (!version.aliases.empty()) {
      return FailedPrecondition("version {} of model {} is {}; move that alias first", number,
                                model, fmt::join(version.aliases, ", "));
    }
    SW_TRY(
        tx.Execute("UPDATE registry_versions SET archived = 1 WHERE workspace = ? AND model = ? "
                   "AND number = ?",
                   {caller.workspace, std::string(model), number}));
    return tx.NoteChange("model", model);
  });
}

Result<std::set<std::string>> Registry::PackageIds() const {
  std::set<std::string> ids;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    for (const store::SqlRow& row :
         SW_TRY(reader.Query("SELECT DISTINCT package_id FROM registry_versions"))) {
      ids.insert(row.Text(0));
    }
    return Ok();
  }));
  return ids;
}

}  // namespace sw::registry
