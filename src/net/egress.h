// EgressGuard: which addresses this process may connect to on somebody else's word, as of a webhook.
//
//   EgressGuard guard = SW_TRY(EgressGuard::Make({"*.example.com", "10.1.0.0/16"}));
//   std::vector<SocketAddress> addresses = SW_TRY(guard.Resolve(url.host, url.port));
//   ... connect to one of these, and to nothing else
//
// Without an entry only public addresses pass: loopback, private, link-local (the clouds' metadata),
// multicast, unspecified, documentation and other special ones do not, nor do IPv6 addresses that carry an
// IPv4 one. A host is resolved once: what was checked is what is connected to (no DNS rebinding).
// Immutable.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::net {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;
};
std::string AddressText(const SocketAddress& address);  // without the port
// UNAVAILABLE when the name has none. Waits as long as the system's resolver does.
Result<std::vector<SocketAddress>> ResolveHost(const std::string& host, std::uint16_t port);

class EgressGuard {
 public:
  using Resolver = std::function<Result<std::vector<SocketAddress>>(const std::string& host, std::uint16_t port)>;
  // Entries: a host, "*.DOMAIN" (any below it), an address, or a CIDR. A host or domain that is named may
  // have any address; an address that is named may be any host's. INVALID_ARGUMENT names a bad entry.
  static Result<EgressGuard> Make(const std::vector<std::string>& allowed, Resolver resolver = ResolveHost);

  // PERMISSION_DENIED when any of the host's addresses may not be connected to.
  Result<std::vector<SocketAddress>> Resolve(const std::string& host, std::uint16_t port) const;

 private:
  struct Range {
    int family = 0;
    std::array<std::uint8_t, 16> bytes = {};
    int bits = 0;
  };
  static Result<Range> ParseRange(const std::string& text);
  bool IsHostAllowed(const std::string& host) const;
  bool IsAddressAllowed(const SocketAddress& address) const;

  std::vector<std::string> hosts_;    // "example.com", or ".example.com" for what is below
  std::vector<Range> ranges_;
  Resolver resolver_;
};

// Whether an address is one of the public internet's.
bool IsPublicAddress(const SocketAddress& address);

}  // namespace sw::net
