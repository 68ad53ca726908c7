#include "monitor/policy.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/errors.h"

namespace sw::monitor {
namespace {

constexpr std::array kKeys = {"endpoint", "tolerance", "fault_harm", "alpha", "violation_rate", "block", "censor_after"};

Status CheckKeys(const std::string& name, const Json& json) {
  std::vector<std::string> known(kKeys.begin(), kKeys.end());
  for (const auto& [key, value] : json.AsObject()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return InvalidArgument("monitor.{}.{}: unknown key; close ones are {}", name, key,
                           fmt::join(data::NearMisses(key, known), ", "));
  }
  return Ok();
}

Status ReadShare(const std::string& name, const Json& json, const char* key, double& into) {
  if (!json.Has(key)) return Ok();
  const Json& value = *json.Find(key);
  if (!value.IsNumber() || !(value.AsDouble() > 0 && value.AsDouble() < 1)) {
    return InvalidArgument("monitor.{}.{}: expected a number between 0 and 1, found {}", name, key, value.Dump());
  }
  into = value.AsDouble();
  return Ok();
}

Status ReadDuration(const std::string& name, const Json& json, const char* key, DurationUs& into) {
  if (!json.Has(key)) return Ok();
  const Json& value = *json.Find(key);
  const auto duration = base::ParseDuration(value.IsString() ? value.AsString() : "");
  if (!duration || *duration <= 0) {
    return InvalidArgument("monitor.{}.{}: expected a duration such as \"24h\", found {}", name, key, value.Dump());
  }
  into = *duration;
  return Ok();
}

}  // namespace

Result<MonitorPolicy> ParseMonitorPolicy(const std::string& name, const Json& json) {
  if (!json.IsObject()) return InvalidArgument("monitor.{}: expected a table, found {}", name, json.TypeName());
  SW_TRY(CheckKeys(name, json));
  MonitorPolicy policy;
  policy.name = name;
  policy.endpoint = json.StringOr("endpoint", "");
  if (policy.endpoint.empty()) return InvalidArgument("monitor.{}.endpoint: expected the name of an endpoint", name);
  SW_TRY(ReadShare(name, json, "tolerance", policy.tolerance));
  SW_TRY(ReadShare(name, json, "fault_harm", policy.fault_harm));
  SW_TRY(ReadShare(name, json, "alpha", policy.alpha));
  SW_TRY(ReadShare(name, json, "violation_rate", policy.violation_rate));
  SW_TRY(ReadDuration(name, json, "block", policy.block));
  SW_TRY(ReadDuration(name, json, "censor_after", policy.censor_after));
  return policy;
}

}  // namespace sw::monitor
