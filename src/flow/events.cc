#include "flow/events.h"

#include <limits>

namespace sw::flow {

Status Events::Record(const Caller& caller, TimeUs time, std::string_view kind, std::string_view subject,
                      std::string_view summary, const Json& content) {
  return catalog_.Write([&](store::CatalogTransaction& tx) { return Record(tx, caller, time, kind, subject, summary, content); });
}

Status Events::Record(store::CatalogTransaction& tx, const Caller& caller, TimeUs time, std::string_view kind, std::string_view subject,
                      std::string_view summary, const Json& content) {
  SW_TRY(tx.Execute("INSERT INTO flow_events (workspace, id, time, kind, subject, summary, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    {caller.workspace, ids_.NewUuid(), time, std::string(kind), std::string(subject), std::string(summary), content.Dump()}));
  return Ok();
}

Result<Json> Events::List(const Caller& caller, TimeUs from, TimeUs until) const {
  Json list = Json::MakeArray();
  SW_TRY(catalog_.Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query(
        "SELECT id, time, kind, subject, summary, content FROM flow_events"
        " WHERE workspace = ? AND time >= ? AND time < ? ORDER BY time, id",
        {caller.workspace, from, until == 0 ? std::numeric_limits<TimeUs>::max() : until}));
    for (const store::SqlRow& row : rows) {
      list.Append(Json::MakeObject({{"id", row.Text(0)}, {"time", base::FormatTime(row.Int(1))}, {"kind", row.Text(2)},
                                    {"subject", row.Text(3)}, {"summary", row.Text(4)},
                                    {"content", SW_TRY(Json::Parse(row.Text(5)))}}));
    }
    return Ok();
  }));
  return list;
}

}  // namespace sw::flow
