#include "feature/feature_store.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/errors.h"
#include "feature/arrival.h"
#include "feature/conform.h"
#include "feature/join.h"
#include "feature/online_features.h"
#include "feature/parity.h"
#include "feature/plan.h"
#include "feature/source.h"
#include "feature/source_log.h"

namespace sw::feature {
namespace {

using PlanPtr = std::shared_ptr<const Plan>;

// What a read needs until its values arrive, on whatever thread.
struct PendingRead {
  PlanPtr plan;
  const ServicePlan* service = nullptr;
  data::Batch requests;
  std::vector<data::Column> request_columns;
  Lookup lookup;
  TimeUs t = 0;
  bool with_states = false;
};

class LogFeatureStore final : public FeatureStore {
 public:
  LogFeatureStore(store::Logbook& logbook, store::OnlineStore& online, FeatureStoreOptions options)
      : logbook_(logbook), online_(online), options_(std::move(options)), histories_(logbook) {}

  Result<PushResult> Push(std::string_view source, const data::Batch& raw_rows, const PushOptions& options) override;
  Result<PushResult> Load(std::string_view source, const std::string& tables_folder, TimeUs until) override;
  Result<data::Batch> Rows(std::string_view source, const store::Cut& cut) const override;
  Result<data::Schema> RowSchema(std::string_view source) const override;
  void Read(std::string_view service, const data::Batch& requests, TimeUs t, Want want, FeaturesCallback done) override;
  Result<data::Batch> Join(std::string_view service, const data::Batch& requests, const std::vector<TimeUs>& moments,
                           const JoinOptions& options) const override;
  Result<data::Schema> FeatureSchema(std::string_view service) const override;
  Result<SourceCuts> Cuts(std::string_view service) const override;
  Result<AuditReport> Audit(std::string_view service, const ServedFeatures& served) const override;
  Status Rebuild() override;
  std::shared_ptr<const Definitions> definitions() const override { return plan()->definitions; }
  Status Replace(std::shared_ptr<const Definitions> definitions) override;
  // Only at start: a read that began before a Replace may still want the old views.
  Status Sweep() { return SweepOnline(*plan(), online_); }

 private:
  PlanPtr plan() const { return plan_.load(); }
  Result<SourceLog*> Log(std::string_view source) const;
  Result<std::shared_ptr<const LookupTables>> Lookups(const Plan& plan, const SourceDef& source);
  using Derive = std::function<Result<data::Batch>(const Plan& plan, const SourceDef& source)>;
  Result<PushResult> Take(std::string_view source, const Derive& derive, const PushOptions& options);
  Result<PushResult> Accept(SourceLog& log, const SourceDef& source, data::Batch derived, const PushOptions& options);
  Result<PlanPtr> Learn(SourceLog& log, const SourceDef& source, const data::Batch& rows);
  Result<std::shared_ptr<const SourceHistories>> HistoriesOf(const Plan& plan, const std::string& source,
                                                             const JoinOptions& options) const;
  struct JoinTables {
    std::map<std::string, std::shared_ptr<const SourceHistories>> histories;  // by source
    std::vector<const EntityTable*> of_views;                                 // of the service, in order
  };
  Result<JoinTables> TablesOf(const Plan& plan, const ServicePlan& service, const JoinOptions& options) const;
  Result<FeatureRead> ReadLogbook(const PendingRead& read) const;
  Result<data::Batch> JoinBy(const Plan& plan, const ServicePlan& service, const data::Batch& requests,
                             const std::vector<TimeUs>& moments, const JoinOptions& options) const;

  store::Logbook& logbook_;
  store::OnlineStore& online_;
  const FeatureStoreOptions options_;
  mutable HistoryCache histories_;
  std::atomic<PlanPtr> plan_;
  std::mutex replace_mutex_;
  std::mutex publish_mutex_;         // held while a new plan is made from the present one
  mutable std::mutex logs_mutex_;    // guards the map; a log, once there, stays
  std::map<std::string, std::unique_ptr<SourceLog>, std::less<>> logs_;
  std::mutex lookups_mutex_;
  std::map<std::string, std::pair<std::shared_ptr<const Definitions>, std::shared_ptr<const LookupTables>>> lookups_;
};

Result<SourceLog*> LogFeatureStore::Log(std::string_view source) const {
  SW_TRY(plan()->definitions->Source(source));
  const std::lock_guard lock(logs_mutex_);
  const auto found = logs_.find(source);
  if (found == logs_.end()) return Internal("source {} is defined, and has no stream", source);
  return found->second.get();
}

// Lookup tables are read once, and again after the definitions changed.
Result<std::shared_ptr<const LookupTables>> LogFeatureStore::Lookups(const Plan& plan, const SourceDef& source) {
  {
    const std::lock_guard lock(lookups_mutex_);
    const auto& [definitions, tables] = lookups_[source.name];
    if (definitions == plan.definitions) return tables;
  }
  auto tables = std::make_shared<const LookupTables>(SW_TRY(LoadLookups(source, options_.tables_folder)));
  const std::lock_guard lock(lookups_mutex_);
  lookups_[source.name] = {plan.definitions, tables};
  return tables;
}

// Publishes the columns that are new.
Result<PlanPtr> LogFeatureStore::Learn(SourceLog& log, const SourceDef& source, const data::Batch& rows) {
  data::Schema schema = log.schema();
  for (std::size_t i = 0; i < rows.num_columns(); ++i) {
    const data::Field& field = rows.schema().fields[i];
    if (!schema.Find(field.name)) schema.fields.push_back({field.name, field.type});
  }
  if (schema == log.schema()) return plan();
  const std::lock_guard lock(publish_mutex_);
  auto known = plan()->rows;
  known[source.name] = schema;
  PlanPtr next = SW_TRY(MakePlan(plan()->definitions, std::move(known)));
  log.SetSchema(std::move(schema));
  plan_.store(next);
  return next;
}

// A column without any value has no type to be trusted: it stays out until it has one.
data::Batch WithoutEmptyColumns(data::Batch rows, const data::Schema& known, const SourceDef& source) {
  data::Batch kept;
  const std::size_t count = rows.num_rows();
  for (std::size_t i = 0; i < rows.num_columns(); ++i) {
    const data::Field& field = rows.schema().fields[i];
    const bool has_values = rows.column(i).null_count() < count;
    const bool is_needed = field.name == source.event_time || field.name == source.created_time ||
                           std::find(source.dedupe.begin(), source.dedupe.end(), field.name) != source.dedupe.end();
    if (has_values || is_needed || known.Find(field.name)) kept.AddColumn({field.name, field.type}, std::move(rows.column(i)));
  }
  return kept;
}

// Requires the log's mutex.
Result<PushResult> LogFeatureStore::Accept(SourceLog& log, const SourceDef& source, data::Batch derived,
                                           const PushOptions& options) {
  data::Batch rows = SW_TRY(ConformToKnown(std::move(derived), log.schema()));
  rows = WithoutEmptyColumns(std::move(rows), log.schema(), source);
  const Arrival arrival = SW_TRY(MakeArrival(source, std::move(rows)));
  const PlanPtr plan = SW_TRY(Learn(log, source, arrival.columns));
  return log.Append(*plan, arrival, options);
}

// Derives without the log's mutex, since reading tables takes long, and anew when the definitions
// were replaced meanwhile.
Result<PushResult> LogFeatureStore::Take(std::string_view source, const Derive& derive, const PushOptions& options) {
  SourceLog& log = *SW_TRY(Log(source));
  while (true) {
    const PlanPtr now = plan();
    const SourceDef& def = *SW_TRY(now->definitions->Source(source));
    data::Batch derived = SW_TRY(derive(*now, def));
    const std::lock_guard lock(log.mutex());
    if (plan()->definitions == now->definitions) return Accept(log, def, std::move(derived), options);
  }
}

data::Schema KnownRows(const Plan& plan, const std::string& source) {
  const auto known = plan.rows.find(source);
  return known == plan.rows.end() ? data::Schema{} : known->second;
}

Result<PushResult> LogFeatureStore::Push(std::string_view source, const data::Batch& raw_rows, const PushOptions& options) {
  const auto derive = [&](const Plan& now, const SourceDef& def) -> Result<data::Batch> {
    const std::shared_ptr<const LookupTables> lookups = SW_TRY(Lookups(now, def));
    auto conformed = ConformToKnown(raw_rows, KnownRows(now, def.name));
    if (!conformed) return std::unexpected(std::move(conformed).error().Within("source " + def.name));
    return DeriveRows(def, *conformed, *lookups);
  };
  return Take(source, derive, options);
}

Result<PushResult> LogFeatureStore::Load(std::string_view source, const std::string& tables_folder, TimeUs until) {
  const auto derive = [&](const Plan& now, const SourceDef& def) -> Result<data::Batch> {
    const LookupTables lookups = SW_TRY(LoadLookups(def, tables_folder));
    data::Batch rows = SW_TRY(DeriveRows(def, SW_TRY(ReadSourceTable(def, tables_folder)), lookups));
    rows = SW_TRY(ConformToKnown(std::move(rows), KnownRows(now, def.name)));
    Arrival arrival = SW_TRY(MakeArrival(def, std::move(rows)));
    std::vector<std::size_t> due;
    for (std::size_t row = 0; row < arrival.num_rows(); ++row) {
      // A row that never becomes known is there from its event on, and hidden.
      const TimeUs known = arrival.available_at[row] == kNever ? arrival.event_time[row] : arrival.available_at[row];
      if (known <= until) due.push_back(row);
    }
    return due.size() == arrival.num_rows() ? std::move(arrival.columns) : arrival.columns.Take(due);
  };
  return Take(source, derive, {});
}

data::Schema WithAvailable(data::Schema rows) {
  rows.fields.push_back({std::string(kAvailableColumn), data::Type::kTimestamp});
  return rows;
}

// The source's rows that a cut has; it has one partition.
Result<std::int64_t> OffsetOf(const store::Cut& cut, std::string_view source, std::int64_t end) {
  const auto first = cut.find(0);
  const std::int64_t asked = first == cut.end() ? 0 : first->second;
  if (asked <= end) return asked;
  return FailedPrecondition("source {} has {} rows, the cut {}; give a cut of this logbook", source, end, asked);
}

Result<data::Batch> LogFeatureStore::Rows(std::string_view source, const store::Cut& cut) const {
  const SourceLog& log = *SW_TRY(Log(source));
  const PlanPtr now = plan();
  const std::int64_t end = SW_TRY(log.End());
  const std::int64_t to = cut.empty() ? end : SW_TRY(OffsetOf(cut, source, end));
  const data::Schema known = KnownRows(*now, std::string(source));
  const SourceRows rows = SW_TRY(ReadSourceRows(logbook_, source, 0, to, known.fields));
  const std::vector<std::size_t> order = TotalOrder(rows.event_time, rows.tie);
  data::Batch ordered = rows.columns.Take(order);
  data::Batch out;
  for (const data::Field& field : WithAvailable(known).fields) {
    out.AddColumn(field, std::move(ordered.column(*ordered.schema().Find(field.name))));
  }
  return out;
}

Result<data::Schema> LogFeatureStore::RowSchema(std::string_view source) const {
  SW_TRY(Log(source));
  const PlanPtr now = plan();
  const data::Schema known = KnownRows(*now, std::string(source));
  return known.fields.empty() ? known : WithAvailable(known);
}

Result<std::unique_ptr<PendingRead>> BeginRead(PlanPtr plan, std::string_view service, const data::Batch& requests, TimeUs t) {
  auto read = std::make_unique<PendingRead>();
  read->plan = std::move(plan);
  read->service = SW_TRY(read->plan->Service(service));
  read->requests = requests;
  read->request_columns = SW_TRY(EvaluateRequests(*read->service, requests));
  read->lookup = SW_TRY(MakeLookup(*read->service, requests, t));
  read->t = t;
  return read;
}

void LogFeatureStore::Read(std::string_view service, const data::Batch& requests, TimeUs t, Want want, FeaturesCallback done) {
  auto begun = BeginRead(plan(), service, requests, t);
  if (!begun) return done(std::unexpected(std::move(begun).error()));
  (*begun)->with_states = want == Want::kStates;
  const std::span<const std::string> keys = (*begun)->lookup.keys;
  online_.MultiGet(keys, [this, read = *std::move(begun), done = std::move(done)](Result<store::OnlineStore::Values> values) mutable {
    if (!values) return done(std::unexpected(std::move(values).error()));
    FeatureStates states;
    auto answer = Answer(*read->service, read->lookup, read->request_columns, read->requests.num_rows(), read->t, *values,
                         read->with_states ? &states : nullptr);
    if (!answer) return done(std::unexpected(std::move(answer).error()));
    if (*answer) {
      return done(FeatureRead{**std::move(answer), ReadOf(*read->service, CutsOf(*read->service, read->lookup, *values)), std::move(states)});
    }
    done(ReadLogbook(*read));
  });
}

Result<FeatureRead> LogFeatureStore::ReadLogbook(const PendingRead& read) const {
  const std::vector<TimeUs> moments(read.requests.num_rows(), read.t);
  JoinOptions options;
  std::vector<std::int64_t> cuts;
  for (const ViewPlan* view : read.service->views) {
    const auto [known, is_new] = options.cuts.try_emplace(view->source);
    if (is_new) known->second = {{0, SW_TRY(SW_TRY(Log(view->source))->End())}};
    cuts.push_back(known->second.at(0));
  }
  const JoinTables tables = SW_TRY(TablesOf(*read.plan, *read.service, options));
  FeatureRead answer{SW_TRY(JoinFeatures(*read.service, tables.of_views, read.requests, moments, {}, {})), ReadOf(*read.service, cuts)};
  if (read.with_states) answer.states = SW_TRY(JoinStates(*read.service, tables.of_views, read.requests, moments, answer.features));
  return answer;
}

Result<std::shared_ptr<const SourceHistories>> LogFeatureStore::HistoriesOf(const Plan& plan, const std::string& source,
                                                                            const JoinOptions& options) const {
  const std::int64_t end = SW_TRY(SW_TRY(Log(source))->End());
  const auto given = options.cuts.find(source);
  const std::int64_t cut = given == options.cuts.end() ? end : SW_TRY(OffsetOf(given->second, source, end));
  return histories_.Get(plan, source, cut, options.ignore_availability);
}

// A column that no row has had is a slip in the definition, unless its type was declared.
Status CheckSeen(const Plan& plan, const ViewPlan& view) {
  const auto rows = plan.rows.find(view.source);
  if (rows == plan.rows.end() || rows->second.fields.empty()) return Ok();
  const SourceDef& source = *SW_TRY(plan.definitions->Source(view.source));
  for (const std::string& name : view.unseen) {
    if (source.types.contains(name)) continue;
    auto index = rows->second.Index(name, "source " + view.source);
    if (!index) return std::unexpected(std::move(index).error().Within("view." + view.name));
  }
  return Ok();
}

Result<LogFeatureStore::JoinTables> LogFeatureStore::TablesOf(const Plan& plan, const ServicePlan& service, const JoinOptions& options) const {
  JoinTables tables;
  for (const ViewPlan* view : service.views) {
    auto& of_source = tables.histories[view->source];
    if (!of_source) of_source = SW_TRY(HistoriesOf(plan, view->source, options));
    tables.of_views.push_back(&of_source->views.at(view->name));
  }
  return tables;
}

Result<data::Batch> LogFeatureStore::JoinBy(const Plan& plan, const ServicePlan& service, const data::Batch& requests,
                                            const std::vector<TimeUs>& moments, const JoinOptions& options) const {
  const JoinTables tables = SW_TRY(TablesOf(plan, service, options));
  return JoinFeatures(service, tables.of_views, requests, moments, options.row_cuts, options.progress);
}

Result<data::Batch> LogFeatureStore::Join(std::string_view service, const data::Batch& requests,
                                          const std::vector<TimeUs>& moments, const JoinOptions& options) const {
  const PlanPtr now = plan();
  const ServicePlan& planned = *SW_TRY(now->Service(service));
  for (const ViewPlan* view : planned.views) SW_TRY(CheckSeen(*now, *view));
  return JoinBy(*now, planned, requests, moments, options);
}

Result<data::Schema> LogFeatureStore::FeatureSchema(std::string_view service) const {
  const PlanPtr now = plan();
  return SW_TRY(now->Service(service))->schema;
}

Result<SourceCuts> LogFeatureStore::Cuts(std::string_view service) const {
  const PlanPtr now = plan();
  SourceCuts cuts;
  for (const ViewPlan* view : SW_TRY(now->Service(service))->views) {
    cuts[view->source] = {{0, SW_TRY(SW_TRY(Log(view->source))->End())}};
  }
  return cuts;
}

Result<AuditReport> LogFeatureStore::Audit(std::string_view service, const ServedFeatures& served) const {
  const PlanPtr now = plan();
  const ServicePlan& planned = *SW_TRY(now->Service(service));
  AuditReport report;
  report.rows = served.requests.num_rows();
  if (served.moments.size() != report.rows || served.features.num_rows() != report.rows) {
    return InvalidArgument("audit: {} requests, {} moments, {} rows of features; give one a request", report.rows, served.moments.size(),
                           served.features.num_rows());
  }
  const std::vector<std::size_t> rows = RowsToAudit(planned, served.read, report.rows, report);
  report.audited = rows.size();
  report.cuts = SW_TRY(Cuts(service));
  if (rows.empty()) return report;
  const data::Batch requests = served.requests.Take(rows);
  const data::Batch features = served.features.Take(rows);
  std::vector<TimeUs> moments;
  for (const std::size_t row : rows) moments.push_back(served.moments[row]);
  JoinOptions options{.ignore_availability = false, .cuts = report.cuts, .row_cuts = {}, .progress = {}};
  report.freshness = SW_TRY(CompareBits(requests, features, SW_TRY(JoinBy(*now, planned, requests, moments, options)))).columns;
  for (const ViewPlan* view : planned.views) {
    const data::Column& cuts = *served.read.Find(std::string(kReadCut) + view->name);
    for (const std::size_t row : rows) options.row_cuts[view->name].push_back(cuts.Int(row));
  }
  BitDifferences bits = SW_TRY(CompareBits(requests, features, SW_TRY(JoinBy(*now, planned, requests, moments, options))));
  for (const AuditReport::Freshness& column : bits.columns) {
    report.compared += column.compared;
    report.different += column.changed;
  }
  report.examples = std::move(bits.examples);
  return report;
}

Status LogFeatureStore::Rebuild() {
  const std::lock_guard replace(replace_mutex_);
  histories_.Clear();
  for (const auto& [name, source] : plan()->definitions->sources) {
    SourceLog& log = *SW_TRY(Log(name));
    const std::lock_guard lock(log.mutex());
    const PlanPtr now = plan();
    SW_TRY(log.ForgetOnline(*now));
    SW_TRY(log.CatchUp(*now));
  }
  return Ok();
}

Status LogFeatureStore::Replace(std::shared_ptr<const Definitions> definitions) {
  const std::lock_guard replace(replace_mutex_);
  std::vector<std::unique_lock<std::mutex>> held;  // no rows come while views fill; in order of name
  std::map<std::string, data::Schema> known;
  std::vector<SourceLog*> logs;
  for (const auto& [name, source] : definitions->sources) {
    SourceLog* log = nullptr;
    {
      const std::lock_guard lock(logs_mutex_);
      auto& slot = logs_[name];
      if (!slot) {
        auto opened = std::make_unique<SourceLog>(name, logbook_, online_);
        SW_TRY(opened->Open());
        slot = std::move(opened);
      }
      log = slot.get();
    }
    held.emplace_back(log->mutex());
    known[name] = log->schema();
    logs.push_back(log);
  }
  const PlanPtr next = SW_TRY(MakePlan(std::move(definitions), std::move(known)));
  for (SourceLog* log : logs) SW_TRY(log->CatchUp(*next));
  const std::lock_guard publish(publish_mutex_);
  plan_.store(next);
  return Ok();
}

}  // namespace

Result<std::unique_ptr<FeatureStore>> MakeFeatureStore(std::shared_ptr<const Definitions> definitions,
                                                       store::Logbook& logbook, store::OnlineStore& online,
                                                       const FeatureStoreOptions& options) {
  if (options.online_was_lost) SW_TRY(ForgetAllOnline(online));
  auto store = std::make_unique<LogFeatureStore>(logbook, online, options);
  SW_TRY(store->Replace(std::move(definitions)));
  SW_TRY(store->Sweep());
  return store;
}

}  // namespace sw::feature
