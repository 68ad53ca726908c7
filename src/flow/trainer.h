// Trainer: a recipe and a training set into a package with its report. Thread-safe; blocks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/caller.h"
#include "base/json.h"
#include "base/result.h"
#include "flow/config.h"
#include "flow/flow.h"
#include "flow/packages.h"
#include "flow/training_tables.h"
#include "track/tracker.h"

namespace sw::flow {

class Trainer {
 public:
  Trainer(TrainingTables& tables, Packages& packages, track::Tracker& tracker, std::vector<std::string> worker)
      : tables_(tables), packages_(packages), tracker_(tracker), worker_(std::move(worker)) {}

  Result<Json> Train(const Caller& caller, const Config& config, const TrainRequest& request);
  // The request's rows: of the recipe's training set, or of the table from outside.
  Result<std::shared_ptr<const TrainingTable>> TableOf(const Config& config, const TrainRequest& request);

 private:
  struct Parts;
  Result<Json> Report(const model::PackageContent& content, const TrainingTable& table, const Parts& parts,
                      const eval::GatePolicy* gate, std::uint64_t seed) const;
  Result<std::string> Track(const Caller& caller, const train::Recipe& recipe, const std::string& package_id, const Json& report);

  TrainingTables& tables_;
  Packages& packages_;
  track::Tracker& tracker_;
  std::vector<std::string> worker_;
};

// The gate that judges models of this recipe: that of an endpoint with the same training set, if any.
const eval::GatePolicy* GateOf(const Config& config, const std::string& training_set);
// The slices of a table, as eval takes them.
std::vector<eval::SliceColumn> SlicesOf(const data::Batch& slices);
// 1 where the label is at least one half.
std::vector<std::uint8_t> BinaryLabels(const data::Column& label);

}  // namespace sw::flow
