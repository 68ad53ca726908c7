// ResponseParser: bytes to one response, incrementally. Internal to net; wraps Boost.Beast.
// One owner; one response a parser.
#pragma once

#include <memory>
#include <string_view>

#include "net/http.h"

namespace sw::net {

class ResponseParser {
 public:
  ResponseParser(bool is_head, std::size_t body_bytes_max);
  ~ResponseParser();
  // True when the response is complete; `used` bytes were consumed.
  Result<bool> Feed(std::string_view buffer, std::size_t* used);
  // The connection ended; true when that completes the response.
  bool FeedEnd();
  bool Started() const;
  bool KeepAlive() const;
  const Response& Head() const;  // its status and header fields, once they have come
  bool HasHead() const;
  std::string TakeBody();  // what has come of it since the last call; then Take has the rest
  Response Take();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw::net
