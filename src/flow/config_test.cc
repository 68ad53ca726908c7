#include "flow/config.h"

#include <gtest/gtest.h>

#include "flow/endpoint_state.h"

namespace sw::flow {
namespace {

// A whole small configuration; `edit` changes it before it is parsed.
Json Small() {
  return Json::Parse(R"json({
    "source": {"visits": {"table": "csv:visits.csv", "event_time": "at", "types": {"at": "timestamp"}}},
    "entity": {"shop": {"keys": {"shop": "string"}}},
    "view": {"recent": {"entity": "shop", "source": "visits", "features": {"n": {"agg": "count(spent)", "window": "1d"}}}},
    "service": {"spend": {"features": ["recent.n"]}},
    "training_set": {"spend": {"source": "visits", "service": "spend", "moment": "at", "label": "spent > 3", "label_time": "at"}},
    "recipe": {"spend": {"training_set": "spend", "library": "constant"}},
    "gate": {"spend": {"metric": "brier", "max_loss_increase": 0.01}},
    "endpoint": {"spend": {"service": "spend", "training_set": "spend"}},
    "rollout": {"spend": {"endpoint": "spend", "steps": ["live"]}},
    "monitor": {"spend": {"endpoint": "spend"}},
    "retrain": {"spend": {"every": "7d", "held_out": "2d"}}
  })json").value();
}

TEST(Config, AWholeOneIsRead) {
  const auto config = ParseConfig(Small());
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->endpoints.at("spend").model, "spend");
  EXPECT_EQ(config->retrains.at("spend").held_out, 2 * base::kDayUs);
  EXPECT_EQ(config->monitors.at("spend").endpoint, "spend");
}

void Put(Json& json, const char* section, const char* name, const char* key, Json value) {
  (*json.Find(section)->Find(name)).Set(key, std::move(value));
}

TEST(Config, ARetrainingWithoutAGateIsRefused) {
  Json json = Small();
  json.Set("gate", Json::MakeObject());
  const auto config = ParseConfig(json);
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().message.starts_with("retrain.spend.endpoint: endpoint spend has no gate")) << config.error().message;
}

TEST(Config, AGateGuardsOnlySlicesThatTheTrainingSetDeclares) {
  Json json = Small();
  Put(json, "gate", "spend", "slices", Json::MakeArray({"shop"}));
  Put(json, "gate", "spend", "max_slice_loss_increase", 0.1);
  const auto config = ParseConfig(json);
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().message.starts_with("gate.spend.slices: training set spend of endpoint spend declares no slice shop")) << config.error().message;
  Put(json, "training_set", "spend", "slices", Json::MakeArray({"shop"}));
  EXPECT_TRUE(ParseConfig(json));
}

TEST(Config, ErrorsBeginWithTheKey) {
  const struct { const char *section, *key; Json value; const char* begins; } cases[] = {
      {"endpoint", "service", "spent", "endpoint.spend.service: there is no service spent; did you mean spend?"},
      {"endpoint", "sevice", "spend", "endpoint.spend.sevice: unknown key"},
      {"endpoint", "unit", 3, "endpoint.spend.unit: expected text, found integer"},
      {"endpoint", "log", "no", "endpoint.spend.log: expected true or false, found string"},
      {"endpoint", "queue_max", 0, "endpoint.spend.queue_max: expected a number from 1 to 1000000, found 0"},
      {"endpoint", "concurrency_max", "2", "endpoint.spend.concurrency_max: expected a number from 1 to 1000, found"},
      {"endpoint", "cache_rows", 100, "endpoint.spend.cache_rows: its features come from service spend, and change with time"},
      {"endpoint", "max_delay", "2s", "endpoint.spend.max_delay: expected a duration up to 1s, found 2s"},
      {"recipe", "training_set", "none", "recipe.spend.training_set: there is no training set none; there are spend"},
      {"monitor", "endpoint", "other", "monitor.spend.endpoint: there is no endpoint other"},
      {"retrain", "every", "yearly", "retrain.spend.every: expected"},
      {"retrain", "held_out", "long", "retrain.spend.held_out: expected a duration"},
      {"retrain", "time_zone", "Mars/Olympus", "retrain.spend.time_zone:"},
      {"rollout", "endpoint", "other", "rollout.spend.endpoint: there is no endpoint other"},
      {"rollout", "slices", Json::MakeArray({"town"}), "rollout.spend.slices: requests to endpoint spend bring no town; they bring shop"},
  };
  for (const auto& test : cases) {
    Json json = Small();
    Put(json, test.section, "spend", test.key, test.value);
    const auto config = ParseConfig(json);
    ASSERT_FALSE(config.has_value()) << test.begins;
    EXPECT_TRUE(config.error().message.starts_with(test.begins)) << config.error().message;
  }
}

TEST(Config, NothingMayReadTheLogOfAnEndpointThatKeepsNone) {
  const auto refusal = [](const Json& json) { return ParseConfig(json).error().message; };
  Json json = Small();
  Put(json, "endpoint", "spend", "log", false);
  EXPECT_TRUE(refusal(json).starts_with("monitor.spend.endpoint: endpoint spend has log = false")) << refusal(json);
  json.Set("monitor", Json::MakeObject());
  EXPECT_TRUE(ParseConfig(json)) << "going live at once asks for no evidence";
  Put(json, "rollout", "spend", "steps", Json::MakeArray({"shadow", "live"}));
  EXPECT_TRUE(refusal(json).starts_with("rollout.spend.steps: endpoint spend has log = false")) << refusal(json);
  Put(json, "rollout", "spend", "steps", Json::MakeArray({"live"}));
  Put(json, "endpoint", "spend", "durable", true);
  EXPECT_TRUE(refusal(json).starts_with("endpoint.spend.durable: with log = false")) << refusal(json);
}

TEST(Config, AnUnknownSectionIsRefusedWithNearMisses) {
  Json json = Small();
  json.Set("endpiont", Json::MakeObject());
  const auto config = ParseConfig(json);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().message, "endpiont: unknown section; did you mean endpoint?");
}

rollout::Plan Plan() {
  return {.name = "late", .endpoint = "late", .steps = {rollout::Step::kShadow, rollout::Step::kCanary, rollout::Step::kLive},
          .canary_share = 0.25, .slices = {"origin"}};
}

TEST(EndpointState, ComesBackFromItsJson) {
  EndpointState state{.endpoint = "late", .live = 2, .warm = 1, .live_since = 5'000'000, .rollout = {}, .retrained = 7'000'000};
  state.rollout = RolloutState{.id = "r", .plan = Plan(), .state = rollout::Begin(Plan(), 1'000'000), .candidate = 3, .before = 2,
                               .predictions_from = {{0, 10}}, .shadow_from = {}, .started = 1'000'000, .judgement = {}};
  const EndpointState back = EndpointStateFromJson(EndpointStateToJson(state)).value();
  EXPECT_EQ(EndpointStateToJson(back), EndpointStateToJson(state));
  EXPECT_EQ(back.rollout->plan, Plan());
}

TEST(ArmsFor, FollowTheRollout) {
  EndpointState state{.endpoint = "late", .live = 2, .warm = 1, .live_since = 0, .rollout = {}, .retrained = 0};
  EXPECT_EQ(ArmsFor(state), (std::vector<ArmVersion>{{2, "live", 0}, {1, "warm", 0}}));
  state.rollout = RolloutState{.id = "r", .plan = Plan(), .state = rollout::Begin(Plan(), 0), .candidate = 3, .before = 2,
                               .predictions_from = {}, .shadow_from = {}, .started = 0, .judgement = {}};
  EXPECT_EQ(ArmsFor(state), (std::vector<ArmVersion>{{2, "live", 0}, {3, "shadow", 0}, {1, "warm", 0}}));
  state.rollout->state.step = 1;
  EXPECT_EQ(ArmsFor(state), (std::vector<ArmVersion>{{2, "live", 0}, {3, "canary", 0.25}, {1, "warm", 0}}));
  state.rollout->state.phase = rollout::Phase::kRolledBack;
  EXPECT_EQ(ArmsFor(state), (std::vector<ArmVersion>{{2, "live", 0}, {1, "warm", 0}}));
  EXPECT_TRUE(ArmsFor(EndpointState{.endpoint = "new", .rollout = {}}).empty());
}

}  // namespace
}  // namespace sw::flow
