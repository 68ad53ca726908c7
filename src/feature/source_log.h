// SourceLog: one source's stream in the logbook, and how far the online store has followed it.
//
//   SourceLog log("flights", logbook, online);
//   SW_TRY(log.Open());
//   SW_TRY(log.CatchUp(*plan));
//   PushResult pushed = SW_TRY(log.Append(*plan, arrival, options));
//
// A row is appended once: rows whose id the stream has are left out, over restarts too (ids are read
// from the stream before the first append; they stay in memory, 16 bytes a row). The online store
// keeps, for each view, the offset up to which it holds the stream, written together with the values;
// what a crash or an error kept from it, the next append or start brings in. One owner at a time: the
// caller holds mutex().
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "feature/arrival.h"
#include "feature/feature_store.h"
#include "feature/history.h"
#include "feature/plan.h"
#include "store/logbook.h"
#include "store/online.h"

namespace sw::feature {

class SourceLog {
 public:
  SourceLog(std::string source, store::Logbook& logbook, store::OnlineStore& online)
      : source_(std::move(source)), stream_(StreamOf(source_)), logbook_(logbook), online_(online) {}

  std::mutex& mutex() { return mutex_; }
  // Declares the stream, and learns the names and types of its columns.
  Status Open();
  const data::Schema& schema() const { return schema_; }  // as of Open, and SetSchema
  void SetSchema(data::Schema schema) { schema_ = std::move(schema); }

  // The arrival's columns are of the schema.
  Result<PushResult> Append(const Plan& plan, const Arrival& arrival, const PushOptions& options);
  // Brings the plan's views of this source up to the stream's end.
  Status CatchUp(const Plan& plan);
  // Forgets how far the online store is: CatchUp begins anew.
  Status ForgetOnline(const Plan& plan);
  Result<std::int64_t> End() const;

 private:
  Status LearnIds();
  Result<std::int64_t> OnlineOffset(const ViewPlan& view);
  Status Fold(const std::vector<const ViewPlan*>& views, const SourceRows& rows, std::int64_t next);
  Result<std::int64_t> AppendSlice(const Plan& plan, const Arrival& fresh, const PushOptions& options, PushResult& result);

  const std::string source_;
  const std::string stream_;
  store::Logbook& logbook_;
  store::OnlineStore& online_;
  std::mutex mutex_;
  data::Schema schema_;
  std::unordered_set<RowName, RowNameHash> seen_;
  std::int64_t seen_to_ = 0;                       // rows of the stream that are in seen_
  std::map<std::string, std::int64_t> online_to_;  // by the view's prefix
};

// Deletes all that sources keep in the online store.
Status ForgetAllOnline(store::OnlineStore& online);
// Deletes what the online store holds of views that the plan does not have, or no longer so.
Status SweepOnline(const Plan& plan, store::OnlineStore& online);

}  // namespace sw::feature
