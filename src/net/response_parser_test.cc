#include "net/response_parser.h"

#include <gtest/gtest.h>

namespace sw::net {
namespace {

// What is read of an answer that comes in pieces of `step` bytes: its body, or "refused", or "wait".
std::string Read(std::string_view bytes, std::size_t step, bool is_head = false) {
  ResponseParser parser(is_head, /*body_bytes_max=*/10);
  std::size_t begin = 0;
  for (std::size_t end = 0; end <= bytes.size();
       end = end == bytes.size() ? end + 1 : std::min(end + step, bytes.size())) {
    std::size_t used = 0;
    const Result<bool> done = parser.Feed(bytes.substr(begin, end - begin), &used);
    if (!done) return "refused";
    begin += used;
    if (*done) return parser.Take().body;
  }
  return parser.FeedEnd() ? parser.Take().body : "wait";
}

TEST(ResponseParser, ReadsTheSameHoweverItComes) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {ok + "Content-Length: 2\r\n\r\nhi", "hi"},
      {ok + "Content-Length: 0\r\n\r\n", ""},
      {ok + "Content-Length: 3\r\n\r\nhi", "wait"},
      {ok + "Content-Length: 11\r\n\r\nhi", "refused"},
      {ok + "\r\nuntil", "until"},
      {chunked + "2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", "hi!"},
      {chunked + "0\r\n\r\n", ""},
      {chunked + "2\r\nhi\r\n0\r\n", "wait"},
      {chunked + "b\r\nhi", "refused"},
      {"SSH-2.0-x\r\n\r\n", "refused"},
  };
  for (const auto& [bytes, expected] : cases) {
    for (const std::size_t step : {1, 2, 3, 4, 7, 1000}) {
      EXPECT_EQ(Read(bytes, step), expected) << bytes << ", " << step << " bytes at a time";
    }
  }
}

TEST(ResponseParser, ExpectsNoBodyAfterHead) {
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 1, /*is_head=*/true), "");
}

}  // namespace
}  // namespace sw::net
