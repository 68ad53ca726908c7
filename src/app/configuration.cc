#include "app/configuration.h"

#include <array>

#include "app/config_diff.h"
#include "base/errors.h"
#include "base/hash.h"
#include "feature/source.h"

namespace sw::app {
namespace {

constexpr std::array kMigrations = {store::Migration{1, R"sql(
CREATE TABLE app_configurations(
  version BIGINT PRIMARY KEY, applied_us BIGINT NOT NULL, principal TEXT NOT NULL, file TEXT NOT NULL,
  sha256 TEXT NOT NULL, toml TEXT NOT NULL);
)sql"}};

// Services whose values change although their own table may not: a view, a source or an expression
// below them did. What was trained on them must be trained again.
Json ServicesThatChange(const flow::Config& before, const flow::Config& after) {
  Json changed = Json::MakeArray();
  for (const auto& [name, service] : after.features.services) {
    if (!before.features.services.contains(name)) continue;
    const auto old_hash = feature::ServiceHash(before.features, name);
    const auto new_hash = feature::ServiceHash(after.features, name);
    if (old_hash && new_hash && *old_hash != *new_hash) changed.Append(name);
  }
  return changed;
}

}  // namespace

Result<AppliedConfiguration::Checked> AppliedConfiguration::Check(std::string_view text,
                                                                  const std::string& name) {
  Checked checked{SW_TRY(ParseToml(text, name)), nullptr};
  Result<flow::Config> config = flow::ParseConfig(checked.file.root);
  if (!config) return std::unexpected(checked.file.Locate(std::move(config).error()));
  checked.config = std::make_shared<const flow::Config>(*std::move(config));
  return checked;
}

// A table may still be missing when its source is declared; one that is there must fit.
Result<AppliedConfiguration::Checked> AppliedConfiguration::CheckWithTables(
    std::string_view text, const std::string& name) const {
  Checked checked = SW_TRY(Check(text, name));
  if (tables_folder_.empty()) return checked;
  for (const auto& [source, definition] : checked.config->features.sources) {
    if (definition.table.empty()) continue;
    const Status fits = feature::CheckTable(checked.config->features, definition, tables_folder_);
    if (fits) continue;
    if (fits.error().code != ErrorCode::kNotFound || feature::HasTable(definition, tables_folder_)) {
      return std::unexpected(checked.file.Locate(fits.error()));
    }
    checked.warnings.push_back(checked.file.Locate(fits.error()).message);
  }
  return checked;
}

Json AppliedConfiguration::PlanJson(const Applied& before, const Checked& wanted) {
  return Json::MakeObject(
      {{"changes", ChangesToJson(DiffConfigs(before.file.root, wanted.file.root))},
       {"services_with_new_values", ServicesThatChange(*before.config, *wanted.config)},
       {"warnings", Json::FromRange(wanted.warnings)},
       {"version", before.version},
       {"applied", false}});
}

Result<std::unique_ptr<AppliedConfiguration>> AppliedConfiguration::Open(
    store::Catalog& catalog, const base::Clock& clock, std::string tables_folder) {
  SW_TRY(catalog.Migrate("app_configuration", kMigrations));
  std::unique_ptr<AppliedConfiguration> configuration(
      new AppliedConfiguration(catalog, clock, std::move(tables_folder)));
  Applied applied;
  applied.config = std::make_shared<const flow::Config>();
  SW_TRY(catalog.Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(
        reader.Query("SELECT version, applied_us, principal, file, toml FROM app_configurations "
                     "ORDER BY version DESC LIMIT 1"));
    if (rows.empty()) return Ok();
    applied.version = rows[0].Int(0);
    applied.time = rows[0].Int(1);
    applied.principal = rows[0].Text(2);
    applied.file.name = rows[0].Text(3);
    applied.text = rows[0].Text(4);
    return Ok();
  }));
  if (applied.version > 0) {
    Result<Checked> checked = Check(applied.text, applied.file.name);
    if (!checked) {
      return FailedPrecondition(
          "the applied configuration (version {}) is not understood by this seaworthy: {}; apply a "
          "corrected file with the version that wrote it",
          applied.version, checked.error().message);
    }
    applied.file = std::move(checked->file);
    applied.config = std::move(checked->config);
  }
  configuration->applied_ = std::make_shared<const Applied>(std::move(applied));
  return configuration;
}

std::shared_ptr<const AppliedConfiguration::Applied> AppliedConfiguration::applied() const {
  const std::lock_guard lock(mutex_);
  return applied_;
}

std::shared_ptr<const flow::Config> AppliedConfiguration::config() const {
  return applied()->config;
}

void AppliedConfiguration::Connect(feature::FeatureStore& features, flow::Flow& flow) {
  features_ = &features;
  flow_ = &flow;
}

Result<Json> AppliedConfiguration::Plan(std::string_view toml, const std::string& file) const {
  return PlanJson(*applied(), SW_TRY(CheckWithTables(toml, file)));
}

Status AppliedConfiguration::Publish(const flow::Config& config) const {
  SW_TRY(features_->Replace(std::make_shared<const feature::Definitions>(config.features)));
  return flow_->Configure(std::make_shared<const flow::Config>(config));
}

Status AppliedConfiguration::Store(const Applied& next) const {
  return catalog_.Write([&](store::CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute(
        "INSERT INTO app_configurations(version, applied_us, principal, file, sha256, toml) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        {next.version, next.time, next.principal, next.file.name, base::Sha256Hex(next.text),
         next.text}));
    return tx.NoteChange("configuration", std::to_string(next.version));
  });
}

Result<Json> AppliedConfiguration::Apply(const Caller& caller, const std::string& toml,
                                         const std::string& file) {
  const std::lock_guard lock(apply_mutex_);
  if (features_ == nullptr)
    return Internal("a configuration was applied before its rooms were built");
  Checked wanted = SW_TRY(CheckWithTables(toml, file));
  const auto before = applied();
  Json plan = PlanJson(*before, wanted);
  if (plan.Find("changes")->size() == 0) return plan;
  Applied next{before->version + 1,    clock_.Now(), caller.principal,
               std::move(wanted.file), toml,         std::move(wanted.config)};
  // The stores take it in before it is committed: what they fill is rebuildable, and a configuration
  // that they refuse must not be found by the next start.
  Status published = Publish(*next.config);
  if (published) published = Store(next);
  if (!published) {
    const Status restored = Publish(*before->config);
    if (!restored) {
      return Internal(
          "{}; and the configuration before it did not come back: {}; restart the server",
          published.error().message, restored.error().message);
    }
    return std::unexpected(next.file.Locate(std::move(published).error()));
  }
  plan.Set("version", next.version);
  plan.Set("applied", true);
  const std::lock_guard publish_lock(mutex_);
  applied_ = std::make_shared<const Applied>(std::move(next));
  return plan;
}

Result<Json> AppliedConfiguration::Current() const {
  const auto now = applied();
  Json out = Json::MakeObject({{"version", now->version}});
  if (now->version == 0) return out;
  out.Set("applied", base::FormatTime(now->time));
  out.Set("principal", now->principal);
  out.Set("file", now->file.name);
  out.Set("sha256", base::Sha256Hex(now->text));
  out.Set("toml", now->text);
  return out;
}

}  // namespace sw::app
