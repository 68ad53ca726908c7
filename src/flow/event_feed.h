// EventFeed: hands the timeline's events on to those who follow it, as they are committed.
//
//   auto following = SW_TRY(feed.Follow(caller, {.endpoint = "late", .after = "17"}, clock.Now(), open));
//   ...
//   following.reset();
//
// Who comes back says what it has seen, and is given what it missed, up to a limit; beyond that it is told how much
// it was not given. Nothing waits for a follower. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/caller.h"
#include "base/counters.h"
#include "flow/events.h"
#include "flow/flow.h"

namespace sw::flow {

class EventFeed {
 public:
  static constexpr std::size_t kFollowersMax = 256;
  static constexpr std::int64_t kReplayedMax = 500;

  EventFeed(const Events& events, base::Counters& counters);

  // As Flow::Follow; the endpoint is not looked up.
  Result<std::unique_ptr<Following>> Follow(const Caller& caller, const FollowRequest& request, TimeUs now, const OpenListener& open);
  // Hands on what was committed since the last call.
  void Announce();

 private:
  struct Follower {
    std::string workspace;
    std::string endpoint;
    Listener listener;
  };
  // Outlives the feed while somebody holds a Following.
  class Followers;
  class Handle;

  Status CatchUp();
  // Where a follower begins, and the gap before it, if there is one.
  struct Beginning {
    std::int64_t after = 0;
    std::vector<FeedEvent> events;
  };
  Result<Beginning> BeginningOf(const Caller& caller, const FollowRequest& request, TimeUs now) const;

  const Events& events_;
  base::Counter& refused_;
  const std::shared_ptr<Followers> followers_;
  std::mutex reading_mutex_;      // one reads at a time, and hands on; nobody on a loop waits for it
  std::int64_t handed_on_ = 0;    // guarded by reading_mutex_: the number of the last event
};

}  // namespace sw::flow
