// Gatekeeper: judges a candidate against another version on rows that neither was trained on.
// Thread-safe.
#pragma once

#include <string>

#include "base/caller.h"
#include "base/json.h"
#include "base/result.h"
#include "flow/config.h"
#include "flow/flow.h"
#include "flow/packages.h"
#include "flow/training_tables.h"
#include "registry/registry.h"
#include "stats/verdict.h"

namespace sw::flow {

// A package, and the version it is, where it is one.
struct Contender {
  std::string name;          // "late/3", or the package's id
  std::string model;         // empty: not registered
  std::int64_t version = 0;
  std::shared_ptr<const model::Package> package;
};

class Gatekeeper {
 public:
  Gatekeeper(TrainingTables& tables, Packages& packages, registry::Registry& registry)
      : tables_(tables), packages_(packages), registry_(registry) {}

  struct Decision {
    Contender candidate, against;
    stats::Judgement judgement;   // lineage and comparison together
  };
  // FAILED_PRECONDITION when there is nothing to compare with.
  Result<Decision> Judge(const Caller& caller, const Config& config, const GateRequest& request);
  // "MODEL/VERSION", "MODEL/ALIAS" or a package id.
  Result<Contender> Find(const Caller& caller, const std::string& name);

 private:
  Status CheckHasChampion(const Caller& caller, const std::string& model);
  Result<std::shared_ptr<const TrainingTable>> RowsFor(const GateRequest& request, const eval::GatePolicy& gate, const Decision& decision);

  TrainingTables& tables_;
  Packages& packages_;
  registry::Registry& registry_;
};

}  // namespace sw::flow
