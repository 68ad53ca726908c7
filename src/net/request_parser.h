// RequestParser: bytes to one request, incrementally; refuses whatever two parsers could read
// differently (request smuggling).
//
// Boost.Beast's basic_parser does the grammar. Ours on top: Transfer-Encoding only exactly
// "chunked", once, in HTTP/1.1, never beside Content-Length; one Content-Length; exactly one valid
// Host; no obs-fold, bare LF, bare CR or NUL in the head; origin-form or absolute http target.
//
//   RequestParser parser(limits);
//   Result<bool> done = parser.FeedHead(buffer, &used);   // true: head complete
//   while (!parser.BodyDone()) SW_TRY(parser.FeedBody(rest, &used, &body));
//
// One owner; one request a parser.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/limits.h"

namespace sw::net {

struct RequestHead {
  Request request;
  bool is_http11 = true;
  bool keep_alive = true;
  bool chunked = false;
  bool expect_continue = false;
  bool expect_unknown = false;
  std::optional<std::uint64_t> content_length;
};

class RequestParser {
 public:
  explicit RequestParser(const Limits& limits);
  ~RequestParser();

  // `buffer` is all that has arrived and was not consumed; call again with more of the same bytes.
  // True when the head is complete: `used` bytes are consumed. An error is final, Status() its HTTP
  // status, LimitName() the limit's name or "malformed".
  Result<bool> FeedHead(std::string_view buffer, std::size_t* used);
  RequestHead& Head();
  int HttpStatus() const { return status_; }
  std::string_view LimitName() const { return limit_name_; }

  bool BodyDone() const;
  // Appends body bytes to `body`, without framing. Zero `used` means: needs more bytes.
  Status FeedBody(std::string_view buffer, std::size_t* used, std::string* body);

 private:
  class Impl;
  std::unexpected<Error> Refuse(int status, std::string_view limit, std::string message);
  Status ScanHead(std::string_view buffer);

  const Limits& limits_;
  std::unique_ptr<Impl> impl_;
  std::size_t scanned_ = 0;     // bytes of the head already looked at
  std::size_t line_start_ = 0;  // of the line being looked at
  bool head_complete_ = false;
  int status_ = 400;
  std::string_view limit_name_ = "malformed";
};

}  // namespace sw::net
