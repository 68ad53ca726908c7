#include "net/router.h"

#include <gtest/gtest.h>

namespace sw::net {
namespace {

Route Get(std::string pattern, std::string group = "data", Method method = Method::kGet) {
  return {.method = method, .pattern = std::move(pattern), .group = std::move(group), .handler = [](Request, Responder) {}};
}

std::string Found(const Router& router, Method method, std::string_view path) {
  Match match = router.Find(method, path, {});
  return match.route == nullptr ? std::to_string(match.status) : match.route->pattern;
}

TEST(Router, PrefersLiteralsAndBacktracks) {
  Router router = Router::Make({Get("/a/b"), Get("/a/{x}"), Get("/a/{x}/c"), Get("/a/b/d"), Get("/f/{path...}"),
                                Get("/", "data"), Get("/a/{x}", "data", Method::kPost)})
                      .value();
  EXPECT_EQ(Found(router, Method::kGet, "/a/b"), "/a/b");
  EXPECT_EQ(Found(router, Method::kPost, "/a/b"), "/a/{x}");
  EXPECT_EQ(Found(router, Method::kGet, "/a/b/c"), "/a/{x}/c");
  EXPECT_EQ(Found(router, Method::kHead, "/a/z"), "/a/{x}");
  EXPECT_EQ(Found(router, Method::kGet, "/"), "/");
  EXPECT_EQ(Found(router, Method::kGet, "/f/x/y"), "/f/{path...}");
  EXPECT_EQ(Found(router, Method::kDelete, "/a/b"), "405");
  for (const char* miss : {"/a", "/a/", "/a//c", "//a/b", "/a/b/c/d", "/A/b"}) {
    EXPECT_EQ(Found(router, Method::kGet, miss), "404") << miss;
  }
}

TEST(Router, DecodesParamsAfterSplitting) {
  Router router = Router::Make({Get("/m/{name}/v/{v}"), Get("/f/{path...}")}).value();
  Match match = router.Find(Method::kGet, "/m/a%2Fb%20c/v/1", {});
  EXPECT_EQ(match.params, (NameValues{{"name", "a/b c"}, {"v", "1"}}));
  EXPECT_EQ(router.Find(Method::kGet, "/f/x/y", {}).params, (NameValues{{"path", "x/y"}}));
  EXPECT_EQ(router.Find(Method::kGet, "/m/%00/v/1", {}).status, 400);
}

TEST(Router, SaysWhichMethodsAPathHas) {
  Router router = Router::Make({Get("/a"), Get("/a", "data", Method::kPut)}).value();
  Match match = router.Find(Method::kPost, "/a", {});
  EXPECT_EQ(match.status, 405);
  EXPECT_EQ(match.allow, "GET, PUT");
}

TEST(Router, HidesRoutesOfOtherGroups) {
  Router router = Router::Make({Get("/a", "admin")}).value();
  EXPECT_EQ(router.Find(Method::kGet, "/a", {"data"}).status, 404);
  EXPECT_NE(router.Find(Method::kGet, "/a", {"data", "admin"}).route, nullptr);
}

TEST(Router, RefusesDuplicatesAndBadPatterns) {
  EXPECT_EQ(Router::Make({Get("/a/{x}"), Get("/a/{y}")}).error().code, ErrorCode::kAlreadyExists);
  for (const char* bad : {"a", "/{", "/{}", "/{a...}/b", "/x{a}"}) EXPECT_FALSE(Router::Make({Get(bad)})) << bad;
  EXPECT_FALSE(Router::Make({Route{.pattern = "/a"}}));
}

}  // namespace
}  // namespace sw::net
