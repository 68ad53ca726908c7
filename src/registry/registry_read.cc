#include "registry/registry_read.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/errors.h"
#include "data/schema.h"
#include "registry/version_state.h"

namespace sw::registry {
namespace {

constexpr std::string_view kVerdictColumns =
    "id, kind, result, alpha, summary, evidence, time_us, principal";

Result<Json> ReadJson(const std::string& text) {
  if (text.empty()) return Json();
  return Json::Parse(text);
}

Result<VerdictRecord> VerdictFrom(const store::SqlRow& row) {
  return VerdictRecord{.id = row.Text(0),
                       .kind = row.Text(1),
                       .result = row.Text(2),
                       .alpha = row.Double(3),
                       .summary = row.Text(4),
                       .evidence = SW_TRY(ReadJson(row.Text(5))),
                       .time = row.Int(6),
                       .principal = row.Text(7)};
}

Result<Model> ModelFrom(store::CatalogReader& reader, const std::string& workspace,
                        const store::SqlRow& row) {
  Model model{.name = row.Text(0), .description = row.Text(1), .created = row.Int(2)};
  const auto newest = SW_TRY(
      reader.Query("SELECT MAX(number) FROM registry_versions WHERE workspace = ? AND model = ?",
                   {workspace, model.name}));
  model.newest = newest[0].Int(0);
  const auto aliases = SW_TRY(
      reader.Query("SELECT alias, number FROM registry_aliases WHERE workspace = ? AND model = ?",
                   {workspace, model.name}));
  for (const store::SqlRow& alias : aliases) model.aliases[alias.Text(0)] = alias.Int(1);
  return model;
}

// Fills in what other tables say of the version.
Status Complete(store::CatalogReader& reader, const std::string& workspace, bool archived,
                Version& version) {
  const auto verdicts = SW_TRY(ReadVerdicts(reader, workspace, version.model, version.number));
  for (const VerdictRecord& verdict : verdicts) version.verdict_ids.push_back(verdict.id);
  version.state = StateFrom(verdicts, archived);
  const auto aliases =
      SW_TRY(reader.Query("SELECT alias FROM registry_aliases WHERE workspace = ? AND model = ? "
                          "AND number = ? ORDER BY alias",
                          {workspace, version.model, version.number}));
  for (const store::SqlRow& alias : aliases) version.aliases.push_back(alias.Text(0));
  return Ok();
}

}  // namespace

bool IsNumber(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<Model> ReadModel(store::CatalogReader& reader, const std::string& workspace,
                        const std::string& model) {
  const auto rows = SW_TRY(reader.Query(
      "SELECT name, description, created_us FROM registry_models WHERE workspace = ? AND name = ?",
      {workspace, model}));
  if (!rows.empty()) return ModelFrom(reader, workspace, rows[0]);
  std::vector<std::string> names;
  for (const store::SqlRow& row :
       SW_TRY(reader.Query("SELECT name FROM registry_models WHERE workspace = ?", {workspace}))) {
    names.push_back(row.Text(0));
  }
  if (names.empty())
    return NotFound("no model \"{}\": none is registered yet; see seaworthy register", model);
  return NotFound("no model \"{}\"; near it: {}; see seaworthy models", model,
                  fmt::join(data::NearMisses(model, names), ", "));
}

Result<std::vector<Model>> ReadModels(store::CatalogReader& reader, const std::string& workspace) {
  std::vector<Model> models;
  for (const store::SqlRow& row :
       SW_TRY(reader.Query("SELECT name, description, created_us FROM registry_models WHERE "
                           "workspace = ? ORDER BY name",
                           {workspace}))) {
    models.push_back(SW_TRY(ModelFrom(reader, workspace, row)));
  }
  return models;
}

Result<std::vector<Version>> ReadVersions(store::CatalogReader& reader,
                                          const std::string& workspace, const std::string& model,
                                          std::int64_t number) {
  std::vector<Version> versions;
  for (const store::SqlRow& row : SW_TRY(reader.Query(
           "SELECT number, package_id, run_id, lineage, description, archived, created_us, "
           "created_by "
           "FROM registry_versions WHERE workspace = ? AND model = ? AND (number = ? OR ? = 0) "
           "ORDER BY number DESC",
           {workspace, model, number, number}))) {
    Version version{.model = model,
                    .number = row.Int(0),
                    .package_id = row.Text(1),
                    .run_id = row.Text(2),
                    .lineage = SW_TRY(ReadJson(row.Text(3))),
                    .description = row.Text(4),
                    .created = row.Int(6),
                    .created_by = row.Text(7)};
    SW_TRY(Complete(reader, workspace, row.Int(5) != 0, version));
    versions.push_back(std::move(version));
  }
  return versions;
}

Result<Version> ReadVersion(store::CatalogReader& reader, const std::string& workspace,
                            const std::string& model, std::int64_t number) {
  const Model found = SW_TRY(ReadModel(reader, workspace, model));
  if (number > 0) {
    auto versions = SW_TRY(ReadVersions(reader, workspace, model, number));
    if (!versions.empty()) return std::move(versions[0]);
  }
  return NotFound("model {} has no version {}; its newest is {}", model, number, found.newest);
}

Result<std::int64_t> ReadNumber(store::CatalogReader& reader, const std::string& workspace,
                                const std::string& model, std::string_view version) {
  const Model found = SW_TRY(ReadModel(reader, workspace, model));
  if (IsNumber(version)) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(version.data(), version.data() + version.size(), number);
    if (parsed.ec != std::errc())
      return NotFound("model {} has no version {}; its newest is {}", model, version, found.newest);
    return number;
  }
  if (version == "latest" && found.newest > 0) return found.newest;
  const auto alias = found.aliases.find(std::string(version));
  if (alias != found.aliases.end()) return alias->second;
  std::vector<std::string> names;
  for (const auto& [name, number] : found.aliases) names.push_back(name);
  return NotFound("model {} has no alias \"{}\"; it has: {}", model, version,
                  names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

Result<std::vector<VerdictRecord>> ReadVerdicts(store::CatalogReader& reader,
                                                const std::string& workspace,
                                                const std::string& model, std::int64_t number) {
  std::vector<VerdictRecord> verdicts;
  for (const store::SqlRow& row : SW_TRY(reader.Query(
           fmt::format(
               "SELECT {} FROM registry_verdicts WHERE workspace = ? AND model = ? AND number = ? "
               "ORDER BY sequence",
               kVerdictColumns),
           {workspace, model, number}))) {
    verdicts.push_back(SW_TRY(VerdictFrom(row)));
  }
  return verdicts;
}

}  // namespace sw::registry
