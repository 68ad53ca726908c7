#include "net/dispatch.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/errors.h"

namespace sw::net {
namespace {

Request Post(std::string path, std::string body) {
  Request request;
  request.method = Method::kPost;
  request.path = std::move(path);
  request.body = std::move(body);
  return request;
}

Router MakeRouter(Route route) { return Router::Make({std::move(route)}).value(); }

TEST(Dispatch, AnswersFromTheRouteWithItsParameters) {
  const Router router =
      MakeRouter({.method = Method::kPost,
                  .pattern = "/echo/{name}",
                  .handler = Answer([](const Request& r) -> Result<Response> {
                    return TextResponse(200, std::string(r.Param("name")) + r.body);
                  })});
  EXPECT_EQ(Dispatch(router, Post("/echo/a", "b")).body, "ab");
  EXPECT_EQ(Dispatch(router, Post("/other", "")).status, 404);
  EXPECT_EQ(Dispatch(router, {.path = "/echo/a"}).status, 405);
}

TEST(Dispatch, ErrorsBecomeAnswersAndBackAgain) {
  const Router router = MakeRouter({.method = Method::kPost,
                                    .pattern = "/x",
                                    .handler = AnswerJson([](const Request&) -> Result<Json> {
                                      return FailedPrecondition("not now");
                                    })});
  const auto json = JsonOf(Dispatch(router, Post("/x", "")));
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error(), (Error{ErrorCode::kFailedPrecondition, "not now"}));
}

TEST(Dispatch, WaitsForAnotherThread) {
  std::jthread worker;
  const Router router = MakeRouter(
      {.method = Method::kPost, .pattern = "/slow", .handler = [&](Request, Responder r) {
         worker = std::jthread([r] { r.Send(TextResponse(200, "late")); });
       }});
  EXPECT_EQ(Dispatch(router, Post("/slow", "")).body, "late");
}

TEST(Dispatch, StreamsBothWays) {
  const Router router =
      MakeRouter({.method = Method::kPost,
                  .pattern = "/stream",
                  .stream_handler = [](Request, BodyReader body, Responder responder) {
                    ASSERT_TRUE(responder.Start(200, {}));
                    for (std::string piece = body.ReadBlocking().value(); !piece.empty();
                         piece = body.ReadBlocking().value()) {
                      ASSERT_TRUE(responder.Write(piece));
                    }
                    responder.Finish();
                  }});
  const std::string body(3'000'000, 'x');
  EXPECT_EQ(Dispatch(router, Post("/stream", body)).body, body);
}

TEST(Dispatch, AHandlerThatGivesNoAnswerIsAnError) {
  const Router router = MakeRouter(
      {.method = Method::kPost, .pattern = "/none", .handler = [](Request, Responder) {}});
  EXPECT_EQ(Dispatch(router, Post("/none", "")).status, 500);
}

}  // namespace
}  // namespace sw::net
