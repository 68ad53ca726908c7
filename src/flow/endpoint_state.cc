#include "flow/endpoint_state.h"

namespace sw::flow {
namespace {

constexpr store::Migration kMigrations[] = {
    {1,
     "CREATE TABLE flow_events ("
     "  workspace TEXT NOT NULL, id TEXT NOT NULL, time BIGINT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,"
     "  summary TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (workspace, id))"},
    {2, "CREATE INDEX flow_events_by_time ON flow_events (workspace, time)"},
    {3,
     "CREATE TABLE flow_endpoints ("
     "  workspace TEXT NOT NULL, endpoint TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (workspace, endpoint))"},
    {4,
     "CREATE TABLE flow_looks ("
     "  workspace TEXT NOT NULL, endpoint TEXT NOT NULL, number BIGINT NOT NULL, time BIGINT NOT NULL,"
     "  version BIGINT NOT NULL, cuts TEXT NOT NULL, PRIMARY KEY (workspace, endpoint, number))"},
    {5,
     "ALTER TABLE flow_events ADD COLUMN number BIGINT NOT NULL DEFAULT 0;"
     "ALTER TABLE flow_events ADD COLUMN endpoint TEXT NOT NULL DEFAULT '';"
     "UPDATE flow_events SET number = numbered.number FROM"
     "  (SELECT workspace, id, ROW_NUMBER() OVER (ORDER BY time, id) AS number FROM flow_events) AS numbered"
     "  WHERE flow_events.workspace = numbered.workspace AND flow_events.id = numbered.id;"
     "CREATE UNIQUE INDEX flow_events_by_number ON flow_events (number)"},
    {6,
     "CREATE TABLE flow_audits ("
     "  workspace TEXT NOT NULL, endpoint TEXT NOT NULL, time BIGINT NOT NULL, logged_to BIGINT NOT NULL,"
     "  report TEXT NOT NULL, PRIMARY KEY (workspace, endpoint, time))"}};

Json TimeJson(TimeUs time) { return time == 0 ? Json() : Json(base::FormatTime(time)); }

Result<TimeUs> TimeFrom(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  if (value == nullptr || value->IsNull()) return 0;
  return base::ParseTime(SW_TRY(json.GetString(key)));
}

Json RolloutToJson(const RolloutState& rollout) {
  return Json::MakeObject({{"id", rollout.id}, {"plan_name", rollout.plan.name}, {"plan", rollout::PlanToJson(rollout.plan)},
                           {"state", rollout::StateToJson(rollout.state)}, {"candidate", rollout.candidate},
                           {"before", rollout.before}, {"predictions_from", store::CutToJson(rollout.predictions_from)},
                           {"shadow_from", store::CutToJson(rollout.shadow_from)},
                           {"begun_at_look", rollout.begun_at_look}, {"started", TimeJson(rollout.started)},
                           {"judgement", rollout.judgement}});
}

Result<RolloutState> RolloutFromJson(const Json& json) {
  RolloutState rollout;
  rollout.id = SW_TRY(json.GetString("id"));
  rollout.plan = SW_TRY(rollout::ParsePlan(SW_TRY(json.GetString("plan_name")), *SW_TRY(json.GetObject("plan"))));
  rollout.state = SW_TRY(rollout::StateFromJson(*SW_TRY(json.GetObject("state"))));
  rollout.candidate = SW_TRY(json.GetInt("candidate"));
  rollout.before = SW_TRY(json.GetInt("before"));
  rollout.predictions_from = SW_TRY(store::CutFromJson(*SW_TRY(json.GetObject("predictions_from"))));
  rollout.shadow_from = SW_TRY(store::CutFromJson(*SW_TRY(json.GetObject("shadow_from"))));
  rollout.begun_at_look = json.IntOr("begun_at_look", 0);
  rollout.started = SW_TRY(TimeFrom(json, "started"));
  if (const Json* judgement = json.Find("judgement")) rollout.judgement = *judgement;
  return rollout;
}

}  // namespace

Json EndpointStateToJson(const EndpointState& state) {
  return Json::MakeObject({{"endpoint", state.endpoint}, {"live", state.live}, {"warm", state.warm},
                           {"live_since", TimeJson(state.live_since)}, {"retrained", TimeJson(state.retrained)},
                           {"rollout", state.rollout ? RolloutToJson(*state.rollout) : Json()}});
}

Result<EndpointState> EndpointStateFromJson(const Json& json) {
  EndpointState state;
  state.endpoint = SW_TRY(json.GetString("endpoint"));
  state.live = SW_TRY(json.GetInt("live"));
  state.warm = SW_TRY(json.GetInt("warm"));
  state.live_since = SW_TRY(TimeFrom(json, "live_since"));
  state.retrained = SW_TRY(TimeFrom(json, "retrained"));
  const Json* rollout = json.Find("rollout");
  if (rollout != nullptr && rollout->IsObject()) state.rollout = SW_TRY(RolloutFromJson(*rollout));
  return state;
}

std::vector<ArmVersion> ArmsFor(const EndpointState& state) {
  std::vector<ArmVersion> arms;
  if (state.live == 0) return arms;
  arms.push_back({.version = state.live, .mode = "live", .share = 0});
  if (state.RolloutIsRunning()) {
    const rollout::Arms wanted = rollout::ArmsOf(state.rollout->plan, state.rollout->state);
    if (wanted.candidate_share > 0) {
      arms.push_back({.version = state.rollout->candidate, .mode = "canary", .share = wanted.candidate_share});
    } else if (wanted.shadow) {
      arms.push_back({.version = state.rollout->candidate, .mode = "shadow", .share = 0});
    }
  }
  const bool is_there = state.warm == state.live || (arms.size() > 1 && arms[1].version == state.warm);
  if (state.warm != 0 && !is_there) arms.push_back({.version = state.warm, .mode = "warm", .share = 0});
  return arms;
}

Status MigrateFlow(store::Catalog& catalog) { return catalog.Migrate("flow", kMigrations); }

Status PutEndpointState(store::CatalogTransaction& tx, const Caller& caller, const EndpointState& state) {
  SW_TRY(tx.Execute("INSERT INTO flow_endpoints (workspace, endpoint, content) VALUES (?, ?, ?)"
                    " ON CONFLICT (workspace, endpoint) DO UPDATE SET content = excluded.content",
                    {caller.workspace, state.endpoint, EndpointStateToJson(state).Dump()}));
  return tx.NoteChange("endpoint", state.endpoint);
}

Result<std::vector<EndpointState>> ReadEndpointStates(const store::Catalog& catalog, const Caller& caller) {
  std::vector<EndpointState> states;
  SW_TRY(catalog.Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query("SELECT content FROM flow_endpoints WHERE workspace = ? ORDER BY endpoint", {caller.workspace}));
    for (const store::SqlRow& row : rows) states.push_back(SW_TRY(EndpointStateFromJson(SW_TRY(Json::Parse(row.Text(0))))));
    return Ok();
  }));
  return states;
}

}  // namespace sw::flow
