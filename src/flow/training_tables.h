// TrainingTables: the labelled table of a training set, with where each value came from.
//
// Features come from the point-in-time join, so they were known at their moment; those of a naive join
// are compared with it, value by value. Extra columns come from the training set's own rows and are
// known when those rows are: the lineage says so, whatever they are called. Thread-safe; the last few
// tables are kept.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "eval/lineage.h"
#include "feature/feature_store.h"
#include "flow/config.h"
#include "store/logbook.h"

namespace sw::flow {

struct TableRequest {
  std::string training_set;
  TimeUs from = 0, until = 0;  // moments in [from, until), labels known by `until`
  TimeUs labels_until = 0;     // 0: `until`
  bool naive = false;
  std::vector<std::pair<std::string, std::string>> extra = {};  // column -> expression
};

// One row a labelled moment.
struct TrainingTable {
  data::Batch features;               // the service's, then the extra ones
  data::Column label{data::Type::kFloat64};
  std::vector<TimeUs> moments;
  std::vector<std::string> ids;       // empty when the training set declares none
  data::Batch slices;
  std::optional<eval::Lineage> lineage;  // none for a table from outside
  Json provenance;                    // cuts, hashes and the request: what it can be computed again from

  std::size_t num_rows() const { return moments.size(); }
};

class TrainingTables {
 public:
  TrainingTables(feature::FeatureStore& features, const store::Logbook& logbook, std::string tables_folder)
      : features_(features), logbook_(logbook), tables_folder_(std::move(tables_folder)) {}

  // `progress` may be empty.
  Result<std::shared_ptr<const TrainingTable>> Build(const TableRequest& request,
                                                     const std::function<void(double)>& progress);
  // A Parquet or CSV file in the tables folder: no lineage. Its moments come from the timestamp column
  // "moment" where there is one, in whose order they are then, else rows count as one cluster each;
  // slices by name where it has them.
  Result<std::shared_ptr<const TrainingTable>> ReadOutside(const std::string& file, const std::string& label,
                                                           const std::vector<std::string>& slices) const;
  // Writes features, label, moment, id and slices as Parquet.
  Status Write(const TrainingTable& table, const std::string& file) const;

 private:
  static constexpr std::size_t kKept = 2;
  struct Kept {
    std::string key;
    std::shared_ptr<const TrainingTable> table;
  };
  Result<std::string> PathInFolder(const std::string& file) const;
  // The lineage of the features of a naive join: compares them with those of the honest one.
  Result<std::vector<eval::ColumnLineage>> CheckNaive(TableRequest request, const data::Batch& features,
                                                      const std::vector<TimeUs>& moments);

  feature::FeatureStore& features_;
  const store::Logbook& logbook_;
  std::string tables_folder_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // newest first
};

// UTC days since the epoch: rows of one day are not independent.
std::vector<std::uint64_t> DayClusters(const std::vector<TimeUs>& moments);

}  // namespace sw::flow
