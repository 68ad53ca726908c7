#include "monitor/incident_store.h"

#include "base/errors.h"

namespace sw::monitor {
namespace {

constexpr store::Migration kMigrations[] = {{1,
    "CREATE TABLE monitor_incidents ("
    "  workspace TEXT NOT NULL, id TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL,"
    "  opened_at BIGINT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (workspace, id))"}};

data::Batch EventRow(const Incident& incident) {
  data::Batch row(data::Schema{{{"content", data::Type::kString}}});
  row.column(0).AppendString(incident.ToJson().Dump());
  return row;
}

Result<Incident> FromRow(const store::SqlRow& row) { return Incident::FromJson(SW_TRY(Json::Parse(row.Text(0)))); }

}  // namespace

Result<IncidentStore> IncidentStore::Open(store::Catalog& catalog) {
  SW_TRY(catalog.Migrate("monitor", kMigrations));
  return IncidentStore(catalog);
}

Status IncidentStore::Put(const Caller& caller, const Incident& incident, TimeUs now) {
  return catalog_->Write([&](store::CatalogTransaction& tx) { return Put(tx, caller, incident, now); });
}

Status IncidentStore::Put(store::CatalogTransaction& tx, const Caller& caller, const Incident& incident, TimeUs now) {
  SW_TRY(tx.Execute(
      "INSERT INTO monitor_incidents (workspace, id, endpoint, state, opened_at, content) VALUES (?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (workspace, id) DO UPDATE SET state = excluded.state, content = excluded.content",
      {caller.workspace, incident.id, incident.endpoint, incident.state, incident.opened_at, incident.ToJson().Dump()}));
  SW_TRY(tx.NoteChange("incident", incident.id));
  return tx.Publish("incidents", now, incident.id + "@" + base::FormatTime(now), EventRow(incident));
}

Result<std::vector<Incident>> IncidentStore::List(const Caller& caller, std::string_view endpoint, std::string_view state) const {
  std::vector<Incident> incidents;
  SW_TRY(catalog_->Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query(
        "SELECT content FROM monitor_incidents WHERE workspace = ? AND (? = '' OR endpoint = ?)"
        " AND (? = '' OR state = ?) ORDER BY opened_at DESC, id DESC",
        {caller.workspace, std::string(endpoint), std::string(endpoint), std::string(state), std::string(state)}));
    for (const store::SqlRow& row : rows) incidents.push_back(SW_TRY(FromRow(row)));
    return Ok();
  }));
  return incidents;
}

Result<std::optional<Incident>> IncidentStore::Find(store::CatalogReader& reader, const Caller& caller, std::string_view id) const {
  const auto rows = SW_TRY(reader.Query("SELECT content FROM monitor_incidents WHERE workspace = ? AND id = ?",
                                        {caller.workspace, std::string(id)}));
  if (rows.empty()) return std::nullopt;
  return SW_TRY(FromRow(rows[0]));
}

Result<Incident> IncidentStore::Get(const Caller& caller, std::string_view id) const {
  std::optional<Incident> incident;
  SW_TRY(catalog_->Read([&](store::CatalogReader& reader) -> Status {
    incident = SW_TRY(Find(reader, caller, id));
    return Ok();
  }));
  if (!incident) return NotFound("no incident {}; list them with `seaworthy incidents`", id);
  return *std::move(incident);
}

}  // namespace sw::monitor
