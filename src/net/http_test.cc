#include "net/http.h"

#include <gtest/gtest.h>

namespace sw::net {
namespace {

TEST(PercentDecode, TakesGoodAndRefusesBadEscapes) {
  EXPECT_EQ(PercentDecode("a%20b%2Fc").value(), "a b/c");
  EXPECT_EQ(PercentDecode("a+b", true).value(), "a b");
  EXPECT_EQ(PercentDecode("a+b").value(), "a+b");
  for (const char* bad : {"%", "%2", "%zz", "%00", "abc%4"}) EXPECT_FALSE(PercentDecode(bad)) << bad;
  EXPECT_EQ(PercentDecode(PercentEncode("a/b c%\xc3\xa9")).value(), "a/b c%\xc3\xa9");
}

TEST(ParseQuery, KeepsOrderAndRepeats) {
  NameValues expected = {{"a", "1"}, {"b", ""}, {"a", "x y"}, {"c", "=d"}};
  EXPECT_EQ(ParseQuery("a=1&b&&a=x+y&c==d").value(), expected);
  EXPECT_FALSE(ParseQuery("a=%"));
}

TEST(Headers, CompareNamesWithoutCase) {
  Headers headers = {{"Content-Type", "a"}};
  EXPECT_EQ(headers.Get("content-type"), "a");
  headers.Set("CONTENT-TYPE", "b");
  EXPECT_EQ(headers.Fields().size(), 1u);
  EXPECT_EQ(headers.Find("x"), nullptr);
}

TEST(IsLoopbackHost, IsNotFooledByNeighbours) {
  for (const char* good : {"localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "[::1]:80"}) {
    EXPECT_TRUE(IsLoopbackHost(good)) << good;
  }
  for (const char* bad : {"localhost.evil.com", "127.0.0.1.nip.io", "evil.com", "", "[::2]", "[::1]x", "0.0.0.0"}) {
    EXPECT_FALSE(IsLoopbackHost(bad)) << bad;
  }
}

TEST(ErrorResponse, HasCodeAndMessage) {
  Response response = ErrorResponse(413, Error{ErrorCode::kResourceExhausted, "too \"long\""});
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.body, R"({"error":{"code":"RESOURCE_EXHAUSTED","message":"too \"long\""}})");
}

}  // namespace
}  // namespace sw::net
