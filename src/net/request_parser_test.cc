#include "net/request_parser.h"

#include <gtest/gtest.h>

#include <cstring>

namespace sw::net {
namespace {

using std::string;

constexpr char kPost[] = "POST /x HTTP/1.1\r\nHost: a\r\n";

// Reads all requests of a stream that comes in pieces of `step` bytes: "2:hi" is two requests, the
// bodies joined; "refused", "wait" when the stream ends early.
string Read(const string& bytes, std::size_t step) {
  Limits limits;
  std::size_t begin = 0;
  std::size_t end = 0;
  int count = 0;
  string body;
  while (begin < bytes.size()) {
    RequestParser parser(limits);
    bool has_head = false;
    for (;;) {
      std::size_t used = 0;
      std::string_view buffer = std::string_view(bytes).substr(begin, end - begin);
      if (!has_head) {
        Result<bool> complete = parser.FeedHead(buffer, &used);
        if (!complete) return "refused";
        has_head = *complete;
      } else if (!parser.FeedBody(buffer, &used, &body)) {
        return "refused";
      }
      begin += used;
      if (has_head && parser.BodyDone()) break;
      if (used > 0) continue;
      if (end == bytes.size()) return "wait";
      end = std::min(end + step, bytes.size());
    }
    ++count;
  }
  return std::to_string(count) + ":" + body;
}

struct Case {
  const char* what;
  string bytes;
  const char* expected;
};

string Get(const string& fields) { return "GET /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
string Post(const string& fields, const string& body) { return kPost + fields + "\r\n" + body; }
string Chunked(const string& body) { return Post("Transfer-Encoding: chunked\r\n", body); }
string With(string text, const string& from, const string& to) { return text.replace(text.find(from), from.size(), to); }

std::vector<Case> Cases() {
  const string get = Get("");
  return {
      {"length", Post("Content-Length: 2\r\n", "hi"), "1:hi"},
      {"chunked", Chunked("2\r\nhi\r\n0\r\n\r\n"), "1:hi"},
      {"chunked and empty", Chunked("0\r\n\r\n"), "1:"},
      {"chunk extension", Chunked("2;a=b\r\nhi\r\n0\r\n\r\n"), "1:hi"},
      {"trailer", Chunked("2\r\nhi\r\n0\r\nX: y\r\n\r\n"), "1:hi"},
      {"pipelined", get + get + get, "3:"},
      {"pipelined after body", Post("Content-Length: 2\r\n", "hi") + get, "2:hi"},
      {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "1:"},
      {"absolute target", With(get, "/x", "http://a/x"), "1:"},
      {"short body", Post("Content-Length: 5\r\n", "hi"), "wait"},
      {"length and chunked", Post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "refused"},
      {"chunked and length", Post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "refused"},
      {"two lengths", Post("Content-Length: 2\r\nContent-Length: 3\r\n", "hi!"), "refused"},
      {"two equal lengths", Post("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"), "refused"},
      {"length list", Post("Content-Length: 2, 2\r\n", "hi"), "refused"},
      {"length +2", Post("Content-Length: +2\r\n", "hi"), "refused"},
      {"length -2", Post("Content-Length: -2\r\n", "hi"), "refused"},
      {"length 0x2", Post("Content-Length: 0x2\r\n", "hi"), "refused"},
      {"length empty", Post("Content-Length: \r\n", ""), "refused"},
      {"length 1 2", Post("Content-Length: 1 2\r\n", "hi"), "refused"},
      {"length 2^64+2", Post("Content-Length: 18446744073709551618\r\n", "hi"), "refused"},
      {"xchunked", Post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "refused"},
      {"chunked, identity", Post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), "refused"},
      {"gzip, chunked", Post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "refused"},
      {"two codings", Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), "refused"},
      {"two chunked", Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "refused"},
      {"vertical tab", Post("Transfer-Encoding: \x0b" "chunked\r\n", "0\r\n\r\n"), "refused"},
      {"chunked in 1.0", With(Chunked("0\r\n\r\n"), "1.1", "1.0"), "refused"},
      {"space before colon", Post("Content-Length : 2\r\n", "hi"), "refused"},
      {"space in name", Post("Content Length: 2\r\n", "hi"), "refused"},
      {"folded line", Post("X: a\r\n Content-Length: 2\r\n", ""), "refused"},
      {"fold before first", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", "refused"},
      {"bare LF lines", "GET / HTTP/1.1\nHost: a\n\n", "refused"},
      {"one bare LF", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "refused"},
      {"bare CR in value", Get("X: a\rContent-Length: 5\r\n"), "refused"},
      {"CR then header", Get("X:\rTransfer-Encoding: chunked\r\n"), "refused"},
      {"NUL in value", Get(string("X: a\0b\r\n", 8)), "refused"},
      {"NUL in name", Get(string("X\0: a\r\n", 7)), "refused"},
      {"chunk size 2^64+2", Chunked("10000000000000002\r\nhi\r\n0\r\n\r\n"), "refused"},
      {"chunk size 0x2", Chunked("0x2\r\nhi\r\n0\r\n\r\n"), "refused"},
      {"chunk size with space", Chunked("2 \r\nhi\r\n0\r\n\r\n"), "refused"},
      {"chunk size -2", Chunked("-2\r\nhi\r\n0\r\n\r\n"), "refused"},
      {"chunk data without CRLF", Chunked("2\r\nhiXX0\r\n\r\n"), "refused"},
      {"chunk extension with LF", Chunked("2;a\nxx\r\nhi\r\n0\r\n\r\n"), "refused"},
      {"chunk size LF only", Chunked("2\nhi\r\n0\r\n\r\n"), "refused"},
      {"HTTP/0.9", "GET /x\r\n\r\n", "refused"},
      {"HTTP/1.2", With(get, "1.1", "1.2"), "refused"},
      {"HTTP/2.0 by hand", With(get, "1.1", "2.0"), "refused"},
      {"two spaces", With(get, "GET ", "GET  "), "refused"},
      {"tab in line", With(get, "GET ", "GET\t"), "refused"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", "refused"},
      {"two Hosts", Get("Host: b\r\n"), "refused"},
      {"empty Host", With(get, "Host: a", "Host: "), "refused"},
      {"Host with userinfo", With(get, "Host: a", "Host: a@b"), "refused"},
      {"Host with path", With(get, "Host: a", "Host: a/b"), "refused"},
      {"Host list", With(get, "Host: a", "Host: a,b"), "refused"},
      {"target without slash", With(get, "/x", "x"), "refused"},
      {"fragment", With(get, "/x", "/x#y"), "refused"},
      {"ftp target", With(get, "/x", "ftp://a/x"), "refused"},
      {"leading CRLF", "\r\n" + get, "refused"},
      {"TLS hello", string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 12), "refused"},
      {"40 KB value", Get("X: " + string(40000, 'a') + "\r\n"), "refused"},
      {"40 KB target", With(get, "/x", "/" + string(40000, 'a')), "refused"},
      {"40 KB without end", "GET /" + string(40000, 'a'), "refused"},
  };
}

TEST(RequestParser, ReadsHostileInputOneWayOnly) {
  for (const Case& c : Cases()) {
    for (std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
      EXPECT_EQ(Read(c.bytes, step), c.expected) << c.what << ", " << step << " bytes at a time";
    }
  }
}

TEST(RequestParser, NamesTheLimit) {
  Limits limits;
  std::size_t used = 0;
  RequestParser longer(limits);
  EXPECT_FALSE(longer.FeedHead(Get("X: " + string(40000, 'a') + "\r\n"), &used));
  EXPECT_EQ(longer.HttpStatus(), 431);
  EXPECT_EQ(longer.LimitName(), "header_bytes_max");
  RequestParser more(limits);
  string fields;
  for (int i = 0; i < 200; ++i) fields += "a: b\r\n";
  EXPECT_FALSE(more.FeedHead(Get(fields), &used));
  EXPECT_EQ(more.HttpStatus(), 431);
  EXPECT_EQ(more.LimitName(), "header_count_max");
}

TEST(RequestParser, DoesNotMergeTrailersIntoTheHead) {
  Limits limits;
  RequestParser parser(limits);
  string bytes = Chunked("0\r\nAuthorization: admin\r\n\r\n");
  std::size_t used = 0;
  ASSERT_TRUE(parser.FeedHead(bytes, &used).value());
  string body;
  std::size_t more = 0;
  ASSERT_TRUE(parser.FeedBody(std::string_view(bytes).substr(used), &more, &body));
  EXPECT_TRUE(parser.BodyDone());
  EXPECT_EQ(parser.Head().request.headers.Find("authorization"), nullptr);
}

TEST(RequestParser, SplitsTheTarget) {
  Limits limits;
  RequestParser parser(limits);
  std::size_t used = 0;
  ASSERT_TRUE(parser.FeedHead("GET http://h:1/a%2Fb?x=1&y HTTP/1.1\r\nHost: h\r\n\r\n", &used).value());
  EXPECT_EQ(parser.Head().request.path, "/a%2Fb");
  EXPECT_EQ(parser.Head().request.query, "x=1&y");
}

}  // namespace
}  // namespace sw::net
