// Server: event loops, one a core, that carry requests to the router's handlers.
//
//   auto server = SW_TRY(Server::Start({.listens = {{.address = "127.0.0.1:0"}}}, router, counters));
//   Print(server->Addresses()[0]);
//   ...
//   SW_TRY(server->Drain(10'000));
//
// Handlers run on a loop and must not block, unless their route says `slow`. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/executor.h"
#include "net/limits.h"
#include "net/observer.h"
#include "net/router.h"

namespace sw::net {

struct Listen {
  std::string address = {};              // "127.0.0.1:8080", "[::1]:0", "0.0.0.0:80"; port 0: any free
  std::vector<std::string> groups = {};  // of routes offered here; empty: all
  // Refuses a Host or Origin header that does not name loopback (DNS rebinding, foreign pages).
  bool loopback_only = false;
  bool tls_only = false;  // refuses clear text; needs ServerOptions::tls
};

// PEM files. They are looked at every second: a certificate that was renewed needs no restart.
struct TlsFiles {
  std::string certificate = {};  // with its chain
  std::string key = {};
  std::string client_ca = {};    // clients must show a certificate of it; empty: nobody is asked
};

struct ServerOptions {
  std::vector<Listen> listens = {};
  std::optional<TlsFiles> tls = {};  // every listener then speaks TLS, too, on the same port
  std::size_t loops = 0;  // 0: one a core
  Limits limits = {};
  Authorize authorize = {};                  // required when a route has a scope
  base::Executor* executor = nullptr;   // required when a route is slow
  base::Executor* patient = nullptr;    // of patient routes; null: `executor` takes those, too
  std::function<std::int64_t()> now_ns = {};  // monotonic; empty: base::MonotonicNs
  RequestObserver* observer = nullptr;        // outlives the server; null: nobody is told
};

struct ServerState;
class Loop;

class Server {
 public:
  // UNAVAILABLE names an address that cannot be bound.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, Router router, base::Counters& counters);
  ~Server();  // cuts what is still open
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:43121", in the order of options.listens.
  const std::vector<std::string>& Addresses() const;
  std::uint16_t Port(std::size_t listen = 0) const;

  // Routes of readiness answer 503 from now on; all others go on: whoever sends traffic here has time to
  // stop before Drain closes the door.
  void FailReadiness();

  // Stops accepting, ends idle connections, lets requests in flight finish. DEADLINE_EXCEEDED when
  // some were left after timeout_ms; the destructor cuts them.
  Status Drain(std::int64_t timeout_ms);

 private:
  Server();
  void CloseListeners();
  std::unique_ptr<ServerState> state_;
  std::vector<std::string> addresses_;
  std::vector<int> listen_fds_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace sw::net
