#include "net/event_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "base/errors.h"
#include "net/server.h"

namespace sw::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(EventParserTest, ReadsFieldsAsTheStandardSays) {
  struct Case {
    std::string_view bytes;
    std::vector<Event> events;
  };
  const Case cases[] = {
      {"data: a\n\n", {{.data = "a"}}},
      {"data:a\n\n", {{.data = "a"}}},
      {"data:  a\n\n", {{.data = " a"}}},
      {"data\n\n", {{.data = ""}}},
      {"data: a\ndata: b\n\n", {{.data = "a\nb"}}},
      {"data: a\r\n\r\ndata: b\r\rdata: c\n\n", {{.data = "a"}, {.data = "b"}, {.data = "c"}}},
      {"id: 7\nevent: live\ndata: a\n\ndata: b\n\n", {{.id = "7", .type = "live", .data = "a"}, {.id = "7", .data = "b"}}},
      {"event: live\n\ndata: a\n\n", {{.data = "a"}}},  // without data there is no event, and its type is gone
      {":comment\nother: x\ndata: a\n\n", {{.data = "a"}}},
      {"\xEF\xBB\xBF" "data: a\n\n", {{.data = "a"}}},
      {"data: unfinished\n", {}},
      {"id: 7\nid\ndata: a\n\n", {{.data = "a"}}},
      {std::string_view("id: 7\nid: 8\0\ndata: a\n\n", 22), {{.id = "7", .data = "a"}}}};
  for (const Case& c : cases) {
    EventParser whole;
    EXPECT_EQ(whole.Feed(c.bytes).value(), c.events) << c.bytes;
    EventParser pieces;
    std::vector<Event> events;
    for (const char byte : c.bytes) {
      const std::vector<Event> more = pieces.Feed({&byte, 1}).value();
      events.insert(events.end(), more.begin(), more.end());
    }
    EXPECT_EQ(events, c.events) << c.bytes;
  }
}

TEST(EventParserTest, WhatBrokeOffWasNotSeen) {
  EventParser parser;
  EXPECT_EQ(parser.Feed("id: 7\ndata: a\n\nid: 8\ndata: b\n")->size(), 1u);
  parser.Restart();
  EXPECT_EQ(parser.LastId(), "7");
  EXPECT_THAT(parser.Feed("data: c\n\n").value(), ElementsAre(Event{.id = "7", .data = "c"}));
  EXPECT_THAT(parser.Feed("id: 9\n\n").value(), IsEmpty());
  EXPECT_EQ(parser.LastId(), "9");
}

TEST(EventParserTest, TakesWhatTheServerSaysOfWaiting) {
  EventParser parser;
  const auto retry = [&](const std::string& value) {
    EXPECT_TRUE(parser.Feed("retry: " + value + "\n"));
    return parser.RetryMs();
  };
  EXPECT_EQ(retry("10"), 10);
  for (const char* nonsense : {"", "-5", "1s", "99999999999999999999"}) EXPECT_EQ(retry(nonsense), 10) << nonsense;
  EXPECT_EQ(retry("9999999"), 60'000);
}

TEST(EventParserTest, RefusesWhatIsTooLong) {
  EventParser line;
  Result<std::vector<Event>> fed = line.Feed("data: ");
  for (int i = 0; fed && i < 2'000; ++i) fed = line.Feed(std::string(1'000, 'x'));
  EXPECT_EQ(fed.error().code, ErrorCode::kResourceExhausted);
  EventParser lines;
  fed = lines.Feed("");
  for (int i = 0; fed && i < 2'000; ++i) fed = lines.Feed("data: " + std::string(1'000, 'x') + "\n");
  EXPECT_EQ(fed.error().code, ErrorCode::kResourceExhausted);
}

// A server that ends each stream after two events, and once has none.
class EventSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<Route> routes;
    routes.push_back({.pattern = "/events", .handler = [this](const Request& request, const Responder& responder) {
                        const std::string seen = LastEventId(request);
                        asked_.push_back(seen);
                        if (asked_.size() == 2) return responder.SendError(Unavailable("not now").error());
                        const EventStream stream = EventStream::Open(request, responder, {.retry_ms = 5}).value();
                        const int from = seen.empty() ? 0 : std::stoi(seen);
                        for (int i = from + 1; i <= from + 2; ++i) EXPECT_TRUE(stream.Send({.id = std::to_string(i), .data = "x"}));
                        stream.Finish();
                      }});
    routes.push_back({.pattern = "/none", .handler = Answer([](const Request&) -> Result<Response> { return NotFound("no stream"); })});
    server_ = Server::Start({.listens = {{.address = "127.0.0.1:0"}}, .loops = 1}, Router::Make(std::move(routes)).value(), counters_).value();
  }
  Client NewClient() { return Client("127.0.0.1", server_->Port(), {.timeout_ms = 10'000}); }

  std::vector<std::string> asked_;  // of the loop, and then the test's
  base::Counters counters_;
  std::unique_ptr<Server> server_;
};

TEST_F(EventSourceTest, ConnectsAnewAfterWhatItHasSeen) {
  std::vector<std::string> waits;
  EventSource source(NewClient(), "/events", {.wait = [&](const Error& why, std::int64_t wait_ms) {
                       waits.push_back(fmt::format("{} {}", wait_ms, why.message));
                       return true;
                     }});
  std::vector<std::string> ids;
  EXPECT_TRUE(source.Run([&](const Event& event) {
    ids.push_back(event.id);
    return ids.size() < 5;
  }));
  server_.reset();
  EXPECT_THAT(ids, ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(asked_, ElementsAre("", "2", "2", "4"));
  EXPECT_THAT(waits, ElementsAre("5 the server has ended the stream", "5 not now", "5 the server has ended the stream"));
}

TEST_F(EventSourceTest, GivesUpWhereTryingAgainDoesNotHelp) {
  const auto run = [](EventSource source) { return source.Run([](const Event&) { return true; }).error(); };
  EXPECT_EQ(run(EventSource(NewClient(), "/none", {})), (Error{ErrorCode::kNotFound, "no stream"}));
  Client client = NewClient();
  server_.reset();
  EXPECT_EQ(run(EventSource(std::move(client), "/events", {})).code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace sw::net
