// FeatureStore: the rows of all sources, and what features are at a moment, offline and online.
//
// Rows live in the logbook (one stream a source, "source/<name>") and, by entity, in the online
// store; both answers come from the one kernel (feature/kernel.h). The point-in-time join gives, for
// each moment, what the online store would have answered then.
//
//   SW_TRY(store->Push("flights", raw_rows, {.producer = "feed", .sequence = 7}));
//   store->ReadOnline("late_v1", requests, now, [](Result<FeatureRead> read) { ... });
//   data::Batch table = SW_TRY(store->Join("late_v1", requests, moments, {}));
//
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/batch.h"
#include "feature/definitions.h"
#include "feature/kernel.h"
#include "feature/lineage.h"
#include "store/logbook.h"
#include "store/online.h"

namespace sw::feature {

struct PushOptions {
  std::string producer = {};  // empty: no de-duplication by producer
  std::int64_t sequence = 0;
  store::Durability durability = store::Durability::kSynced;
};

struct PushResult {
  std::size_t rows = 0;       // accepted; where-filtered and duplicate rows do not count
  std::size_t repeated = 0;   // had been seen before
  std::int64_t first_offset = 0;
  bool durable = false;
};

// Which rows of each source count; evidence names it. A source that is missing counts whole.
using SourceCuts = std::map<std::string, store::Cut>;

struct JoinOptions {
  bool ignore_availability = false;  // the naive join: windows over event time, nothing hidden. Leaks
  SourceCuts cuts;                   // empty: all rows
  // By view: how many rows of its source each request may see, on top of `cuts`. A view that is missing: all.
  std::map<std::string, std::vector<std::int64_t>> row_cuts = {};
  std::function<void(double done)> progress;  // 0 to 1
};

// Features as they were read, and what they are of: one row, "definition" (the service's hash) and, for each view,
// "cut.VIEW" (how many rows of its source's stream the values held, from the transaction that read them).
struct FeatureRead {
  data::Batch features;
  data::Batch read;
  std::vector<std::vector<FeatureState>> states = {};  // for each column of features one a row, where they were asked for
};

// What was served. `read` has the columns of FeatureRead::read, a row a request; it may lack them, or hold nulls.
struct ServedFeatures {
  const data::Batch& requests;
  const std::vector<TimeUs>& moments;
  const data::Batch& features;
  const data::Batch& read;
};

struct AuditReport {
  static constexpr std::size_t kExamplesMax = 10;
  // Differences here are late rows: appended after the read, for a time before it.
  struct Freshness {
    std::string feature;
    std::uint64_t compared = 0;
    std::uint64_t changed = 0;
  };
  std::uint64_t rows = 0;
  std::uint64_t audited = 0;           // those whose read is known and of the present definition
  std::uint64_t of_other_definition = 0;
  std::uint64_t of_unknown_read = 0;
  std::uint64_t compared = 0;          // values, of audited rows
  std::uint64_t different = 0;         // from what the rows that the read had give: an error of ours
  std::vector<std::string> examples;   // at most kExamplesMax: id, feature, served, recomputed
  std::vector<Freshness> freshness;    // a feature each, against all rows there are now
  SourceCuts cuts;                     // those
};

struct FeatureStoreOptions {
  std::string tables_folder = {};  // where the lookups of pushed rows are read from
  bool online_was_lost = false;    // DataFolder::online_was_lost: nothing in the online store is to be trusted
};

class FeatureStore {
 public:
  virtual ~FeatureStore() = default;

  // Raw rows as the source's table has them (before lookups and computed columns).
  virtual Result<PushResult> Push(std::string_view source, const data::Batch& raw_rows, const PushOptions& options) = 0;
  // Pushes the rows of the source's own table that were available at `until` (and static ones).
  virtual Result<PushResult> Load(std::string_view source, const std::string& tables_folder, TimeUs until) = 0;
  // The source's derived rows (lookups and computed columns done) from its logbook stream, in total
  // order; "_available_at" says when each became known. An empty cut: all rows.
  virtual Result<data::Batch> Rows(std::string_view source, const store::Cut& cut) const = 0;
  // Names and types of the columns of Rows; empty while there are no rows.
  virtual Result<data::Schema> RowSchema(std::string_view source) const = 0;

  // One row a request, columns as the service lists them. Requests hold the entity keys and the
  // request inputs. Completes by callback, inline for LMDB.
  using FeaturesCallback = std::move_only_function<void(Result<FeatureRead>)>;
  enum class Want : std::uint8_t { kValues, kStates };  // kStates: with each value's status and event time
  void ReadOnline(std::string_view service, const data::Batch& requests, TimeUs t, FeaturesCallback done) {
    Read(service, requests, t, Want::kValues, std::move(done));
  }
  virtual void Read(std::string_view service, const data::Batch& requests, TimeUs t, Want want, FeaturesCallback done) = 0;
  virtual Result<data::Batch> Join(std::string_view service, const data::Batch& requests,
                                   const std::vector<TimeUs>& moments, const JoinOptions& options) const = 0;
  // Names and types of the columns that ReadOnline and Join give.
  virtual Result<data::Schema> FeatureSchema(std::string_view service) const = 0;
  // The present end of each source that the service reads.
  virtual Result<SourceCuts> Cuts(std::string_view service) const = 0;
  // Recomputes what was served from the logbook's rows alone, twice: from the rows that each read had, which must give
  // the same bits, and from all rows that there are now.
  virtual Result<AuditReport> Audit(std::string_view service, const ServedFeatures& served) const = 0;
  // Rebuilds the online store from the logbook. Reads that overlap it see part of the rows.
  virtual Status Rebuild() = 0;
  virtual std::shared_ptr<const Definitions> definitions() const = 0;
  // Fills the online store for views that are new or changed, then publishes the definitions. A
  // changed source derives rows its new way from then on; rows that it has stay as they are.
  virtual Status Replace(std::shared_ptr<const Definitions> definitions) = 0;
};

// Declares the sources' streams, and brings the online store up to what they hold.
Result<std::unique_ptr<FeatureStore>> MakeFeatureStore(std::shared_ptr<const Definitions> definitions,
                                                       store::Logbook& logbook, store::OnlineStore& online,
                                                       const FeatureStoreOptions& options = {});

}  // namespace sw::feature
