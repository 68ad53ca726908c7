#include <gmock/gmock.h>

#include <thread>

#include "base/errors.h"
#include "flow/flow_world.h"

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

}  // namespace
}  // namespace sw::flow
