// Registry: models, their numbered versions, and movable names for versions.
//
//   auto registry = SW_TRY(Registry::Open(catalog, clock));
//   Version version = SW_TRY(registry->Register(caller, {.model = "late", .package_id = id}));
//   SW_TRY(registry->Record(caller, "late", version.number, verdict));   // gate passed
//   SW_TRY(registry->SetAlias(caller, "late", "champion", version.number));
//   Version champion = SW_TRY(registry->Resolve(caller, "late", "champion"));
//
// A version is a package under a model's name; the package itself lives in the blobs. A version's
// state follows from the verdicts recorded for it, never from anything else; a verdict reaches the
// logbook's stream "verdicts" in the same transaction. Everything belongs to the caller's workspace.
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/catalog.h"

namespace sw::registry {

enum class VersionState : std::uint8_t {
  kCandidate,  // no gate has judged it
  kUndecided,  // a gate could not tell: needs an override
  kRefused,    // a gate failed it: needs an override
  kApproved,   // a gate passed it, or an override was recorded after the last gate
  kArchived,   // out of use; no alias and no endpoint may name it
};
std::string_view VersionStateName(VersionState state);  // "candidate", "undecided", ...

// One decision about a version, with what it was computed from.
struct VerdictRecord {
  std::string id = {};         // UUID; recording the same id again changes nothing
  std::string kind = {};       // "gate", "shadow", "canary", "monitor" or "override"
  std::string result = {};     // "pass", "fail" or "undecided"
  double alpha = 0;            // the error rate it was made at
  std::string summary = {};    // one sentence
  Json evidence = {};          // cuts, hashes, figures
  TimeUs time = 0;             // filled in by Record
  std::string principal = {};  // who asked; filled in by Record
};

struct NewVersion {
  std::string model = {};       // created when it does not exist
  std::string package_id = {};  // 64 hex digits
  std::string run_id = {};      // of track; empty: none
  Json lineage = {};            // null: unknown, which no gate passes
  std::string description = {};
};

struct Version {
  std::string model = {};
  std::int64_t number = 0;  // 1, 2, 3, ... within the model
  std::string package_id = {};
  VersionState state = VersionState::kCandidate;
  std::string run_id = {};
  Json lineage = {};
  std::string description = {};
  TimeUs created = 0;
  std::string created_by = {};
  std::vector<std::string> verdict_ids = {};  // oldest first
  std::vector<std::string> aliases = {};      // sorted
};

struct Model {
  std::string name = {};
  std::string description = {};
  TimeUs created = 0;
  std::int64_t newest = 0;                           // version; 0: none
  std::map<std::string, std::int64_t> aliases = {};  // alias -> version
};

// FAILED_PRECONDITION, with what to do, for a version that may not answer requests.
Status CheckMayServe(const Version& version);

Json VersionToJson(const Version& version);
Json ModelToJson(const Model& model);
Json VerdictToJson(const VerdictRecord& verdict);

class Registry {
 public:
  static Result<std::unique_ptr<Registry>> Open(store::Catalog& catalog, const base::Clock& clock);

  // The version of this package under this model: an existing one when it was registered before.
  Result<Version> Register(const Caller& caller, const NewVersion& version);
  Status Describe(const Caller& caller, std::string_view model, std::string_view description);

  // `version` is a number, an alias, or "latest". NOT_FOUND names what there is.
  Result<Version> Resolve(const Caller& caller, std::string_view model,
                          std::string_view version) const;
  Result<Version> Get(const Caller& caller, std::string_view model, std::int64_t number) const;
  Result<Model> GetModel(const Caller& caller, std::string_view model) const;
  Result<std::vector<Model>> Models(const Caller& caller) const;
  // Newest first.
  Result<std::vector<Version>> Versions(const Caller& caller, std::string_view model) const;

  // Records a verdict and returns the version in the state that follows from it. The verdict's time
  // and principal are filled in here.
  Result<Version> Record(const Caller& caller, std::string_view model, std::int64_t number,
                         VerdictRecord verdict);
  // The same within a transaction of the caller's.
  Result<Version> Record(store::CatalogTransaction& tx, const Caller& caller,
                         std::string_view model, std::int64_t number, VerdictRecord verdict);
  // Oldest first.
  Result<std::vector<VerdictRecord>> Verdicts(const Caller& caller, std::string_view model,
                                              std::int64_t number) const;

  // Aliases are names, but not numbers and not "latest".
  Status SetAlias(const Caller& caller, std::string_view model, std::string_view alias,
                  std::int64_t number);
  Status SetAlias(store::CatalogTransaction& tx, const Caller& caller, std::string_view model,
                  std::string_view alias, std::int64_t number);
  Status DropAlias(const Caller& caller, std::string_view model, std::string_view alias);
  // FAILED_PRECONDITION while an alias names the version.
  Status Archive(const Caller& caller, std::string_view model, std::int64_t number);

  // The packages of all workspaces, for the blobs' sweep.
  Result<std::set<std::string>> PackageIds() const;

 private:
  Registry(store::Catalog& catalog, const base::Clock& clock) : catalog_(catalog), clock_(clock) {}

  store::Catalog& catalog_;
  const base::Clock& clock_;
};

}  // namespace sw::registry
