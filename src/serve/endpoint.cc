#include "serve/endpoint.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/ids.h"

namespace sw::serve {
namespace {

constexpr std::pair<ArmMode, std::string_view> kModeNames[] = {
    {ArmMode::kLive, "live"}, {ArmMode::kCanary, "canary"}, {ArmMode::kShadow, "shadow"}, {ArmMode::kWarm, "warm"}};
constexpr std::pair<Priority, std::string_view> kPriorityNames[] = {
    {Priority::kHigh, "high"}, {Priority::kNormal, "normal"}, {Priority::kLow, "low"}};
constexpr double kShareSlack = 1e-9;  // three canaries of 1/3 add up to one

std::optional<data::ViolationKind> FindKind(std::string_view name) {
  for (std::size_t i = 0; i < ContractPolicy::kKinds; ++i) {
    const auto kind = static_cast<data::ViolationKind>(i);
    if (data::ViolationKindName(kind) == name) return kind;
  }
  return std::nullopt;
}

std::vector<std::string> KindNames() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ContractPolicy::kKinds; ++i) {
    names.emplace_back(data::ViolationKindName(static_cast<data::ViolationKind>(i)));
  }
  return names;
}

Status CheckArms(const EndpointSnapshot& snapshot) {
  std::size_t live = 0;
  double shares = 0;
  std::set<std::int64_t> versions;
  for (const Arm& arm : snapshot.arms) {
    if (arm.package == nullptr) {
      return InvalidArgument("endpoint \"{}\": version {} has no package; load it first", snapshot.name, arm.version);
    }
    if (!versions.insert(arm.version).second) {
      return InvalidArgument("endpoint \"{}\": version {} is on two arms; give it one mode", snapshot.name, arm.version);
    }
    const double share_max = arm.mode == ArmMode::kCanary ? 1 : 0;
    if (!(arm.share >= 0 && arm.share <= share_max)) {
      return InvalidArgument("endpoint \"{}\": version {} is {} with share {}; only a canary has one, from 0 to 1",
                             snapshot.name, arm.version, ArmModeName(arm.mode), arm.share);
    }
    if (arm.threshold && std::isnan(*arm.threshold)) {
      return InvalidArgument("endpoint \"{}\": the threshold of version {} is not a number", snapshot.name, arm.version);
    }
    shares += arm.share;
    live += arm.mode == ArmMode::kLive ? 1 : 0;
  }
  if (live != 1) {
    return InvalidArgument("endpoint \"{}\": {} arms are live; exactly one must be", snapshot.name, live);
  }
  if (shares > 1 + kShareSlack) {
    return InvalidArgument("endpoint \"{}\": the canaries' shares add up to {}; at most 1", snapshot.name, shares);
  }
  return Ok();
}

// A client would find another shape, or classes in another order, in the same address.
Status CheckOutputs(const EndpointSnapshot& snapshot) {
  const Arm& live = *snapshot.Live();
  const Arm* named = nullptr;
  for (const Arm& arm : snapshot.arms) {
    if (arm.package->outputs() > kOutputsMax) {
      return InvalidArgument("endpoint \"{}\": limit outputs_per_row_max: version {} predicts {} numbers a row, at most {} are served",
                             snapshot.name, arm.version, arm.package->outputs(), kOutputsMax);
    }
    if (arm.package->outputs() != live.package->outputs()) {
      return FailedPrecondition("endpoint \"{}\": version {} predicts {} numbers a row, version {} predicts {}; give it an endpoint of its own",
                                snapshot.name, arm.version, arm.package->outputs(), live.version, live.package->outputs());
    }
    if (arm.package->output_names().empty()) continue;
    if (named != nullptr && named->package->output_names() != arm.package->output_names()) {
      return FailedPrecondition("endpoint \"{}\": version {} predicts {}, version {} predicts {}; give it an endpoint of its own",
                                snapshot.name, arm.version, fmt::join(arm.package->output_names(), ", "), named->version,
                                fmt::join(named->package->output_names(), ", "));
    }
    named = &arm;
  }
  return Ok();
}

Status CheckRequestSchema(const EndpointSnapshot& snapshot) {
  if (snapshot.request.fields.empty()) {
    return InvalidArgument("endpoint \"{}\": a request brings no column; declare its inputs", snapshot.name);
  }
  std::set<std::string_view> names;
  for (const data::Field& field : snapshot.request.fields) {
    if (!names.insert(field.name).second) {
      return InvalidArgument("endpoint \"{}\": the request brings \"{}\" twice; rename one", snapshot.name, field.name);
    }
  }
  if (snapshot.unit_column.empty()) return Ok();
  const auto found = snapshot.request.Index(snapshot.unit_column, "the request");
  if (!found) return InvalidArgument("endpoint \"{}\": unit: {}", snapshot.name, found.error().message);
  return Ok();
}

}  // namespace

std::string_view ArmModeName(ArmMode mode) {
  for (const auto& [candidate, name] : kModeNames) {
    if (candidate == mode) return name;
  }
  return "unknown";
}

Result<ArmMode> ParseArmMode(std::string_view name) {
  for (const auto& [mode, candidate] : kModeNames) {
    if (candidate == name) return mode;
  }
  return InvalidArgument("unknown mode of an arm: \"{}\"; use live, canary, shadow or warm", name);
}

std::string_view PriorityName(Priority priority) { return kPriorityNames[static_cast<std::size_t>(priority)].second; }

Result<Priority> ParsePriority(std::string_view name) {
  for (const auto& [priority, candidate] : kPriorityNames) {
    if (candidate == name) return priority;
  }
  return InvalidArgument("unknown priority \"{}\"; use high, normal or low", name.substr(0, 32));
}

bool ContractPolicy::RefusesAny() const {
  return std::ranges::find(actions, ContractAction::kRefuse) != actions.end();
}

Result<ContractPolicy> ContractPolicy::FromJson(const Json& json) {
  ContractPolicy policy;
  if (json.IsNull()) return policy;
  if (!json.IsObject()) return InvalidArgument("contract: expected a table of kinds, found {}", json.TypeName());
  for (const auto& [key, value] : json.AsObject()) {
    const auto kind = FindKind(key);
    if (!kind) {
      return InvalidArgument("contract.{}: unknown kind of violation; use one of {}", key,
                             fmt::join(KindNames(), ", "));
    }
    const std::string action = value.IsString() ? value.AsString() : std::string(value.TypeName());
    if (action != "allow" && action != "refuse") {
      return InvalidArgument("contract.{}: expected \"allow\" or \"refuse\", found {}", key, action);
    }
    policy.actions[static_cast<std::size_t>(*kind)] =
        action == "refuse" ? ContractAction::kRefuse : ContractAction::kAllow;
  }
  return policy;
}

const Arm* EndpointSnapshot::Live() const {
  const auto found = std::ranges::find(arms, ArmMode::kLive, &Arm::mode);
  return found == arms.end() ? nullptr : &*found;
}

const Arm* EndpointSnapshot::FindVersion(std::int64_t version) const {
  const auto found = std::ranges::find(arms, version, &Arm::version);
  return found == arms.end() ? nullptr : &*found;
}

Status CheckSnapshot(const EndpointSnapshot& snapshot) {
  if (!base::IsName(snapshot.name)) {
    return InvalidArgument("endpoint \"{}\" has no valid name; use up to 128 of A-Z a-z 0-9 _ . -", snapshot.name);
  }
  if (std::isnan(snapshot.threshold)) {
    return InvalidArgument("endpoint \"{}\": the threshold is not a number", snapshot.name);
  }
  if (snapshot.is_durable && !snapshot.is_logged) {
    return InvalidArgument("endpoint \"{}\": durable is said of a log that it does not keep", snapshot.name);
  }
  if (snapshot.cache_rows > 0 && !snapshot.service.empty()) {
    return InvalidArgument("endpoint \"{}\": features of service {} change with time; their scores are not kept", snapshot.name, snapshot.service);
  }
  SW_TRY(CheckRequestSchema(snapshot));
  SW_TRY(CheckArms(snapshot));
  return CheckOutputs(snapshot);
}

std::string Outputs::Label(std::size_t output) const {
  return output < names.size() ? names[output] : fmt::format("{}", output);
}

std::optional<std::size_t> Outputs::Greatest(std::span<const double> scores) {
  std::size_t greatest = 0;
  for (std::size_t k = 0; k < scores.size(); ++k) {
    if (std::isnan(scores[k])) return std::nullopt;
    if (scores[k] > scores[greatest]) greatest = k;
  }
  return greatest;
}

Outputs OutputsOf(const EndpointSnapshot& snapshot) {
  const model::Package& live = *snapshot.Live()->package;
  Outputs outputs{.count = live.outputs(), .names = live.output_names(), .are_classes = live.engine().predicts_classes()};
  for (const Arm& arm : snapshot.arms) {
    if (outputs.names.empty()) outputs.names = arm.package->output_names();
  }
  return outputs;
}

data::Schema RequestSchemaOf(const model::Package& package) {
  data::Schema schema;
  for (const data::ColumnContract& column : package.content().contract.columns) {
    // Nulls are the contract's business: it counts them, and the endpoint's policy decides.
    schema.fields.push_back({.name = column.name, .type = column.type, .nullable = true});
  }
  return schema;
}

Result<EndpointSnapshot> LoadArms(EndpointSnapshot base, const std::vector<ArmSpec>& arms,
                                  const EndpointSnapshot* current, PackageSource& packages) {
  base.arms.clear();
  for (const ArmSpec& spec : arms) {
    std::shared_ptr<const model::Package> package;
    for (const Arm& loaded : current == nullptr ? std::span<const Arm>() : std::span<const Arm>(current->arms)) {
      if (loaded.package->id() == spec.package_id) package = loaded.package;
    }
    if (package == nullptr) package = SW_TRY(packages.Load(spec.package_id));
    base.arms.push_back({spec.version, std::move(package), spec.mode, spec.share, spec.threshold});
  }
  if (const Arm* live = base.Live(); live != nullptr && base.service.empty() && base.request.fields.empty()) {
    base.request = RequestSchemaOf(*live->package);
  }
  SW_TRY(CheckSnapshot(base));
  return base;
}

}  // namespace sw::serve
