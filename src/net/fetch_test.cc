#include "net/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/errors.h"
#include "net/client.h"
#include "net/server.h"
#include "net/test_identity.h"

namespace sw::net {
namespace {

using testing::HasSubstr;

class FetchTest : public testing::Test {
 protected:
  void SetUp() override {
    authority_ = MakeIdentity("authority");
    WritePem(authority_, "ca.pem", "ca-key.pem");
    Serve(MakeIdentity("hooks.test", &authority_, "DNS:hooks.test,IP:127.0.0.1"));
    // Every name leads to this machine.
    guard_ = std::make_shared<EgressGuard>(EgressGuard::Make({"hooks.test", "other.test"}, [this](const std::string& host, std::uint16_t port) {
      ++resolved_;
      return ResolveHost(host.ends_with(".test") ? "127.0.0.1" : host, port);
    }).value());
  }
  void Serve(const Identity& identity) {
    server_.reset();
    WritePem(identity, "cert.pem", "key.pem");
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.loops = 1;
    options.tls = TlsFiles{"cert.pem", "key.pem", ""};
    server_ = Server::Start(std::move(options), Router::Make(Routes()).value(), counters_).value();
  }
  std::vector<Route> Routes() {
    std::vector<Route> routes;
    routes.push_back({.method = Method::kPost, .pattern = "/echo", .handler = Answer([](const Request& request) -> Result<Response> {
                        return TextResponse(200, request.body + "|" + std::string(request.headers.Get("host")) + "|" + std::string(request.headers.Get("x-secret")));
                      })});
    routes.push_back({.method = Method::kGet, .pattern = "/echo", .handler = Answer([](const Request& request) -> Result<Response> {
                        return TextResponse(200, "GET " + std::string(request.headers.Get("x-secret")));
                      })});
    routes.push_back({.method = Method::kPost, .pattern = "/to/{status}", .handler = Answer([](const Request& request) -> Result<Response> {
                        Response response{std::stoi(std::string(request.Param("status"))), {}, {}};
                        response.headers.Add("Location", *request.Query("where"));
                        return response;
                      })});
    routes.push_back({.method = Method::kPost, .pattern = "/waits", .handler = [this](Request, Responder responder) { held_.push_back(responder); }});
    routes.push_back({.method = Method::kPost, .pattern = "/long", .handler = Answer([](const Request&) -> Result<Response> {
                        return TextResponse(200, std::string(100'000, 'x'));
                      })});
    return routes;
  }
  std::string Url(const std::string& rest, const std::string& host = "hooks.test", const std::string& scheme = "https") {
    return scheme + "://" + host + ":" + std::to_string(server_->Port()) + rest;
  }
  Result<Response> Post(const std::string& url, FetchOptions options = {}) {
    options.egress = guard_;
    if (options.ca_file.empty()) options.ca_file = "ca.pem";
    return Fetch({Method::kPost, url, "body", {{"X-Secret", "s"}}}, options);
  }
  std::string To(int status, const std::string& where) { return Url("/to/" + std::to_string(status) + "?where=" + PercentEncode(where)); }

  Identity authority_;
  base::Counters counters_;
  std::atomic<int> resolved_{0};
  std::vector<Responder> held_;
  std::shared_ptr<const EgressGuard> guard_;
  std::unique_ptr<Server> server_;
};

TEST_F(FetchTest, SpeaksHttpsToWhomItTrusts) {
  const auto answer = Post(Url("/echo"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "body|hooks.test:" + std::to_string(server_->Port()) + "|s");
  EXPECT_EQ(resolved_, 1);
  EXPECT_EQ(Post(Url("/echo", "hooks.test", "http"))->status, 200);
}

TEST_F(FetchTest, ACertificateOfAnotherNameOrAuthorityIsRefused) {
  EXPECT_THAT(Post(Url("/echo", "other.test")).error().message, HasSubstr("mismatch"));
  EXPECT_EQ(Post(Url("/echo", "other.test")).error().code, ErrorCode::kUnauthenticated);
  WritePem(MakeIdentity("stranger"), "stranger.pem", "stranger-key.pem");
  EXPECT_EQ(Post(Url("/echo"), {.ca_file = "stranger.pem"}).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(Post(Url("/echo"), {.ca_file = "absent.pem"}).error().code, ErrorCode::kInvalidArgument);
  Serve(MakeIdentity("hooks.test", &authority_));  // a common name alone is no name
  EXPECT_EQ(Post(Url("/echo")).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(FetchTest, AnAddressCanBeACertificatesName) {
  Client client = Client::FromUrl("https://127.0.0.1:" + std::to_string(server_->Port()), {.ca_file = "ca.pem"}).value();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Get("/echo")->body, "GET ");
  Serve(MakeIdentity("hooks.test", &authority_, "DNS:hooks.test"));
  Client again = Client::FromUrl("https://127.0.0.1:" + std::to_string(server_->Port()), {.ca_file = "ca.pem"}).value();
  EXPECT_EQ(again.Get("/echo").error().code, ErrorCode::kUnauthenticated);
}

TEST_F(FetchTest, WhatTheGuardForbidsIsNotConnectedTo) {
  EXPECT_EQ(Post(Url("/echo", "127.0.0.1")).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(Post(Url("/echo", "elsewhere.test")).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(Post("http://user@hooks.test/").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(FetchTest, ARedirectIsTheAnswerUnlessRedirectsAreFollowed) {
  EXPECT_EQ(Post(To(307, "/echo"))->status, 307);
  EXPECT_EQ(Post(To(307, "/echo"), {.redirects_max = 1})->body, "body|hooks.test:" + std::to_string(server_->Port()) + "|s");
  EXPECT_EQ(Post(To(302, "/echo"), {.redirects_max = 1})->body, "GET s");
  EXPECT_EQ(Post(To(307, To(307, "/echo")), {.redirects_max = 1})->status, 307);
}

TEST_F(FetchTest, EachRedirectIsCheckedLikeTheFirst) {
  EXPECT_EQ(Post(To(307, Url("/echo", "127.0.0.1")), {.redirects_max = 3}).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(Post(To(307, Url("/echo", "hooks.test", "http")), {.redirects_max = 3}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Post(To(307, "file:///etc/passwd"), {.redirects_max = 3}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(FetchTest, ASecretStaysWithItsServer) {
  Serve(MakeIdentity("hooks.test", &authority_, "DNS:hooks.test,DNS:other.test"));
  EXPECT_EQ(Post(To(307, Url("/echo", "other.test")), {.redirects_max = 1})->body, "body|other.test:" + std::to_string(server_->Port()) + "|");
}

TEST_F(FetchTest, TimeAndBytesAreLimited) {
  EXPECT_EQ(Post(Url("/waits"), {.total_timeout_ms = 50}).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(Post(Url("/long"), {.response_bytes_max = 1'000}).error().code, ErrorCode::kResourceExhausted);
  held_.clear();
}

}  // namespace
}  // namespace sw::net
