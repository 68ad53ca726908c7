// AppliedConfiguration: the one seaworthy.toml that is in force, and how another takes its place.
//
//   auto configuration = SW_TRY(AppliedConfiguration::Open(catalog, clock));
//   configuration->Connect(features, flow);       // once they are built with config()
//   Json plan = SW_TRY(configuration->Plan(toml, "seaworthy.toml"));
//   Json done = SW_TRY(configuration->Apply(caller, toml, "seaworthy.toml"));
//
// Every applied text is kept in the catalog with its number; its row is the commit: a start finds
// either all of a configuration or nothing of it. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/native/context.h"
#include "app/toml.h"
#include "base/clock.h"
#include "feature/feature_store.h"
#include "flow/flow.h"
#include "store/catalog.h"

namespace sw::app {

class AppliedConfiguration final : public native::Configuration {
 public:
  // FAILED_PRECONDITION when the applied text is not understood by this version of the program.
  // Where `tables_folder` is not empty, sources are checked against their tables there.
  static Result<std::unique_ptr<AppliedConfiguration>> Open(store::Catalog& catalog,
                                                            const base::Clock& clock,
                                                            std::string tables_folder);

  // What is in force now; empty when nothing was applied.
  std::shared_ptr<const flow::Config> config() const;
  // Both outlive this. Without it Apply is refused.
  void Connect(feature::FeatureStore& features, flow::Flow& flow);

  Result<Json> Plan(std::string_view toml, const std::string& file) const override;
  Result<Json> Apply(const Caller& caller, const std::string& toml,
                     const std::string& file) override;
  Result<Json> Current() const override;

 private:
  struct Applied {
    std::int64_t version = 0;
    TimeUs time = 0;
    std::string principal;
    TomlFile file;
    std::string text;
    std::shared_ptr<const flow::Config> config;
  };
  struct Checked {
    TomlFile file;
    std::shared_ptr<const flow::Config> config;
    std::vector<std::string> warnings = {};
  };
  AppliedConfiguration(store::Catalog& catalog, const base::Clock& clock, std::string tables_folder)
      : catalog_(catalog), clock_(clock), tables_folder_(std::move(tables_folder)) {}

  static Result<Checked> Check(std::string_view text, const std::string& name);
  Result<Checked> CheckWithTables(std::string_view text, const std::string& name) const;
  static Json PlanJson(const Applied& before, const Checked& wanted);

  std::shared_ptr<const Applied> applied() const;
  Status Publish(const flow::Config& config) const;
  Status Store(const Applied& next) const;

  store::Catalog& catalog_;
  const base::Clock& clock_;
  const std::string tables_folder_;
  feature::FeatureStore* features_ = nullptr;
  flow::Flow* flow_ = nullptr;
  std::mutex apply_mutex_;  // one Apply at a time
  mutable std::mutex mutex_;
  std::shared_ptr<const Applied> applied_;  // guarded by mutex_
};

}  // namespace sw::app
