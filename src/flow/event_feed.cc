#include "flow/event_feed.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/errors.h"

namespace sw::flow {
namespace {

constexpr std::size_t kSummaryBytesMax = 1024;  // an operator's reason may be long; the timeline has all of it

std::string Shortened(const std::string& text) {
  if (text.size() <= kSummaryBytesMax) return text;
  std::size_t end = kSummaryBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "...";
}

FeedEvent FeedEventOf(const EventRow& row) {
  return {row.number, row.kind,
          Json::MakeObject({{"number", row.number}, {"time", base::FormatTime(row.time)}, {"kind", row.kind}, {"endpoint", row.endpoint},
                            {"subject", row.subject}, {"summary", Shortened(row.summary)}})};
}

FeedEvent Gap(std::int64_t number, const std::string& endpoint, TimeUs now, std::string summary) {
  return FeedEventOf({.number = number, .workspace = {}, .time = now, .kind = "gap", .endpoint = endpoint, .subject = {}, .summary = std::move(summary)});
}

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

// A mutex held for a list's change only: loops take it, when a client goes.
class EventFeed::Followers {
 public:
  explicit Followers(base::Counter& gauge) : gauge_(gauge) {}

  bool IsFull() const {
    const std::lock_guard lock(mutex_);
    return list_.size() >= kFollowersMax;
  }
  std::vector<std::shared_ptr<Follower>> All() const {
    const std::lock_guard lock(mutex_);
    return list_;
  }
  void Add(std::shared_ptr<Follower> follower) {
    const std::lock_guard lock(mutex_);
    list_.push_back(std::move(follower));
    gauge_.Set(static_cast<std::int64_t>(list_.size()));
  }
  void Remove(const Follower* follower) {
    std::shared_ptr<Follower> removed;  // freed without the mutex: it ends a stream
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(list_, follower, &std::shared_ptr<Follower>::get);
    if (found == list_.end()) return;
    removed = std::move(*found);
    list_.erase(found);
    gauge_.Set(static_cast<std::int64_t>(list_.size()));
  }

 private:
  base::Counter& gauge_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Follower>> list_;
};

class EventFeed::Handle final : public Following {
 public:
  Handle(std::shared_ptr<Followers> followers, const Follower* follower) : followers_(std::move(followers)), follower_(follower) {}
  ~Handle() override { followers_->Remove(follower_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 private:
  const std::shared_ptr<Followers> followers_;
  const Follower* const follower_;
};

EventFeed::EventFeed(const Events& events, base::Counters& counters)
    : events_(events), refused_(counters.Get("flow_refused_total", "Work turned away.", {{"limit", "followers_max"}})),
      followers_(std::make_shared<Followers>(counters.Get("flow_followers", "Who follows the timeline's events."))) {}

Result<std::unique_ptr<Following>> EventFeed::Follow(const Caller& caller, const FollowRequest& request, TimeUs now, const OpenListener& open) {
  const std::lock_guard lock(reading_mutex_);
  if (followers_->IsFull()) {
    refused_.Add();
    return ResourceExhausted("{} clients follow the events already (limit followers_max)", kFollowersMax);
  }
  SW_TRY(CatchUp());
  const Beginning beginning = SW_TRY(BeginningOf(caller, request, now));
  auto follower = std::make_shared<Follower>(caller.workspace, request.endpoint, SW_TRY(open(beginning.after)));
  std::unique_ptr<Following> following = std::make_unique<Handle>(followers_, follower.get());
  for (const FeedEvent& event : beginning.events) {
    if (!follower->listener(event)) return following;
  }
  followers_->Add(std::move(follower));
  return following;
}

Result<EventFeed::Beginning> EventFeed::BeginningOf(const Caller& caller, const FollowRequest& request, TimeUs now) const {
  if (request.after.empty()) return Beginning{handed_on_, {}};
  const std::optional<std::int64_t> after = ParseNumber(request.after);
  if (!after || *after > handed_on_) {
    return Beginning{handed_on_, {Gap(handed_on_, request.endpoint, now, fmt::format("there is no event {} here: what came after it is not known; the timeline has all events", request.after))}};
  }
  const EventRange range{.after = *after, .until = handed_on_, .workspace = caller.workspace, .endpoint = request.endpoint};
  const std::int64_t count = SW_TRY(events_.Count(range));
  Beginning beginning{*after, {}};
  for (const EventRow& row : SW_TRY(events_.Read(range, kReplayedMax))) beginning.events.push_back(FeedEventOf(row));
  if (count <= kReplayedMax) return beginning;
  beginning.events.insert(beginning.events.begin(),
                          Gap(beginning.events.front().number - 1, request.endpoint, now,
                              fmt::format("{} events after event {} are not sent again; the timeline has them", count - kReplayedMax, *after)));
  return beginning;
}

void EventFeed::Announce() {
  const std::lock_guard lock(reading_mutex_);
  static_cast<void>(CatchUp());  // what cannot be read now is read with the next event
}

Status EventFeed::CatchUp() {
  const std::vector<std::shared_ptr<Follower>> followers = followers_->All();
  const std::int64_t newest = SW_TRY(events_.Newest());
  if (!followers.empty()) {
    for (const EventRow& row : SW_TRY(events_.Read({.after = handed_on_, .until = newest}))) {
      const FeedEvent event = FeedEventOf(row);
      for (const auto& follower : followers) {
        if (follower->workspace != row.workspace || (!follower->endpoint.empty() && follower->endpoint != row.endpoint)) continue;
        if (!follower->listener(event)) followers_->Remove(follower.get());
      }
    }
  }
  handed_on_ = newest;
  return Ok();
}

}  // namespace sw::flow
