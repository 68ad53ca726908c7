#include "flow/event_feed.h"

#include <gmock/gmock.h>

#include <optional>

#include "base/errors.h"
#include "flow/flow_world.h"

namespace sw::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// Who follows a world's events, and what it was given.
struct Follower {
  std::int64_t after = -1;
  std::vector<FeedEvent> events;
  bool is_tired = false;
  std::unique_ptr<Following> following;

  Status Follow(Flow& flow, const FollowRequest& request, const Caller& caller = {}) {
    following = SW_TRY(flow.Follow(caller, request, [this](std::int64_t from) -> Result<Listener> {
      after = from;
      return [this](const FeedEvent& event) {
        events.push_back(event);
        return !is_tired;
      };
    }));
    return Ok();
  }
  std::vector<std::string> Kinds() const {
    std::vector<std::string> kinds;
    for (const FeedEvent& event : events) kinds.push_back(event.kind);
    return kinds;
  }
};

std::int64_t Followers(FlowWorld& world) { return world.counters().Get("flow_followers", "").Value(); }

TEST(EventFeed, AFollowerIsGivenWhatHappensAfterItCame) {
  FlowWorld world;
  const std::int64_t version = world.AddVersion(1);
  Follower follower;
  ASSERT_TRUE(follower.Follow(world.flow(), {}));
  EXPECT_EQ(follower.after, 1) << "the override that lets the version serve";
  EXPECT_THAT(follower.events, IsEmpty());
  world.GoLive(version);
  ASSERT_THAT(follower.Kinds(), ElementsAre("live"));
  EXPECT_EQ(follower.events[0].number, 2);
  EXPECT_EQ(follower.events[0].json.Dump(),
            R"({"number":2,"time":"2013-06-01T00:00:00Z","kind":"live","endpoint":"late","subject":"late/1",)"
            R"("summary":"version 1 answers endpoint late"})");
  world.flow().StartRollout({}, {.endpoint = "late", .version = world.AddVersion(2), .plan = {}, .steps = {}}).value();
  world.flow().Steer({}, "late", "roll_back", "a test").value();
  EXPECT_THAT(follower.Kinds(), ElementsAre("live", "override", "rollout", "rollout"));
  EXPECT_THAT(follower.events[3].json.StringOr("summary", ""), HasSubstr("a test"));
}

TEST(EventFeed, AnIncidentIsGivenWhenItOpens) {
  FlowWorld world;
  world.GoLive(world.AddVersion(1));
  Follower follower;
  ASSERT_TRUE(follower.Follow(world.flow(), {.endpoint = "late"}));
  for (int hour = 0; hour < 48 && follower.events.empty(); ++hour) world.Hour({.is_inverted = true});
  ASSERT_THAT(follower.Kinds(), testing::Contains("incident"));
  EXPECT_EQ(follower.events[0].json.StringOr("endpoint", ""), "late");
  EXPECT_EQ(world.flow().Timeline({}, "late", 0, 0)->AsArray().back().StringOr("kind", ""), "incident");
}

TEST(EventFeed, WhoFollowsAnEndpointIsGivenOnlyItsEvents) {
  FlowWorld world;
  const std::int64_t version = world.AddVersion(1);
  Follower late, other;
  ASSERT_TRUE(late.Follow(world.flow(), {.endpoint = "late"}));
  ASSERT_TRUE(other.Follow(world.flow(), {.endpoint = "other"}));
  world.GoLive(version);
  EXPECT_THAT(late.Kinds(), ElementsAre("live"));
  EXPECT_THAT(other.events, IsEmpty());
  Follower nobody;
  EXPECT_EQ(nobody.Follow(world.flow(), {.endpoint = "latte"}).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(world.flow().Timeline({}, "late", 0, 0)->AsArray(), SizeIs(1));
  EXPECT_THAT(world.flow().Timeline({}, "", 0, 0)->AsArray(), SizeIs(2));
}

TEST(EventFeed, AnotherWorkspaceSeesNothingOfIt) {
  FlowWorld world;
  Caller theirs;
  theirs.workspace = "theirs";
  Follower follower;
  ASSERT_TRUE(follower.Follow(world.flow(), {}, theirs));
  world.GoLive(world.AddVersion(1));
  EXPECT_THAT(follower.events, IsEmpty());
}

TEST(EventFeed, WhoComesBackIsGivenWhatItMissedAlsoAfterARestart) {
  FlowWorld world;
  const std::int64_t version = world.AddVersion(1);
  Follower before;
  ASSERT_TRUE(before.Follow(world.flow(), {}));
  before.following.reset();
  EXPECT_EQ(Followers(world), 0);
  world.GoLive(version);
  EXPECT_THAT(before.events, IsEmpty()) << "it had gone";
  world.Restart();
  Follower after;
  ASSERT_TRUE(after.Follow(world.flow(), {.after = fmt::format("{}", before.after)}));
  EXPECT_EQ(after.after, before.after);
  EXPECT_THAT(after.Kinds(), ElementsAre("live"));
  world.AddVersion(2);
  EXPECT_THAT(after.Kinds(), ElementsAre("live", "override"));
}

TEST(EventFeed, WhoMissedTooMuchIsToldHowMuch) {
  FlowWorld world;
  world.AddVersion(1);
  world.data().catalog().Write([](store::CatalogTransaction& tx) -> Status {
    for (std::int64_t number = 2; number <= EventFeed::kReplayedMax + 7; ++number) {
      SW_TRY(tx.Execute("INSERT INTO flow_events (workspace, id, number, time, kind, endpoint, subject, summary, content)"
                        " VALUES ('default', ?, ?, 0, 'override', '', 'late/1', 'again', '{}')", {fmt::format("{}", number), number}));
    }
    return Ok();
  }).value();
  Follower follower;
  ASSERT_TRUE(follower.Follow(world.flow(), {.after = "2"}));  // 507 there are; 3 to 507 were missed
  ASSERT_THAT(follower.events, SizeIs(EventFeed::kReplayedMax + 1));
  EXPECT_EQ(follower.events[0].kind, "gap");
  EXPECT_EQ(follower.events[0].json.StringOr("summary", ""), "5 events after event 2 are not sent again; the timeline has them");
  EXPECT_EQ(follower.events[0].number, 7);
  EXPECT_EQ(follower.events[1].number, 8);
  EXPECT_EQ(follower.events.back().number, 507);
}

TEST(EventFeed, WhoSawAnEventThatIsNotHereIsToldSo) {
  FlowWorld world;
  world.AddVersion(1);
  for (const char* unknown : {"2", "99999999999999999999", "-1", "1x", "abc"}) {
    Follower follower;
    ASSERT_TRUE(follower.Follow(world.flow(), {.after = unknown}));
    ASSERT_THAT(follower.Kinds(), ElementsAre("gap")) << unknown;
    EXPECT_EQ(follower.events[0].number, 1);
    EXPECT_THAT(follower.events[0].json.StringOr("summary", ""), StartsWith(fmt::format("there is no event {} here", unknown)));
  }
}

TEST(EventFeed, WhoTakesNoMoreIsLetGoAndHoldsNobodyUp) {
  FlowWorld world;
  Follower tired, other;
  ASSERT_TRUE(tired.Follow(world.flow(), {}));
  ASSERT_TRUE(other.Follow(world.flow(), {}));
  EXPECT_EQ(Followers(world), 2);
  tired.is_tired = true;
  world.GoLive(world.AddVersion(1));
  EXPECT_THAT(tired.events, SizeIs(1));
  EXPECT_THAT(other.events, SizeIs(2));
  EXPECT_EQ(Followers(world), 1);
}

TEST(EventFeed, TooManyFollowersAreRefusedAndCounted) {
  FlowWorld world;
  std::vector<Follower> followers(EventFeed::kFollowersMax);
  for (Follower& follower : followers) ASSERT_TRUE(follower.Follow(world.flow(), {}));
  Follower more;
  EXPECT_THAT(more.Follow(world.flow(), {}).error().message, HasSubstr("limit followers_max"));
  EXPECT_EQ(world.counters().Get("flow_refused_total", "", {{"limit", "followers_max"}}).Value(), 1);
  followers.pop_back();
  EXPECT_TRUE(more.Follow(world.flow(), {}));
}

TEST(EventFeed, WhatIsNotCommittedIsNotGiven) {
  FlowWorld world;
  const std::int64_t version = world.AddVersion(1);
  Follower follower;
  ASSERT_TRUE(follower.Follow(world.flow(), {}));
  world.serving().publish_fails = true;
  EXPECT_FALSE(world.flow().GoLive({}, "late", version));
  EXPECT_THAT(follower.events, IsEmpty());
}

TEST(EventFeed, ALongReasonIsShortened) {
  FlowWorld world;
  const std::int64_t version = world.AddVersion(1);
  Follower follower;
  ASSERT_TRUE(follower.Follow(world.flow(), {}));
  std::string reason = "x";
  for (int i = 0; i < 1'000; ++i) reason += "\xC3\xA9";
  world.flow().Override({}, "late", version, reason).value();
  EXPECT_EQ(follower.events.at(0).json.StringOr("summary", ""), reason.substr(0, 1023) + "...");
}

// As version 4 of this room's tables left it.
TEST(Events, OfAFolderThatHasNoNumbersAreNumberedByTime) {
  FlowWorld world;
  const std::int64_t version = world.AddVersion(1);
  world.Pass(base::kHourUs);
  world.GoLive(version);
  world.data().catalog().Write([](store::CatalogTransaction& tx) -> Status {
    for (const char* sql : {"DROP INDEX flow_events_by_number", "ALTER TABLE flow_events DROP COLUMN number",
                            "ALTER TABLE flow_events DROP COLUMN endpoint", "DELETE FROM store_migrations WHERE room = 'flow' AND number = 5"}) {
      SW_TRY(tx.Execute(sql));
    }
    return Ok();
  }).value();
  world.Restart();
  Follower follower;
  ASSERT_TRUE(follower.Follow(world.flow(), {.after = "0"}));
  EXPECT_THAT(follower.Kinds(), ElementsAre("override", "live"));
  world.AddVersion(2);
  EXPECT_EQ(follower.events.at(2).number, 3);
}

}  // namespace
}  // namespace sw::flow
