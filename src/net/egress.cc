#include "net/egress.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include "base/errors.h"
#include "net/url.h"

namespace sw::net {
namespace {

struct Prefix {
  std::array<std::uint8_t, 16> bytes;
  int bits;
};

// IANA's special-purpose addresses that are not globally reachable, multicast, and what is reserved.
constexpr Prefix kSpecialV4[] = {
    {{0}, 8},            {{10}, 8},           {{100, 64}, 10},   {{127}, 8},           {{169, 254}, 16},
    {{172, 16}, 12},     {{192, 0, 0}, 24},   {{192, 0, 2}, 24}, {{192, 88, 99}, 24},  {{192, 168}, 16},
    {{198, 18}, 15},     {{198, 51, 100}, 24}, {{203, 0, 113}, 24}, {{224}, 4},        {{240}, 4}};
// Of IPv6 only 2000::/3 is global at all; within it: protocol assignments with Teredo, documentation, 6to4.
constexpr Prefix kGlobalV6 = {{0x20}, 3};
constexpr Prefix kSpecialV6[] = {{{0x20, 0x01, 0}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02}, 16}, {{0x3f, 0xff}, 20}};

bool HasPrefix(std::span<const std::uint8_t> address, std::span<const std::uint8_t> prefix, int bits) {
  for (int i = 0; 8 * i < bits; ++i) {
    const int left = std::min(8, bits - 8 * i);
    const auto mask = static_cast<std::uint8_t>(0xff00 >> left);
    if ((address[static_cast<std::size_t>(i)] & mask) != (prefix[static_cast<std::size_t>(i)] & mask)) return false;
  }
  return true;
}

std::span<const std::uint8_t> BytesOf(const SocketAddress& address) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&address.storage);
  if (address.storage.ss_family == AF_INET) return {bytes + offsetof(sockaddr_in, sin_addr), 4};
  return {bytes + offsetof(sockaddr_in6, sin6_addr), 16};
}

}  // namespace

std::string AddressText(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.storage.ss_family, BytesOf(address).data(), text.data(), text.size());
  return text.data();
}

Result<std::vector<SocketAddress>> ResolveHost(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); failed != 0) {
    return Unavailable("cannot resolve {}: {}", host, gai_strerror(failed));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.length = at->ai_addrlen;
  }
  freeaddrinfo(found);
  if (addresses.empty()) return Unavailable("cannot resolve {}: it has no address", host);
  return addresses;
}

bool IsPublicAddress(const SocketAddress& address) {
  const std::span<const std::uint8_t> bytes = BytesOf(address);
  const auto is_in = [&](const Prefix& prefix) { return HasPrefix(bytes, prefix.bytes, prefix.bits); };
  if (address.storage.ss_family == AF_INET) return std::ranges::none_of(kSpecialV4, is_in);
  return address.storage.ss_family == AF_INET6 && is_in(kGlobalV6) && std::ranges::none_of(kSpecialV6, is_in);
}

Result<EgressGuard::Range> EgressGuard::ParseRange(const std::string& text) {
  Range range;
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string address = text.substr(0, slash);
  range.family = address.find(':') == address.npos ? AF_INET : AF_INET6;
  if (inet_pton(range.family, address.c_str(), range.bytes.data()) != 1) return InvalidArgument("{} is no address", address);
  const int bits_max = range.family == AF_INET ? 32 : 128;
  range.bits = bits_max;
  if (slash == text.size()) return range;
  const auto [end, failed] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), range.bits);
  const bool is_fine = failed == std::errc() && end == text.data() + text.size() && range.bits >= 0 && range.bits <= bits_max;
  if (!is_fine) return InvalidArgument("{}: expected a number of bits from 0 to {} after '/'", text, bits_max);
  return range;
}

Result<EgressGuard> EgressGuard::Make(const std::vector<std::string>& allowed, Resolver resolver) {
  EgressGuard guard;
  guard.resolver_ = std::move(resolver);
  for (const std::string& entry : allowed) {
    const bool is_below = entry.starts_with("*.");
    if (Result<Range> range = ParseRange(entry)) {
      guard.ranges_.push_back(*range);
    } else if (entry.find_first_of("/:") != entry.npos) {
      return std::unexpected(range.error());
    } else {
      Result<Url> url = ParseUrl("http://" + entry.substr(is_below ? 2 : 0));
      if (!url) return InvalidArgument("{} is no host, *.DOMAIN, address or CIDR", entry);
      guard.hosts_.push_back((is_below ? "." : "") + url->host);
    }
  }
  return guard;
}

bool EgressGuard::IsHostAllowed(const std::string& host) const {
  return std::ranges::any_of(hosts_, [&](const std::string& allowed) {
    return allowed.starts_with('.') ? host.ends_with(allowed) : host == allowed;
  });
}

bool EgressGuard::IsAddressAllowed(const SocketAddress& address) const {
  return std::ranges::any_of(ranges_, [&](const Range& range) {
    return range.family == address.storage.ss_family && HasPrefix(BytesOf(address), range.bytes, range.bits);
  });
}

Result<std::vector<SocketAddress>> EgressGuard::Resolve(const std::string& host, std::uint16_t port) const {
  std::vector<SocketAddress> addresses = SW_TRY(resolver_(host, port));
  if (IsHostAllowed(host)) return addresses;
  for (const SocketAddress& address : addresses) {
    if (IsPublicAddress(address) || IsAddressAllowed(address)) continue;
    return PermissionDenied("{} leads to {}, which is no public address; allow the host or the address to connect to it", host,
                            AddressText(address));
  }
  return addresses;
}

}  // namespace sw::net
