#include "net/server.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include "base/errors.h"
#include "net/client.h"

namespace sw::net {
namespace {

// A server on a free loopback port, and what its handlers leave behind for a test.
class ServerTest : public testing::Test {
 protected:
  void StartServer(std::vector<Route> routes, Limits limits = {}, bool loopback_only = false) {
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0", .loopback_only = loopback_only}};
    options.loops = 2;
    options.limits = limits;
    options.executor = &pool_;
    options.patient = &patient_;
    options.authorize = [](const Request& request, const Route&) -> Result<Caller> {
      if (request.headers.Get("authorization") != "key") return Unauthenticated("no key");
      Caller caller;
      caller.workspace = "w";
      return caller;
    };
    Result<Router> router = Router::Make(std::move(routes));
    ASSERT_TRUE(router) << router.error().message;
    auto server = Server::Start(std::move(options), *std::move(router), counters_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  Client NewClient(ClientOptions options = {}) { return Client("127.0.0.1", server_->Port(), std::move(options)); }
  std::int64_t Refused(const std::string& limit) {
    return counters_.Get("net_refused_total", "", {{"limit", limit}}).Value();
  }

  base::Counters counters_;
  base::ThreadPool pool_{{.name = "test"}}, patient_{{.name = "patient", .threads = 1}};
  std::unique_ptr<Server> server_;
};

Route Echo() {
  return {.method = Method::kPost, .pattern = "/echo", .body_bytes_max = 1u << 20,
          .handler = Answer([](const Request& r) -> Result<Response> { return TextResponse(200, r.body); })};
}

TEST_F(ServerTest, AnswersOverOneKeptConnection) {
  StartServer({Echo()});
  Client client = NewClient();
  for (int i = 0; i < 3; ++i) {
    Result<Response> answer = client.Post("/echo", Json(i));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, std::to_string(i));
  }
  EXPECT_EQ(client.Get("/nowhere")->status, 404);
  EXPECT_EQ(client.Get("/echo")->status, 405);
  EXPECT_EQ(client.Get("/echo")->headers.Get("allow"), "POST");
}

TEST_F(ServerTest, AnswersAPipelineInOrder) {
  StartServer({Echo()});
  Client client = NewClient();
  std::vector<ClientRequest> requests;
  for (int i = 0; i < 500; ++i) requests.push_back({Method::kPost, "/echo", std::string(2000, 'a') + std::to_string(i), {}});
  auto answers = client.Pipeline(requests);
  ASSERT_TRUE(answers) << answers.error().message;
  for (std::size_t i = 0; i < answers->size(); ++i) EXPECT_EQ((*answers)[i].body, requests[i].body);
}

TEST_F(ServerTest, RefusesALongBodyWithoutReadingIt) {
  StartServer({Echo()});
  Client client = NewClient();
  ClientRequest request{Method::kPost, "/echo", std::string(64u << 20, 'x'), {}};
  Result<Response> answer = client.Send(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
  EXPECT_NE(answer->body.find("body_bytes_max"), std::string::npos);
  EXPECT_EQ(Refused("body_bytes_max"), 1);
}

TEST_F(ServerTest, AsksAuthorizeBeforeTheBody) {
  StartServer({{.pattern = "/who", .scope = "read",
                .handler = Answer([](const Request& r) -> Result<Response> { return TextResponse(200, r.caller.workspace); })}});
  EXPECT_EQ(NewClient().Get("/who")->status, 401);
  EXPECT_EQ(NewClient({.headers = {{"Authorization", "key"}}}).Get("/who")->body, "w");
}

TEST_F(ServerTest, RefusesForeignHostsAndOriginsOnLoopback) {
  StartServer({Echo()}, {}, true);
  auto post = [&](Headers headers) {
    return NewClient().Send({Method::kPost, "/echo", "x", std::move(headers)})->status;
  };
  EXPECT_EQ(post({}), 200);
  EXPECT_EQ(post({{"Origin", "http://localhost:3000"}}), 200);
  EXPECT_EQ(post({{"Origin", "http://evil.com"}}), 403);
  EXPECT_EQ(post({{"Origin", "null"}}), 403);
}

TEST_F(ServerTest, APatientRouteKeepsNoSlowOneWaiting) {
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future().share();
  StartServer({{.pattern = "/patient", .slow = true, .patient = true, .handler = [opened](Request, Responder responder) {
                  opened.wait();
                  responder.Send(TextResponse(200, "patient"));
                }},
               {.pattern = "/slow", .slow = true, .handler = [](Request, Responder responder) { responder.Send(TextResponse(200, "slow")); }}});
  std::vector<std::future<Result<Response>>> patient;
  for (int i = 0; i < 8; ++i) {  // more than the executor has threads
    patient.push_back(std::async(std::launch::async, [&] { return NewClient().Get("/patient"); }));
  }
  EXPECT_EQ(NewClient().Get("/slow")->body, "slow");
  open.set_value();
  for (auto& answer : patient) EXPECT_EQ(answer.get()->body, "patient");
}

TEST_F(ServerTest, LetsAnotherThreadStreamTheAnswer) {
  StartServer({{.pattern = "/big", .slow = true, .handler = [](Request, Responder responder) {
                  ASSERT_TRUE(responder.Start(200, {}));
                  for (int i = 0; i < 400; ++i) ASSERT_TRUE(responder.Write(std::string(10'000, 'a')));
                  responder.Finish();
                }}},
              {.stream_buffer_bytes_max = 64u << 10});
  Result<Response> answer = NewClient().Get("/big");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body.size(), 4'000'000u);
}

TEST_F(ServerTest, StreamsABodyPieceByPiece) {
  StartServer({{.method = Method::kPut, .pattern = "/blob", .slow = true,
                .stream_handler = [](Request, BodyReader body, Responder responder) {
                  std::size_t total = 0;
                  for (;;) {
                    Result<std::string> piece = body.ReadBlocking();
                    if (!piece) return responder.SendError(piece.error());
                    if (piece->empty()) break;
                    EXPECT_LE(piece->size(), 64u << 10);
                    total += piece->size();
                  }
                  responder.Send(TextResponse(200, std::to_string(total)));
                }}});
  Client client = NewClient();
  ClientRequest request{Method::kPut, "/blob", std::string(5'000'000, 'x'), {}};
  EXPECT_EQ(client.Send(request)->body, "5000000");
  EXPECT_EQ(client.Send(request)->body, "5000000");
}

TEST_F(ServerTest, TellsAHandlerThatItsClientLeft) {
  std::promise<void> cancelled;
  StartServer({{.pattern = "/wait", .handler = [&](Request, Responder responder) {
                  responder.OnCancel([&] { cancelled.set_value(); });
                  pool_.Submit([responder] { while (!responder.Cancelled()) std::this_thread::yield(); }).value();
                }}});
  EXPECT_EQ(NewClient({.timeout_ms = 20}).Get("/wait").error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(cancelled.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(ServerTest, AnswersForAHandlerThatForgetsOrThrows) {
  StartServer({{.pattern = "/forget", .handler = [](Request, Responder) {}},
               {.pattern = "/throw", .handler = [](Request, Responder) { throw std::runtime_error("x"); }}});
  EXPECT_EQ(NewClient().Get("/forget")->status, 500);
  EXPECT_EQ(NewClient().Get("/throw")->status, 500);
}

TEST_F(ServerTest, LimitsConnections) {
  StartServer({Echo()}, {.connections_max = 1});
  Client first = NewClient();
  EXPECT_EQ(first.Post("/echo", Json(1))->status, 200);
  EXPECT_EQ(NewClient().Get("/echo")->status, 503);
  EXPECT_EQ(Refused("connections_max"), 1);
}

TEST_F(ServerTest, DrainsWhatIsInFlightAndRefusesTheRest) {
  std::promise<Responder> begun;
  StartServer({{.pattern = "/slow", .handler = [&](Request, Responder r) { begun.set_value(std::move(r)); }}});
  auto answer = std::async(std::launch::async, [&] { return NewClient().Get("/slow"); });
  std::optional<Responder> responder(begun.get_future().get());
  auto drained = std::async(std::launch::async, [&] { return server_->Drain(10'000); });
  while (NewClient().Get("/slow").has_value()) std::this_thread::yield();
  responder->Send(TextResponse(200, "done"));
  responder.reset();
  EXPECT_EQ(answer.get()->body, "done");
  EXPECT_TRUE(drained.get());
}

TEST_F(ServerTest, AResponderMayOutliveTheServer) {
  std::promise<Responder> begun;
  auto errors = std::make_shared<int>(0);
  StartServer({{.pattern = "/slow", .handler = [&](Request, Responder r) { begun.set_value(std::move(r)); },
                .render_error = [errors](int status, const Error&) { ++*errors; return TextResponse(status, ""); }}});
  auto answer = std::async(std::launch::async, [&] { return NewClient().Get("/slow"); });
  std::optional<Responder> responder(begun.get_future().get());
  server_.reset();
  EXPECT_EQ(errors.use_count(), 2);  // what makes an error of it is still there
  EXPECT_TRUE(responder->Cancelled());
  responder.reset();
  EXPECT_EQ(*errors, 1);
  EXPECT_FALSE(answer.get());
}

TEST(Server, RefusesABusyPortAndBadAddresses) {
  base::Counters counters;
  auto start = [&](std::string address) {
    return Server::Start({.listens = {{.address = std::move(address)}}}, Router::Make({Echo()}).value(), counters);
  };
  auto first = start("127.0.0.1:0");
  ASSERT_TRUE(first);
  EXPECT_EQ(start((*first)->Addresses()[0]).error().code, ErrorCode::kUnavailable);
  for (const char* bad : {"", "8080", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x"}) EXPECT_FALSE(start(bad)) << bad;
}

TEST(Server, FailsReadinessBeforeItClosesItsDoor) {
  std::vector<Route> routes;
  routes.push_back({.method = Method::kGet, .pattern = "/ready", .is_readiness = true, .handler = [](Request, Responder responder) {
                      responder.Send(TextResponse(200, "yes"));
                    }});
  routes.push_back({.method = Method::kGet, .pattern = "/work", .handler = [](Request, Responder responder) {
                      responder.Send(TextResponse(200, "done"));
                    }});
  base::Counters counters;
  ServerOptions options;
  options.listens = {{.address = "127.0.0.1:0"}};
  options.loops = 1;
  auto server = Server::Start(std::move(options), Router::Make(std::move(routes)).value(), counters).value();
  Client client("127.0.0.1", server->Port());
  EXPECT_EQ(client.Send({.target = "/ready"}).value().status, 200);
  server->FailReadiness();
  EXPECT_EQ(client.Send({.target = "/ready"}).value().status, 503);
  EXPECT_EQ(client.Send({.target = "/work"}).value().status, 200);
}

}  // namespace
}  // namespace sw::net
