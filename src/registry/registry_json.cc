#include <utility>

#include "base/errors.h"
#include "registry/registry.h"

namespace sw::registry {

std::string_view VersionStateName(VersionState state) {
  switch (state) {
    case VersionState::kCandidate:
      return "candidate";
    case VersionState::kUndecided:
      return "undecided";
    case VersionState::kRefused:
      return "refused";
    case VersionState::kApproved:
      return "approved";
    case VersionState::kArchived:
      return "archived";
  }
  return "candidate";
}

Status CheckMayServe(const Version& version) {
  const std::string name = fmt::format("version {} of model {}", version.number, version.model);
  switch (version.state) {
    case VersionState::kApproved:
      return Ok();
    case VersionState::kCandidate:
      return FailedPrecondition(
          "{} was never judged; run its gate (seaworthy eval), or record an override", name);
    case VersionState::kUndecided:
      return FailedPrecondition(
          "the gate of {} is undecided; read its verdict {}, and record an override to go on", name,
          version.verdict_ids.empty() ? "" : version.verdict_ids.back());
    case VersionState::kRefused:
      return FailedPrecondition(
          "{} was refused; read its verdict {}, and record an override to go on", name,
          version.verdict_ids.empty() ? "" : version.verdict_ids.back());
    case VersionState::kArchived:
      return FailedPrecondition("{} is archived; choose another, or register its package again",
                                name);
  }
  return Internal("{} has no state", name);
}

Json VersionToJson(const Version& version) {
  return Json::MakeObject({{"model", version.model},
                           {"version", version.number},
                           {"package_id", version.package_id},
                           {"state", VersionStateName(version.state)},
                           {"run_id", version.run_id},
                           {"description", version.description},
                           {"created", base::FormatTime(version.created)},
                           {"created_by", version.created_by},
                           {"aliases", Json::FromRange(version.aliases)},
                           {"verdict_ids", Json::FromRange(version.verdict_ids)},
                           {"lineage", version.lineage}});
}

Json ModelToJson(const Model& model) {
  Json aliases = Json::MakeObject();
  for (const auto& [alias, number] : model.aliases) aliases.Set(alias, number);
  return Json::MakeObject({{"name", model.name},
                           {"description", model.description},
                           {"created", base::FormatTime(model.created)},
                           {"newest_version", model.newest},
                           {"aliases", std::move(aliases)}});
}

Json VerdictToJson(const VerdictRecord& verdict) {
  return Json::MakeObject({{"id", verdict.id},
                           {"kind", verdict.kind},
                           {"result", verdict.result},
                           {"alpha", verdict.alpha},
                           {"summary", verdict.summary},
                           {"time", base::FormatTime(verdict.time)},
                           {"principal", verdict.principal},
                           {"evidence", verdict.evidence}});
}

}  // namespace sw::registry
