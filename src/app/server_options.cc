#include "app/server_options.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/errors.h"

namespace sw::app {
namespace {

// "127.0.0.1:8420/data+metrics": an address and the groups of routes that it offers.
net::Listen ListenOf(const std::string& text) {
  net::Listen listen;
  const std::size_t slash = text.find('/');
  listen.address = text.substr(0, slash);
  std::string_view groups =
      slash == std::string::npos ? std::string_view() : std::string_view(text).substr(slash + 1);
  while (!groups.empty()) {
    listen.groups.emplace_back(groups.substr(0, groups.find('+')));
    groups.remove_prefix(std::min(groups.size(), listen.groups.back().size() + 1));
  }
  return listen;
}

Result<std::optional<net::TlsFiles>> TlsOf(const Settings& settings) {
  net::TlsFiles files{settings.Text("tls_cert"), settings.Text("tls_key"), settings.Text("tls_client_ca")};
  if (!files.certificate.empty() && !files.key.empty()) return files;
  if (files.certificate.empty() && files.key.empty() && files.client_ca.empty() && settings.Text("tls_only") != "true") return std::nullopt;
  return InvalidArgument("TLS needs both --tls-cert and --tls-key");
}

Status CheckGroups(const net::Listen& listen) {
  for (const std::string& group : listen.groups) {
    if (group == "data" || group == "admin" || group == "metrics") continue;
    return InvalidArgument(
        "listen {}: there is no group {}; expected data, admin or metrics, with '+' between them",
        listen.address, group);
  }
  return Ok();
}

}  // namespace

Result<net::ServerOptions> ServerOptionsOf(const Settings& settings) {
  net::ServerOptions options;
  for (const std::string& text : settings.List("listen")) {
    options.listens.push_back(ListenOf(text));
    options.listens.back().tls_only = settings.Text("tls_only") == "true";
    SW_TRY(CheckGroups(options.listens.back()));
  }
  options.loops = static_cast<std::size_t>(settings.Count("loops"));
  options.limits.connections_max = static_cast<std::size_t>(settings.Count("connections_max"));
  options.limits.body_bytes_max = settings.Bytes("body_bytes_max");
  options.limits.bodies_bytes_max = settings.Bytes("bodies_bytes_max");
  options.limits.requests_per_second_max = static_cast<std::size_t>(settings.Count("requests_per_second_max"));
  options.limits.connection_age_max_ms = settings.Duration("connection_age_max") / base::kMillisecondUs;
  options.tls = SW_TRY(TlsOf(settings));
  return options;
}

}  // namespace sw::app
