// What happens where there is no room for another model.
#include <gmock/gmock.h>

#include "base/errors.h"
#include "flow/flow_world.h"

namespace sw::flow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The arms of what was published last: "live 2".
std::vector<std::string> Arms(FlowWorld& world, const std::string& endpoint = "late") {
  std::vector<std::string> arms;
  for (const ArmPlan& arm : world.serving().plans[endpoint].arms) arms.push_back(fmt::format("{} {}", arm.mode, arm.version));
  return arms;
}

// As serving does: what is published is in memory.
void HoldPublished(FlowWorld& world) {
  for (const auto& [name, plan] : world.serving().plans) {
    for (const ArmPlan& arm : plan.arms) world.serving().served[arm.package_id] = Packages(world.data().blobs()).Get(arm.package_id).value();
  }
}

TEST(NoRoom, ALoadIsRefusedAndTheOldVersionStaysLive) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  HoldPublished(world);
  const std::int64_t second = world.AddVersion(2);
  world.LimitLoads(0);
  const Error refused = world.flow().GoLive({}, "late", second).error();
  EXPECT_EQ(refused.code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(refused.message, AllOf(HasSubstr("version 2 of model late: no room for package "), HasSubstr("limit memory_bytes_max")));
  EXPECT_THAT(Arms(world), ElementsAre("live 1"));
  EXPECT_EQ(world.flow().StartRollout({}, {.endpoint = "late", .version = second, .plan = "late", .steps = {}}).error().code, ErrorCode::kResourceExhausted);
  world.LimitLoads(1);
  EXPECT_TRUE(world.flow().GoLive({}, "late", second));
  EXPECT_THAT(Arms(world), ElementsAre("live 2", "warm 1"));
}

TEST(NoRoom, AnEndpointsOwnWarmVersionGivesWayToItsNext) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  world.GoLive(world.AddVersion(2));
  HoldPublished(world);
  const std::int64_t third = world.AddVersion(3);
  std::vector<std::vector<std::string>> published;
  world.serving().on_publish = [&](const EndpointPlan& plan) {
    published.emplace_back();
    for (const ArmPlan& arm : plan.arms) published.back().push_back(fmt::format("{} {}", arm.mode, arm.version));
    if (plan.arms.size() == 1) world.LimitLoads(1);  // that it let go of
  };
  world.LimitLoads(0);
  EXPECT_TRUE(world.flow().GoLive({}, "late", third));
  EXPECT_THAT(published, ElementsAre(ElementsAre("live 2"), ElementsAre("live 3", "warm 2")));
}

TEST(NoRoom, AWarmVersionComesBackWhereItsRoomWasNotEnough) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  world.GoLive(world.AddVersion(2));
  HoldPublished(world);
  world.LimitLoads(0);
  EXPECT_FALSE(world.flow().GoLive({}, "late", world.AddVersion(3)));
  EXPECT_THAT(Arms(world), ElementsAre("live 2", "warm 1"));
}

TEST(NoRoom, AtARestartWhatAnswersIsLoadedBeforeWhatIsWarm) {
  FlowWorld world;
  for (const auto& [model, seed] : {std::pair{"late", 1}, {"late", 2}, {"other", 3}, {"other", 4}}) {
    ASSERT_TRUE(world.flow().GoLive({}, model, world.AddVersion(static_cast<std::uint64_t>(seed), model)));
  }
  world.LimitLoads(2);
  world.Restart();
  EXPECT_THAT(Arms(world), ElementsAre("live 2"));
  EXPECT_THAT(Arms(world, "other"), ElementsAre("live 2"));
  EXPECT_THAT(world.serving().explained, IsEmpty());
  EXPECT_EQ(world.counters().Get("flow_warm_left_out_total", "", {{"endpoint", "late"}}).Value(), 1);
  world.LimitLoads(4);
  world.Restart();
  EXPECT_THAT(Arms(world, "other"), ElementsAre("live 2", "warm 1"));
}

TEST(NoRoom, AtARestartForAnEndpointIsSaidToThoseWhoAskIt) {
  FlowWorld world;
  ASSERT_TRUE(world.flow().GoLive({}, "late", world.AddVersion(1)));
  ASSERT_TRUE(world.flow().GoLive({}, "other", world.AddVersion(2, "other")));
  world.LimitLoads(1);
  world.Restart();
  EXPECT_THAT(Arms(world), ElementsAre("live 1"));
  EXPECT_THAT(world.serving().explained["other"], AllOf(HasSubstr("endpoint other cannot be served: "), HasSubstr("no room for package ")));
  world.LimitLoads(1);
  world.flow().PublishRest(base::kHourUs);
  EXPECT_THAT(Arms(world, "other"), ElementsAre("live 1"));
}

}  // namespace
}  // namespace sw::flow
