#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/native/openapi.h"
#include "api/native/routes.h"
#include "base/executor.h"
#include "flow/flow_world.h"
#include "net/event_source.h"
#include "net/server.h"

namespace sw::native {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A server with the routes of events alone, on a flow with the endpoints `late` and `other`.
class EventRoutesTest : public testing::Test {
 protected:
  EventRoutesTest() {
    context_.flow = &world_.flow();
    AddEventRoutes(context_, routes_);
    net::ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.loops = 1;
    options.executor = &workers_;
    options.authorize = [](const net::Request&, const net::Route&) -> Result<Caller> { return Caller(); };
    server_ = net::Server::Start(std::move(options), net::Router::Make(routes_).value(), counters_).value();
  }
  net::Client NewClient() { return net::Client("127.0.0.1", server_->Port(), {.timeout_ms = 10'000}); }
  std::int64_t Followers() { return world_.counters().Get("flow_followers", "").Value(); }
  void AwaitFollowers(std::int64_t count) {
    while (Followers() != count) std::this_thread::yield();
  }
  // The events after `last_id`, up to `count` of them; `meanwhile` happens once the stream is open.
  std::vector<net::Event> Events(const std::string& target, const std::string& last_id, std::size_t count,
                                 const std::function<void()>& meanwhile = {}) {
    std::jthread happens([&] {
      if (!meanwhile) return;
      AwaitFollowers(1);
      meanwhile();
    });
    std::vector<net::Event> events;
    net::EventSource source(NewClient(), target, {.last_id = last_id, .wait = {}});
    EXPECT_TRUE(source.Run([&](const net::Event& event) {
      events.push_back(event);
      return events.size() < count;
    }));
    happens = {};
    AwaitFollowers(0);  // who has gone is let go
    return events;
  }

  flow::FlowWorld world_;
  Context context_;
  Routes routes_;
  base::Counters counters_;
  base::ThreadPool workers_{{.name = "workers"}};
  std::unique_ptr<net::Server> server_;
};

TEST_F(EventRoutesTest, AnEventHasItsNumberItsKindAndWhatHappened) {
  const std::int64_t version = world_.AddVersion(1);
  const net::Event live{.id = "2", .type = "live",
                        .data = R"({"number":2,"time":"2013-06-01T00:00:00Z","kind":"live","endpoint":"late",)"
                                R"("subject":"late/1","summary":"version 1 answers endpoint late"})"};
  EXPECT_THAT(Events("/seaworthy/v1/events?endpoint=late", "", 1, [&] { world_.GoLive(version); }), ElementsAre(live));
  EXPECT_THAT(Events("/seaworthy/v1/events", "1", 1), ElementsAre(live)) << "what it missed";
  EXPECT_THAT(Events("/seaworthy/v1/events", "3", 1)[0].data, HasSubstr("there is no event 3 here"));
}

TEST_F(EventRoutesTest, WhoSawNothingYetComesBackAfterWhatWasThere) {
  world_.AddVersion(1);
  std::string text;
  net::Client client = NewClient();
  ASSERT_TRUE(client.Stream({.target = "/seaworthy/v1/events"}, [&](std::string_view piece) {
    text += piece;
    return !text.contains("id: ");
  }));
  EXPECT_EQ(text, "retry: 2000\n\nid: 1\n\n");
}

TEST_F(EventRoutesTest, ErrorsComeBeforeTheStream) {
  net::Client client = NewClient();
  const net::Response unknown = client.Get("/seaworthy/v1/events?endpoint=latte").value();
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.headers.Get("content-type"), "application/json");
  EXPECT_THAT(unknown.body, HasSubstr("latte"));
  const net::Response head = client.Send({.method = net::Method::kHead, .target = "/seaworthy/v1/events"}).value();
  EXPECT_EQ(head.headers.Get("content-type"), "text/event-stream");
  EXPECT_EQ(Followers(), 0);
}

TEST_F(EventRoutesTest, ADrainLetsFollowersGo) {
  std::jthread follower([&] {
    net::EventSource source(NewClient(), "/seaworthy/v1/events", {.last_id = {}, .wait = [](const Error&, std::int64_t) { return false; }});
    EXPECT_THAT(source.Run([](const net::Event&) { return true; }).error().message, HasSubstr("has ended the stream"));
  });
  AwaitFollowers(1);
  EXPECT_TRUE(server_->Drain(10'000));
  EXPECT_EQ(Followers(), 0);
}

TEST_F(EventRoutesTest, TheDocumentSaysWhatIsStreamed) {
  const std::string document = OpenApi(routes_, "1").Dump();
  EXPECT_THAT(document, HasSubstr(R"("content":{"text/event-stream":{"schema":{"type":"string"}}})"));
}

}  // namespace
}  // namespace sw::native
