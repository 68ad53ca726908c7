// EndpointState: what an endpoint serves and where its rollout stands, as the catalog keeps it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/caller.h"
#include "base/json.h"
#include "base/result.h"
#include "flow/flow.h"
#include "rollout/plan.h"
#include "rollout/policy.h"
#include "store/catalog.h"
#include "store/logbook.h"

namespace sw::flow {

struct RolloutState {
  std::string id;
  rollout::Plan plan;
  rollout::State state;
  std::int64_t candidate = 0;   // version
  std::int64_t before = 0;      // the version that was live
  store::Cut predictions_from;  // rows of predictions/<endpoint> from here on are evidence of this step
  store::Cut shadow_from;
  std::int64_t begun_at_look = 0;  // this step's evidence begins after the endpoint's look of this number
  TimeUs started = 0;
  Json judgement;               // the last one
};

struct EndpointState {
  std::string endpoint;
  std::int64_t live = 0;        // version; 0: none
  std::int64_t warm = 0;        // the one before, kept loaded; 0: none
  TimeUs live_since = 0;
  std::optional<RolloutState> rollout;  // the running one, or the last
  TimeUs retrained = 0;         // when the retraining last ran
  bool RolloutIsRunning() const {
    return rollout && (rollout->state.phase == rollout::Phase::kRunning || rollout->state.phase == rollout::Phase::kEscalated);
  }
};

Json EndpointStateToJson(const EndpointState& state);
Result<EndpointState> EndpointStateFromJson(const Json& json);

// Pure: the arms that the state asks for.
struct ArmVersion {
  std::int64_t version = 0;
  std::string mode;
  double share = 0;
  bool operator==(const ArmVersion&) const = default;
};
std::vector<ArmVersion> ArmsFor(const EndpointState& state);

Status MigrateFlow(store::Catalog& catalog);
Status PutEndpointState(store::CatalogTransaction& tx, const Caller& caller, const EndpointState& state);
Result<std::vector<EndpointState>> ReadEndpointStates(const store::Catalog& catalog, const Caller& caller);

}  // namespace sw::flow
