#include "monitor/incident.h"

namespace sw::monitor {
namespace {

Json TimeOrNull(TimeUs time) { return time == 0 ? Json() : Json(base::FormatTime(time)); }

Result<TimeUs> ReadTime(const Json& json, const char* key) {
  const Json* value = json.Find(key);
  if (value == nullptr || value->IsNull()) return 0;
  return base::ParseTime(SW_TRY(json.GetString(key)));
}

}  // namespace

Json Incident::ToJson() const {
  Json list = Json::MakeArray();
  for (const Culprit& culprit : culprits) {
    list.Append(Json::MakeObject({{"kind", culprit.kind}, {"name", culprit.name}, {"harm", culprit.harm}}));
  }
  return Json::MakeObject({{"id", id}, {"monitor", monitor}, {"endpoint", endpoint}, {"severity", severity},
                           {"stage", stage}, {"state", state}, {"summary", summary},
                           {"opened_at", TimeOrNull(opened_at)}, {"closed_at", TimeOrNull(closed_at)},
                           {"since_lo", TimeOrNull(since_lo)}, {"since_hi", TimeOrNull(since_hi)},
                           {"harm", harm}, {"harm_lo", harm_lo}, {"harm_hi", harm_hi}, {"exposed", exposed},
                           {"culprits", std::move(list)}, {"guarantee", guarantee}, {"causes", causes},
                           {"evidence", evidence}});
}

Result<Incident> Incident::FromJson(const Json& json) {
  Incident incident;
  for (const auto& [key, into] : {std::pair{"id", &incident.id}, {"monitor", &incident.monitor},
                                  {"endpoint", &incident.endpoint}, {"severity", &incident.severity},
                                  {"stage", &incident.stage}, {"state", &incident.state},
                                  {"summary", &incident.summary}, {"guarantee", &incident.guarantee},
                                  {"causes", &incident.causes}}) {
    *into = SW_TRY(json.GetString(key));
  }
  incident.opened_at = SW_TRY(ReadTime(json, "opened_at"));
  incident.closed_at = SW_TRY(ReadTime(json, "closed_at"));
  incident.since_lo = SW_TRY(ReadTime(json, "since_lo"));
  incident.since_hi = SW_TRY(ReadTime(json, "since_hi"));
  incident.harm = SW_TRY(json.GetDouble("harm"));
  incident.harm_lo = SW_TRY(json.GetDouble("harm_lo"));
  incident.harm_hi = SW_TRY(json.GetDouble("harm_hi"));
  incident.exposed = static_cast<std::uint64_t>(SW_TRY(json.GetInt("exposed")));
  for (const Json& culprit : SW_TRY(json.GetArray("culprits"))->AsArray()) {
    incident.culprits.push_back({.kind = SW_TRY(culprit.GetString("kind")), .name = SW_TRY(culprit.GetString("name")),
                                 .harm = SW_TRY(culprit.GetDouble("harm"))});
  }
  if (const Json* evidence = json.Find("evidence")) incident.evidence = *evidence;
  return incident;
}

}  // namespace sw::monitor
