#include "flow/events.h"

#include <algorithm>

namespace sw::flow {
namespace {

constexpr std::string_view kInRange = " WHERE number > ? AND number <= ? AND (? = '' OR workspace = ?) AND (? = '' OR endpoint = ?)";

store::SqlParams ParamsOf(const EventRange& range) {
  return {range.after, range.until, range.workspace, range.workspace, range.endpoint, range.endpoint};
}

}  // namespace

Status Events::Record(const Caller& caller, const NewEvent& event) {
  return catalog_.Write([&](store::CatalogTransaction& tx) { return Record(tx, caller, event); });
}

// One transaction at a time writes, so that numbers become visible in their order.
Status Events::Record(store::CatalogTransaction& tx, const Caller& caller, const NewEvent& event) {
  SW_TRY(tx.Execute("INSERT INTO flow_events (workspace, id, number, time, kind, endpoint, subject, summary, content)"
                    " SELECT ?, ?, COALESCE(MAX(number), 0) + 1, ?, ?, ?, ?, ?, ? FROM flow_events",
                    {caller.workspace, ids_.NewUuid(), event.time, event.kind, event.endpoint, event.subject, event.summary,
                     event.content.Dump()}));
  tx.AfterCommit([this] { on_recorded_(); });
  return Ok();
}

Result<Json> Events::List(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) const {
  Json list = Json::MakeArray();
  SW_TRY(catalog_.Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query(
        "SELECT id, number, time, kind, endpoint, subject, summary, content FROM flow_events"
        " WHERE workspace = ? AND time >= ? AND time < ? AND (? = '' OR endpoint = ?) ORDER BY time, id",
        {caller.workspace, from, until == 0 ? std::numeric_limits<TimeUs>::max() : until, std::string(endpoint), std::string(endpoint)}));
    for (const store::SqlRow& row : rows) {
      list.Append(Json::MakeObject({{"id", row.Text(0)}, {"number", row.Int(1)}, {"time", base::FormatTime(row.Int(2))},
                                    {"kind", row.Text(3)}, {"endpoint", row.Text(4)}, {"subject", row.Text(5)},
                                    {"summary", row.Text(6)}, {"content", SW_TRY(Json::Parse(row.Text(7)))}}));
    }
    return Ok();
  }));
  return list;
}

Result<std::int64_t> Events::Newest() const {
  std::int64_t newest = 0;
  SW_TRY(catalog_.Read([&](store::CatalogReader& reader) -> Status {
    newest = SW_TRY(reader.Query("SELECT MAX(number) FROM flow_events"))[0].Int(0);
    return Ok();
  }));
  return newest;
}

Result<std::int64_t> Events::Count(const EventRange& range) const {
  std::int64_t count = 0;
  SW_TRY(catalog_.Read([&](store::CatalogReader& reader) -> Status {
    count = SW_TRY(reader.Query("SELECT COUNT(*) FROM flow_events" + std::string(kInRange), ParamsOf(range)))[0].Int(0);
    return Ok();
  }));
  return count;
}

Result<std::vector<EventRow>> Events::Read(const EventRange& range, std::int64_t rows_max) const {
  std::vector<EventRow> events;
  SW_TRY(catalog_.Read([&](store::CatalogReader& reader) -> Status {
    store::SqlParams params = ParamsOf(range);
    params.emplace_back(rows_max);
    const auto rows = SW_TRY(reader.Query("SELECT number, workspace, time, kind, endpoint, subject, summary FROM flow_events" +
                                              std::string(kInRange) + " ORDER BY number DESC LIMIT ?", params));
    for (const store::SqlRow& row : rows) {
      events.push_back({row.Int(0), row.Text(1), row.Int(2), row.Text(3), row.Text(4), row.Text(5), row.Text(6)});
    }
    return Ok();
  }));
  std::ranges::reverse(events);
  return events;
}

}  // namespace sw::flow
