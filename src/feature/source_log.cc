#include "feature/source_log.h"

#include <algorithm>

#include "base/errors.h"
#include "base/hash.h"
#include "base/json.h"
#include "feature/lineage.h"
#include "feature/online_features.h"
#include "feature/online_layout.h"

namespace sw::feature {
namespace {

constexpr std::size_t kSliceRows = 20'000;          // appended and folded at once
constexpr std::size_t kProducerRowsMax = 50'000;    // of a push that is de-duplicated by its producer

std::string SchemaKey(const std::string& source) { return "s|" + source; }

bool IsOurs(std::string_view column) { return column.starts_with('_'); }

// Adds the columns that hold a value. Appends conform to what is known, so that types agree.
void Learn(const data::Batch& rows, data::Schema& schema) {
  for (std::size_t i = 0; i < rows.num_columns(); ++i) {
    const data::Field& field = rows.schema().fields[i];
    const data::Column& column = rows.column(i);
    const bool is_empty = column.null_count() == column.size();
    if (!is_empty && !IsOurs(field.name) && !schema.Find(field.name)) schema.fields.push_back({field.name, field.type});
  }
}

store::LogRows ToLogRows(const Arrival& arrival) {
  store::LogRows rows{arrival.event_time, arrival.id, arrival.columns};
  data::Column known(data::Type::kTimestamp);
  known.Reserve(arrival.num_rows());
  for (const TimeUs time : arrival.available_at) known.AppendInt(time);
  rows.columns.AddColumn({std::string(kAvailableColumn), data::Type::kTimestamp}, std::move(known));
  return rows;
}

SourceRows ToSourceRows(const Arrival& arrival) {
  SourceRows rows{arrival.event_time, arrival.available_at, {}, arrival.columns};
  rows.tie.reserve(arrival.num_rows());
  for (const std::string& id : arrival.id) rows.tie.push_back(TieOf(id));
  return rows;
}

}  // namespace

Status SourceLog::Open() {
  SW_TRY(logbook_.Declare({.name = stream_}));
  std::int64_t learned = 0;
  const std::string key = SchemaKey(source_);
  if (const auto value = SW_TRY(online_.GetNow(std::span(&key, 1)))[0]) {
    const Json known = SW_TRY(Json::Parse(*value));
    learned = SW_TRY(known.GetInt("offset"));
    schema_ = SW_TRY(data::Schema::FromJson(*SW_TRY(known.GetArray("columns"))));
  }
  store::ReadRequest request;
  request.stream = stream_;
  request.to = SW_TRY(End());
  if (learned > request.to) {  // of a logbook that is gone
    learned = 0;
    schema_ = {};
  }
  for (request.from = learned; request.from < request.to;) {
    const store::LogChunk chunk = SW_TRY(logbook_.Read(request));
    Learn(chunk.rows.columns, schema_);
    request.from = chunk.next;
  }
  return Ok();
}

Result<std::int64_t> SourceLog::End() const {
  const store::Cut end = SW_TRY(logbook_.End(stream_));
  const auto first = end.find(0);
  return first == end.end() ? 0 : first->second;
}

Status SourceLog::LearnIds() {
  store::ReadRequest request;
  request.stream = stream_;
  request.columns = {{std::string(kAvailableColumn), data::Type::kTimestamp}};
  request.to = SW_TRY(End());
  while (seen_to_ < request.to) {
    request.from = seen_to_;
    const store::LogChunk chunk = SW_TRY(logbook_.Read(request));
    for (const std::string& id : chunk.rows.id) seen_.insert(NameOf(id));
    seen_to_ = chunk.next;
  }
  return Ok();
}

Result<std::int64_t> SourceLog::OnlineOffset(const ViewPlan& view) {
  if (const auto known = online_to_.find(view.prefix); known != online_to_.end()) return known->second;
  const std::string key = OffsetKey(view);
  std::int64_t offset = ParseOffset(SW_TRY(online_.GetNow(std::span(&key, 1)))[0]);
  if (offset > SW_TRY(End())) offset = 0;
  if (offset == 0) SW_TRY(online_.DeletePrefix(view.prefix));  // what a rebuild left half done
  online_to_[view.prefix] = offset;
  return offset;
}

Status SourceLog::Fold(const std::vector<const ViewPlan*>& views, const SourceRows& rows, std::int64_t next) {
  std::vector<store::OnlineWrite> writes;
  for (const ViewPlan* view : views) {
    for (store::OnlineWrite& write : SW_TRY(FoldRows(online_, *view, rows))) writes.push_back(std::move(write));
    writes.push_back({OffsetKey(*view), std::to_string(next)});
  }
  const Json known = Json::MakeObject({{"offset", next}, {"columns", schema_.ToJson()}});
  writes.push_back({SchemaKey(source_), known.Dump()});
  // In the order of keys, so that a tree touches each page once.
  std::sort(writes.begin(), writes.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  SW_TRY(online_.PutNow(std::move(writes)));
  for (const ViewPlan* view : views) online_to_[view->prefix] = next;
  return Ok();
}

Status SourceLog::CatchUp(const Plan& plan) {
  const std::int64_t end = SW_TRY(End());
  while (true) {
    std::int64_t from = end;
    std::int64_t to = end;
    for (const ViewPlan* view : plan.ViewsOf(source_)) from = std::min(from, SW_TRY(OnlineOffset(*view)));
    if (from == end) return Ok();
    std::vector<const ViewPlan*> views;
    for (const ViewPlan* view : plan.ViewsOf(source_)) {
      const std::int64_t offset = SW_TRY(OnlineOffset(*view));
      offset == from ? views.push_back(view) : static_cast<void>(to = std::min(to, offset));
    }
    to = std::min(to, from + static_cast<std::int64_t>(kSliceRows));
    SW_TRY(Fold(views, SW_TRY(ReadSourceRows(logbook_, source_, from, to, FieldsOf(views))), to));
  }
}

Status SourceLog::ForgetOnline(const Plan& plan) {
  std::vector<store::OnlineWrite> writes;
  for (const ViewPlan* view : plan.ViewsOf(source_)) writes.push_back({OffsetKey(*view), std::nullopt});
  SW_TRY(online_.PutNow(std::move(writes)));
  online_to_.clear();
  return Ok();
}

Result<std::int64_t> SourceLog::AppendSlice(const Plan& plan, const Arrival& fresh, const PushOptions& options,
                                            PushResult& result) {
  const auto appended = SW_TRY(logbook_.Append({.stream = stream_,
                                                .partition = 0,
                                                .producer = options.producer,
                                                .sequence = options.sequence,
                                                .rows = ToLogRows(fresh)},
                                               options.durability));
  result.durable = appended.durable;
  if (appended.duplicate) {
    result.repeated += fresh.num_rows();
    return appended.first_offset;
  }
  result.rows += fresh.num_rows();
  const std::int64_t next = appended.first_offset + static_cast<std::int64_t>(fresh.num_rows());
  for (const std::string& id : fresh.id) seen_.insert(NameOf(id));
  seen_to_ = next;
  const std::vector<const ViewPlan*> views = plan.ViewsOf(source_);
  for (const ViewPlan* view : views) {
    if (SW_TRY(OnlineOffset(*view)) != appended.first_offset) {
      SW_TRY(CatchUp(plan));
      return appended.first_offset;
    }
  }
  SW_TRY(Fold(views, ToSourceRows(fresh), next));
  return appended.first_offset;
}

Result<PushResult> SourceLog::Append(const Plan& plan, const Arrival& arrival, const PushOptions& options) {
  SW_TRY(LearnIds());
  SW_TRY(CatchUp(plan));  // nothing to do, but after an error
  std::vector<std::size_t> fresh;
  std::unordered_set<RowName, RowNameHash> here;
  for (std::size_t row = 0; row < arrival.num_rows(); ++row) {
    const RowName name = NameOf(arrival.id[row]);
    if (!seen_.contains(name) && here.insert(name).second) fresh.push_back(row);
  }
  if (!options.producer.empty() && fresh.size() > kProducerRowsMax) {
    return ResourceExhausted("a push of a producer takes at most {} rows, found {}; send several", kProducerRowsMax, fresh.size());
  }
  PushResult result{.rows = 0, .repeated = arrival.num_rows() - fresh.size(), .first_offset = seen_to_, .durable = false};
  if (fresh.empty() && options.durability == store::Durability::kSynced) {
    SW_TRY(logbook_.Sync());  // the rows may have come by a push that was not
    result.durable = true;
  }
  const std::size_t slice = options.producer.empty() ? kSliceRows : kProducerRowsMax;
  for (std::size_t begin = 0; begin < fresh.size(); begin += slice) {
    const std::vector<std::size_t> rows(fresh.begin() + static_cast<std::ptrdiff_t>(begin),
                                        fresh.begin() + static_cast<std::ptrdiff_t>(std::min(fresh.size(), begin + slice)));
    const std::int64_t first = SW_TRY(AppendSlice(plan, Take(arrival, rows), options, result));
    if (begin == 0) result.first_offset = first;
  }
  return result;
}

Status ForgetAllOnline(store::OnlineStore& online) {
  // Offsets first: a crash in between leaves no offset that claims values that are gone.
  for (const std::string_view prefix : {"v|", "s|", "f|"}) SW_TRY(online.DeletePrefix(prefix));
  return Ok();
}

Status SweepOnline(const Plan& plan, store::OnlineStore& online) {
  constexpr std::string_view kOffsets = "v|";
  std::vector<std::string> stale;
  SW_TRY(online.ForEach(kOffsets, [&](std::string_view key, std::string_view) -> Status {
    const std::string_view prefix = key.substr(kOffsets.size());
    const auto is_it = [&](const auto& view) { return view.second.prefix == prefix; };
    if (std::none_of(plan.views.begin(), plan.views.end(), is_it)) stale.emplace_back(prefix);
    return Ok();
  }));
  for (const std::string& prefix : stale) {
    SW_TRY(online.DeletePrefix(prefix));
    SW_TRY(online.PutNow({{std::string(kOffsets) + prefix, std::nullopt}}));
  }
  return Ok();
}

}  // namespace sw::feature
