// Url: an absolute http or https URL, taken apart strictly. A value.
//
//   Url url = SW_TRY(ParseUrl("https://hooks.example.com/seaworthy?team=3"));
//
// Hostile input. What two parsers might read differently is refused: credentials, control characters,
// backslashes, percent signs and other than ASCII in the host, and numbers that are an address only to some
// (0x7f.1, 017700000001, 2130706433).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sw::net {

struct Url {
  bool is_https = false;
  std::string host = {};    // lower case, without a trailing dot, an IPv6 address without brackets
  std::uint16_t port = 0;   // as said, else 80 or 443
  std::string target = {};  // path and query, at least "/"

  bool operator==(const Url&) const = default;
};

// INVALID_ARGUMENT says what is wrong. A fragment is dropped.
Result<Url> ParseUrl(std::string_view text);

// Where a redirect from `base` leads: `location` may be absolute, or begin with "//" or "/".
Result<Url> ResolveLocation(const Url& base, std::string_view location);

// "example.com", "[::1]": an IPv6 address as a URL has it.
std::string BracketedHost(const std::string& host);

// AF_INET or AF_INET6, an IPv6 address without brackets.
bool IsAddress(int family, const std::string& text);

// "example.com", "[::1]:8080": without the port where it is the scheme's own.
std::string HostHeader(const Url& url);

}  // namespace sw::net
