#include "net/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/errors.h"
#include "base/text.h"

namespace sw::net {
namespace {

constexpr std::size_t kUrlBytesMax = 8'192;
constexpr std::size_t kHostBytesMax = 253;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameCharacter(char c) { return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-' || c == '_' || c == '.'; }

// Whether some would read the host as a number: its last label is one.
bool EndsInNumber(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  const bool is_hex = last.starts_with("0x") && std::ranges::all_of(last.substr(2), [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); });
  return is_hex || std::ranges::all_of(last, IsDigit);
}

Result<std::string> ParseHost(std::string_view text) {
  std::string host = base::ToLower(text);
  if (host.starts_with('[')) {
    host = host.ends_with(']') ? host.substr(1, host.size() - 2) : std::string();
    if (IsAddress(AF_INET6, host)) return host;
    return InvalidArgument("URL: {} is no IPv6 address", text.substr(0, 64));
  }
  if (host.ends_with('.')) host.pop_back();
  const bool is_name = !host.empty() && host.size() <= kHostBytesMax && host.front() != '.' && host.find("..") == host.npos &&
                       std::ranges::all_of(host, IsNameCharacter);
  if (!is_name) return InvalidArgument("URL: {} is no host name", text.substr(0, 64));
  if (EndsInNumber(host) && !IsAddress(AF_INET, host)) return InvalidArgument("URL: {} is no IPv4 address of four decimal numbers", text.substr(0, 64));
  return host;
}

Result<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failed == std::errc() && end == text.data() + text.size() && port != 0) return port;
  return InvalidArgument("URL: port {} is not a number from 1 to 65535", text.substr(0, 16));
}

}  // namespace

bool IsAddress(int family, const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(family, text.c_str(), bytes.data()) == 1;
}

Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kUrlBytesMax) return InvalidArgument("URL: longer than {} bytes", kUrlBytesMax);
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '\\'; })) {
    return InvalidArgument("URL: a space, a backslash, a control character or one beyond ASCII; encode it");
  }
  text = text.substr(0, text.find('#'));
  Url url;
  const std::size_t scheme_end = std::min(text.find("://"), text.size());
  const std::string scheme = base::ToLower(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return InvalidArgument("URL: expected http:// or https://");
  url.is_https = scheme == "https";
  text.remove_prefix(scheme_end + 3);
  const std::size_t path = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, path);
  url.target = std::string(text.substr(path));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (authority.find('@') != authority.npos) return InvalidArgument("URL: credentials before the host are not taken");
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  url.host = SW_TRY(ParseHost(authority.substr(0, colon)));
  url.port = url.is_https ? 443 : 80;
  if (colon != authority.npos) url.port = SW_TRY(ParsePort(authority.substr(colon + 1)));
  return url;
}

Result<Url> ResolveLocation(const Url& base, std::string_view location) {
  if (location.starts_with("//")) return ParseUrl(fmt::format("{}:{}", base.is_https ? "https" : "http", location));
  if (!location.starts_with('/')) return ParseUrl(location);
  return ParseUrl(fmt::format("{}://{}:{}{}", base.is_https ? "https" : "http", BracketedHost(base.host), base.port, location));
}

std::string BracketedHost(const std::string& host) { return host.find(':') == host.npos ? host : "[" + host + "]"; }

std::string HostHeader(const Url& url) {
  std::string host = BracketedHost(url.host);
  if (url.port != (url.is_https ? 443 : 80)) host += ":" + std::to_string(url.port);
  return host;
}

}  // namespace sw::net
