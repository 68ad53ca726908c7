#include <gmock/gmock.h>

#include <functional>
#include <set>
#include <thread>

#include "base/errors.h"
#include "flow/endpoint_state.h"
#include "flow/flow_world.h"
#include "flow/looks.h"

namespace sw::flow {
namespace {

using testing::HasSubstr;

TEST(Labels, OnlyZeroAndOneAreTakenAndTheRowIsNamed) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  const std::vector<std::string> ids = world.Serve({});
  const auto refused = world.flow().AddLabels({}, "late", {.ids = {ids[0], ids[1], ids[2]}, .labels = {1, 0.5, 0}, .producer = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("labels[1].label: expected 0 or 1, or false or true, found 0.5 for " + ids[1]));
  EXPECT_FALSE(world.data().logbook().End("labels/late")) << "nothing of the batch was written";
}

TEST(Labels, ABatchWithUnknownIdsMayBeSentAgainOnceTheyAreServed) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  std::vector<std::string> ids = world.Serve({});
  ids.resize(2);
  const std::vector<std::string> early = {ids[0], "not-yet"};
  const auto first = world.Label(early, {}, "batches", 1).value();
  EXPECT_EQ(first.IntOr("accepted", 0), 1);
  EXPECT_EQ(first.IntOr("unknown_count", 0), 1);
  const auto whole = world.Label(ids, {}, "batches", 1).value();
  EXPECT_EQ(whole.IntOr("accepted", 0), 2) << "the sequence was not used up";
  EXPECT_TRUE(world.Label(ids, {}, "batches", 1)->BoolOr("repeated", false));
}

TEST(Labels, IdsAreForgottenAndTheAnswerSaysSinceWhen) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  const std::vector<std::string> ids = world.Serve({});
  world.Pass(5 * base::kDayUs);  // more than twice censor_after
  const auto late = world.Label(ids, {}).value();
  EXPECT_EQ(late.IntOr("accepted", -1), 0);
  EXPECT_EQ(late.IntOr("unknown_count", 0), FlowWorld::kRows);
  EXPECT_EQ(late.StringOr("known_since", ""), "2013-06-02T00:00:00Z");
}

// What an apply does meanwhile must not pull an endpoint from under a request.
TEST(Labels, ForAnEndpointThatIsDroppedMeanwhileAreRefused) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  const std::vector<std::string> ids = world.Serve({});
  const std::string without = R"({"endpoint": {"other": {}}})";
  std::jthread applies([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      EXPECT_TRUE(world.Configure(without));
      EXPECT_TRUE(world.Configure(FlowWorld::kConfig));
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto answer = world.flow().AddLabels({}, "late", {.ids = ids, .labels = std::vector<double>(ids.size(), 1), .producer = {}});
    if (!answer) {
      EXPECT_EQ(answer.error().code, ErrorCode::kNotFound) << answer.error().message;
    }
  }
}

// Fine weather, a broken sensor, a version that goes live during the fault, the sensor's repair, and
// days in which the scores say the opposite of what comes.
void PlayTheStory(FlowWorld& world, const std::function<void(int hour)>& meanwhile) {
  const std::int64_t first = world.AddVersion(1), second = world.AddVersion(2);
  world.GoLive(first);
  for (int hour = 0; hour < 24 * 7; ++hour) {
    const bool is_broken = hour >= 30 && hour < 42;
    world.Hour({.pressure_scale = is_broken ? 1 / 33.8639 : 1, .is_inverted = hour > 80 && hour < 140});
    if (hour == 36) world.GoLive(second);
    meanwhile(hour);
  }
}

TEST(Looks, ARestartOrAnApplyInTheMiddleChangesNoIncident) {
  FlowWorld calm, restarted, applied;
  PlayTheStory(calm, [](int) {});
  PlayTheStory(restarted, [&](int hour) {
    if (hour % 17 == 0 || hour == 36) restarted.Restart();
  });
  PlayTheStory(applied, [&](int hour) {
    std::string changed = FlowWorld::kConfig;  // another unit: the endpoint is folded again
    changed.replace(changed.find(R"("late": {})"), 10, R"("late": {"unit": "tailnum"})");
    if (hour % 17 == 0) applied.Configure(hour % 2 == 0 ? changed : FlowWorld::kConfig).value();
  });
  const auto incidents = calm.Incidents();
  std::set<std::string> stages;
  for (const auto& [id, incident] : incidents) stages.insert(incident.stage + " " + incident.severity);
  EXPECT_THAT(stages, testing::IsSupersetOf({"source page", "drift page"}));
  EXPECT_EQ(incidents, restarted.Incidents());
  EXPECT_EQ(incidents, applied.Incidents());
}

TEST(Looks, ARolloutGoesOnAfterARestartWithTheEvidenceItHad) {
  const auto play = [](bool restarts) {
    FlowWorld world;
    world.GoLive(world.AddVersion(1));
    const std::int64_t second = world.AddVersion(2);
    for (int hour = 0; hour < 5; ++hour) world.Hour({});
    world.flow().StartRollout({}, {.endpoint = "late", .version = second, .plan = {}, .steps = {}}).value();
    std::vector<std::string> states;
    for (int hour = 0; hour < 40; ++hour) {
      world.Hour({});
      if (restarts && hour % 7 == 3) world.Restart();
      const Json rollout = world.flow().Rollouts({}, "late").value().AsArray()[0];
      const Json* evidence = rollout.Find("evidence_now");
      states.push_back(fmt::format("{} {}", rollout.IntOr("live", 0), evidence == nullptr ? "" : evidence->Dump()));
    }
    return states;
  };
  const std::vector<std::string> states = play(false);
  EXPECT_THAT(states.front(), testing::StartsWith("1 {"));
  EXPECT_EQ(states.back(), "2 ") << "the candidate went live";
  EXPECT_EQ(states, play(true));
}

TEST(Looks, AnApplyThatDoesNotConcernAnEndpointLeavesItsFoldAlone) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  for (int hour = 0; hour < 3; ++hour) world.Hour({});
  // Rows that no look has recorded: a fold that starts again would not have them.
  const std::string before = world.flow().MonitorState({}, "late")->Dump();
  ASSERT_TRUE(world.data().catalog().Write([](store::CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute("DELETE FROM flow_looks"));
    return Ok();
  }));
  ASSERT_TRUE(world.Configure(R"({"endpoint": {"late": {}, "third": {}}, "monitor": {"late": {"endpoint": "late", "tolerance": 0.05, "alpha": 0.05, "block": "1h"}}})"));
  EXPECT_EQ(world.flow().MonitorState({}, "late")->Dump(), before);
}

TEST(Looks, ThatOutlivedTheirRowsInAPowerCutAreCutToWhatIsLeft) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  for (int hour = 0; hour < 3; ++hour) world.Hour({});
  ASSERT_TRUE(world.data().catalog().Write([&](store::CatalogTransaction& tx) {
    return PutLook(tx, {}, "late", {.number = 4, .time = world.clock().Now(), .version = 1,
                                    .cuts = {.predictions = {{0, 999}}, .shadow = {{0, 9}}, .labels = {{0, 999}}}});
  }));
  world.Restart();
  ASSERT_TRUE(world.flow().MonitorState({}, "late"));
  EXPECT_EQ(ReadLooks(world.data().catalog(), {}, "late")->back().cuts,
            (FoldCuts{.predictions = {{0, 3 * FlowWorld::kRows}}, .shadow = {}, .labels = {{0, 3 * FlowWorld::kRows}}}));
  world.Hour({});
  EXPECT_EQ(ReadLooks(world.data().catalog(), {}, "late")->back().number, 5);
}

TEST(Looks, AnIncidentWhoseMonitorIsGoneIsClosed) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  for (int hour = 0; hour < 30; ++hour) world.Hour({});
  for (int hour = 0; hour < 5; ++hour) world.Hour({.pressure_scale = 1 / 33.8639});
  ASSERT_EQ(world.Incidents().begin()->second.state, "open");
  ASSERT_TRUE(world.Configure(R"({"endpoint": {"late": {}}})"));
  world.Hour({});
  const monitor::Incident closed = world.Incidents().begin()->second;
  EXPECT_EQ(closed.state, "closed");
  EXPECT_EQ(closed.closed_at, world.clock().Now());
  EXPECT_THAT(closed.evidence.StringOr("closed_because", ""), HasSubstr("removed"));
}

TEST(Looks, WhatFailsForOneEndpointHoldsUpNoOther) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  ASSERT_TRUE(world.flow().GoLive({}, "other", world.AddVersion(1, "other")));
  store::LogRows damaged{.event_time = {world.clock().Now()}, .id = {"x"}, .columns = data::Batch(data::Schema{{{"version", data::Type::kInt64}}})};
  damaged.columns.column(0).AppendInt(1);
  ASSERT_TRUE(world.data().logbook().Declare({.name = "predictions/late"}));
  ASSERT_TRUE(world.data().logbook().Append({.stream = "predictions/late", .producer = {}, .rows = damaged}, store::Durability::kBuffered));
  world.Pass(base::kHourUs);
  EXPECT_TRUE(world.flow().RunDue(world.clock().Now()));
  EXPECT_THAT(world.counters().PrometheusText(), HasSubstr("flow_failures_total{work=\"look\",name=\"late\"} 1"));
  EXPECT_EQ(ReadLooks(world.data().catalog(), {}, "late")->size(), 0U);
  EXPECT_EQ(ReadLooks(world.data().catalog(), {}, "other")->size(), 1U);
}

TEST(Looks, ADueLookIsMadeAtTheNextCallWhenTheLogCouldNotBeFlushed) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  world.Pass(base::kHourUs);
  world.serving().on_flush = [] { return Status(std::unexpected(Error(ErrorCode::kUnavailable, "disk full"))); };
  EXPECT_FALSE(world.flow().RunDue(world.clock().Now()));
  world.serving().on_flush = {};
  EXPECT_TRUE(world.flow().RunDue(world.clock().Now()));
  EXPECT_EQ(ReadLooks(world.data().catalog(), {}, "late")->size(), 1U);
}

TEST(Live, GoingLiveIsOneTransaction) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  const std::int64_t second = world.AddVersion(2);
  // The event cannot be written: neither may the alias have moved, nor the state, nor what is served.
  ASSERT_TRUE(world.data().catalog().Write([](store::CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute("ALTER TABLE flow_events RENAME TO flow_events_away"));
    return Ok();
  }));
  EXPECT_FALSE(world.flow().GoLive({}, "late", second));
  EXPECT_EQ(world.registry().GetModel({}, "late")->aliases.at("champion"), 1);
  EXPECT_EQ(world.serving().plans.at("late").arms[0].version, 1);
  EXPECT_EQ(world.flow().Endpoints({})->AsArray()[0].IntOr("live", 0), 1);
  EXPECT_EQ(ReadEndpointStates(world.data().catalog(), {})->front().live, 1);
}

TEST(Live, AnUnverifiedVersionNeedsAnOverrideWhateverItsGateSaid) {
  FlowWorld world;
  const auto add = [&](const std::function<void(model::GoldenRows&)>& change) {
    const auto good = world.registry().Get({}, "late", world.AddVersion(1)).value();
    const auto get = [&](std::string_view hash) { return world.data().blobs().ReadAll(hash); };
    model::PackageContent content = model::ReadPackage(good.package_id, get).value();
    change(content.golden);
    const auto put = [&](std::string_view bytes) { return world.data().blobs().Put(bytes); };
    const auto version = world.registry().Register({}, {.model = "late", .package_id = model::WritePackage(content, put).value()}).value();
    world.registry().Record({}, "late", version.number, {.id = "019a0000-0000-7000-8000-00000000000" + std::to_string(version.number),
                            .kind = "gate", .result = "pass", .alpha = 0.05, .summary = "better"}).value();
    return version.number;
  };
  const std::int64_t unverified = add([](model::GoldenRows& golden) { golden = {}; });
  const auto refused = world.flow().GoLive({}, "late", unverified);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("version 2 of model late is unverified: it has no golden rows; "));
  world.GoLive(1);
  EXPECT_FALSE(world.flow().StartRollout({}, {.endpoint = "late", .version = unverified, .plan = {}, .steps = {}}));
  world.flow().Override({}, "late", unverified, "compared by hand").value();
  EXPECT_TRUE(world.flow().GoLive({}, "late", unverified));
  const std::int64_t few = add([](model::GoldenRows& golden) { golden.expected.resize(1), golden.inputs = golden.inputs.Slice(0, 1); });
  EXPECT_FALSE(world.flow().GoLive({}, "late", few));
}

// Monitors, rollouts and labels judge one score a row by a label of 0 or 1.
TEST(SeveralOutputs, GoLiveOnlyWhereNoMonitorWatches) {
  FlowWorld world;
  const auto watched = world.flow().GoLive({}, "late", world.AddVersionOfTwoOutputs("late"));
  ASSERT_FALSE(watched);
  EXPECT_THAT(watched.error().message, HasSubstr("monitor.late cannot judge version 1 of endpoint late"));
  EXPECT_THAT(watched.error().message, HasSubstr("predicts 2 numbers a row"));
  EXPECT_TRUE(world.serving().plans.empty());
  EXPECT_TRUE(world.flow().GoLive({}, "other", world.AddVersionOfTwoOutputs("other")));
}

TEST(SeveralOutputs, RefuseAMonitorThatComesLater) {
  FlowWorld world(R"({"endpoint": {"late": {}}})");
  world.GoLive(world.AddVersionOfTwoOutputs("late"));
  const Status refused = world.Configure(R"({"endpoint": {"late": {}}, "monitor": {"early": {"endpoint": "late"}}})");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("monitor.early cannot judge version 1 of endpoint late"));
}

TEST(SeveralOutputs, TakeNoLabelsAlsoAfterARestart) {
  FlowWorld world(R"({"endpoint": {"late": {}}})");
  world.GoLive(world.AddVersionOfTwoOutputs("late"));
  for (int i = 0; i < 2; ++i) {
    const auto refused = world.flow().AddLabels({}, "late", {.ids = {"a"}, .labels = {1}, .producer = {}, .sequence = 0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
    EXPECT_THAT(refused.error().message, HasSubstr("endpoint late predicts 2 numbers a row; labels are 0 or 1"));
    world.Restart();
  }
}

TEST(SeveralOutputs, AreNoCandidatesOfARollout) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  const auto refused = world.flow().StartRollout({}, {.endpoint = "late", .version = world.AddVersionOfTwoOutputs("late"), .plan = "late", .steps = {}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("predicts 2 numbers a row; gates, rollouts, monitors and labels take models of one"));
}

TEST(WithoutALog, NothingJudgesByWhatWasServed) {
  const std::string config = R"({"endpoint": {"late": {"log": false}}, "rollout": {"late": {"endpoint": "late", "steps": ["live"]}}})";
  FlowWorld world(config);
  world.GoLive(world.AddVersion(1));
  EXPECT_FALSE(world.serving().plans.at("late").definition.log);
  const std::int64_t second = world.AddVersion(2);
  const auto refused = [](const auto& answer) { return answer ? std::string() : answer.error().message; };
  EXPECT_THAT(refused(world.flow().AddLabels({}, "late", {.ids = {"a"}, .labels = {1}, .producer = {}, .sequence = 0})),
              HasSubstr("endpoint late has log = false: nothing of it is in the logbook, which a label would read"));
  EXPECT_THAT(refused(world.flow().Replay({}, "late", second, 0, world.clock().Now())), HasSubstr("which a replay would read"));
  EXPECT_THAT(refused(world.flow().Audit({}, "late", 0, world.clock().Now())), HasSubstr("which an audit would read"));
  RolloutRequest rollout{.endpoint = "late", .version = second, .plan = "late", .steps = {"canary", "live"}};
  EXPECT_THAT(refused(world.flow().StartRollout({}, rollout)), HasSubstr("which a rollout by shadow or canary would read"));
  rollout.steps = {};
  EXPECT_EQ(refused(world.flow().StartRollout({}, rollout)), "");
}

TEST(WithoutALog, AnEndpointWaitsForTheEndOfItsRollout) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  ASSERT_TRUE(world.flow().StartRollout({}, {.endpoint = "late", .version = world.AddVersion(2), .plan = "late", .steps = {}}));
  const Status refused = world.Configure(R"({"endpoint": {"late": {"log": false}}})");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("endpoint.late.log: a rollout of version 2 is running"));
  EXPECT_TRUE(world.serving().plans.at("late").definition.log);
}

TEST(Rollout, APlanForAnotherEndpointIsRefused) {
  FlowWorld world;
  ASSERT_TRUE(world.flow().GoLive({}, "other", world.AddVersion(1, "other")));
  const auto refused = world.flow().StartRollout({}, {.endpoint = "other", .version = world.AddVersion(2, "other"), .plan = "late", .steps = {}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("plan: late is a plan for endpoint late, not for other"));
}

TEST(Live, AnEndpointThatCannotBeServedKeepsNoServerDown) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  world.serving().publish_fails = true;
  world.Restart();  // throws when it cannot start
  EXPECT_THAT(world.serving().explained["late"], HasSubstr("endpoint late cannot be served: the package is damaged"));
  EXPECT_EQ(world.counters().Get("flow_failures_total", "", {{"work", "publish"}, {"name", "late"}}).Value(), 1);
  EXPECT_THAT(world.flow().Endpoints({}).value().Dump(), HasSubstr(R"("not_served":"DATA_LOSS: the package is damaged")"));
  const auto tried = [&](TimeUs at) {
    world.flow().PublishRest(at);
    return world.counters().Get("flow_failures_total", "", {{"work", "publish"}, {"name", "late"}}).Value();
  };
  EXPECT_EQ(tried(0), 2);
  EXPECT_EQ(tried(4 * base::kSecondUs), 2);
  EXPECT_EQ(tried(5 * base::kSecondUs), 3);
  EXPECT_EQ(tried(14 * base::kSecondUs), 3);
  world.serving().plans.clear();
  world.serving().publish_fails = false;
  EXPECT_EQ(tried(15 * base::kSecondUs), 3);
  EXPECT_TRUE(world.serving().plans.contains("late"));
}

TEST(Live, AConfigurationThatServingRefusesIsAnErrorOnceTheEndpointIsServed) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  world.serving().publish_fails = true;
  EXPECT_FALSE(world.Configure(FlowWorld::kConfig));
  world.serving().publish_fails = false;
  EXPECT_TRUE(world.Configure(FlowWorld::kConfig));
}

TEST(Live, AnEndpointThatIsNoLongerDeclaredAnswersNoMore) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  ASSERT_TRUE(world.serving().plans.contains("late"));
  ASSERT_TRUE(world.Configure(R"({"endpoint": {"other": {}}})"));
  EXPECT_FALSE(world.serving().plans.contains("late"));
  ASSERT_TRUE(world.Configure(FlowWorld::kConfig));
  EXPECT_TRUE(world.serving().plans.contains("late"));
}

}  // namespace
}  // namespace sw::flow
