#include "net/observer.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/errors.h"
#include "net/client.h"
#include "net/recording_observer.h"
#include "net/server.h"

namespace sw::net {
namespace {

constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr const char* kUnsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

class ObserverTest : public testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.loops = 1;
    options.observer = &observer_;
    options.authorize = [](const Request& request, const Route&) -> Result<Caller> {
      if (request.headers.Get("authorization").empty()) return Unauthenticated("no key");
      return Caller();
    };
    server_ = Server::Start(std::move(options), Router::Make(Routes()).value(), counters_).value();
    client_ = std::make_unique<Client>("127.0.0.1", server_->Port());
  }

  static std::vector<Route> Routes() {
    std::vector<Route> routes;
    routes.push_back({.method = Method::kGet, .pattern = "/models/{name}", .scope = "read",
                      .handler = Answer([](const Request& request) -> Result<Response> {
                        Response response = TextResponse(200, request.caller.trace);
                        response.headers.Add("X-Request-Id", "r-1");
                        return response;
                      })});
    routes.push_back({.method = Method::kGet, .pattern = "/fails", .handler = Answer([](const Request&) -> Result<Response> {
                        return Unavailable("not now");
                      })});
    routes.push_back({.method = Method::kGet, .pattern = "/streams", .handler = [](Request, Responder responder) {
                        ASSERT_TRUE(responder.Start(200, {{"X-Request-Id", "r-2"}}));
                        ASSERT_TRUE(responder.TryWrite("piece"));
                        responder.Finish();
                      }});
    return routes;
  }
  Response Get(std::string target, Headers headers = {}) {
    headers.Add("Authorization", "key");
    return client_->Send({.target = std::move(target), .headers = std::move(headers)}).value();
  }

  RecordingObserver observer_;
  base::Counters counters_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(ObserverTest, ARequestIsToldWithItsRouteItsAnswerAndItsParent) {
  const Response answer = Get("/models/late?x=secret", {{"traceparent", kParent}, {"tracestate", "a=1"}, {"tracestate", "b=2"}, {"User-Agent", "test"}});
  EXPECT_EQ(answer.body, "00-01010101010101010101010101010101-0000000000000001-01");
  const auto told = observer_.WaitFor(1);
  ASSERT_EQ(told.size(), 1u);
  const FinishedRequest& request = told[0];
  ASSERT_TRUE(request.parent);
  EXPECT_EQ(base::FormatTraceparent(*request.parent), kParent);
  EXPECT_EQ(base::FormatTraceparent(request.trace), answer.body);
  EXPECT_EQ(request.tracestate, "a=1,b=2");
  EXPECT_EQ(request.method, Method::kGet);
  ASSERT_NE(request.route, nullptr);
  EXPECT_EQ(request.route->pattern, "/models/{name}");
  EXPECT_EQ(request.status, 200);
  EXPECT_FALSE(request.grpc_status);
  EXPECT_EQ(request.http_version, "1.1");
  EXPECT_FALSE(request.is_tls);
  EXPECT_EQ(request.peer, "127.0.0.1");
  EXPECT_EQ(request.request_id, "r-1");
  EXPECT_EQ(request.path, "/models/late");
  EXPECT_EQ(request.user_agent, "test");
  EXPECT_GT(request.begin_ns, 0);
  EXPECT_GE(request.end_ns, request.begin_ns);
}

TEST_F(ObserverTest, WhatASampleWouldSayIsNotKeptWithoutOne) {
  Get("/models/late", {{"traceparent", kUnsampled}, {"tracestate", "a=1"}});
  const auto told = observer_.WaitFor(1);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].path + told[0].tracestate + told[0].host, "");
  EXPECT_EQ(told[0].request_id, "r-1");
}

TEST_F(ObserverTest, TwoParentsOrNonsenseAreNone) {
  Get("/models/late", {{"traceparent", kParent}, {"traceparent", kUnsampled}, {"tracestate", "a=1"}});
  Get("/models/late", {{"traceparent", "00-00-00-00"}, {"tracestate", "a=1"}});
  Get("/models/late", {{"traceparent", kParent}, {"tracestate", "A=1"}});
  const auto told = observer_.WaitFor(3);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_FALSE(told[0].parent);
  EXPECT_FALSE(told[1].parent);
  EXPECT_TRUE(told[2].parent);
  for (const FinishedRequest& request : told) EXPECT_EQ(request.tracestate, "");
}

TEST_F(ObserverTest, RequestsThatFailAndStreamsAreToldToo) {
  Get("/fails");
  Get("/nowhere");
  EXPECT_EQ(client_->Get("/models/late")->status, 401);
  Get("/streams");
  const auto told = observer_.WaitFor(4);
  ASSERT_EQ(told.size(), 4u);
  EXPECT_EQ(told[0].status, 503);
  EXPECT_EQ(told[1].status, 404);
  EXPECT_EQ(told[1].route, nullptr);
  EXPECT_EQ(told[2].status, 401);
  EXPECT_EQ(told[3].status, 200);
  EXPECT_EQ(told[3].request_id, "r-2");
}

}  // namespace
}  // namespace sw::net
