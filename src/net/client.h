// Client: a blocking HTTP/1.1 client over one kept-alive connection, in clear or through TLS.
//
//   Client client("127.0.0.1", 8080);
//   Response answer = SW_TRY(client.Post("/seaworthy/v1/models", body));
//
// For an address that somebody else has chosen (a webhook) give it an EgressGuard, or use Fetch. An answer of 4xx or
// 5xx is a Response, not an Error; errors are those of the connection. One owner; make one a thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/egress.h"
#include "net/http.h"
#include "net/url.h"

struct ssl_ctx_st;

namespace sw::net {

class ClientSocket;
class ResponseParser;

struct ClientOptions {
  std::int64_t connect_timeout_ms = 5'000;
  std::int64_t timeout_ms = 60'000;  // of one call, from first byte sent to last received
  std::size_t response_bytes_max = 256u << 20;
  std::int64_t total_timeout_ms = 0;  // of connecting and the call together; 0: no further limit
  Headers headers = {};  // sent with each request: Authorization, for example
  std::string ca_file = {};  // PEM, of https: whom to trust; empty: the system's store
  std::shared_ptr<const EgressGuard> egress = {};  // null: any address will do
};

struct ClientRequest {
  Method method = Method::kGet;
  std::string target = {};  // path and query, percent-encoded
  std::string body = {};
  Headers headers = {};
};

class Client {
 public:
  Client(std::string host, std::uint16_t port, ClientOptions options = {});
  explicit Client(const Url& url, ClientOptions options = {});  // its host; not its path
  // "http://HOST:PORT", "https://HOST", "HOST:PORT" or "HOST" (in clear). INVALID_ARGUMENT for a path and rubbish.
  static Result<Client> FromUrl(std::string_view url, ClientOptions options = {});
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  // UNAVAILABLE: no connection, or it broke; UNAUTHENTICATED: its certificate; PERMISSION_DENIED: the guard; DEADLINE_EXCEEDED; RESOURCE_EXHAUSTED: answer too long;
  // DATA_LOSS: what came is not HTTP. A request without side effects is tried again once when a
  // kept-alive connection turns out to be dead.
  Result<Response> Send(const ClientRequest& request);
  // On a connection of its own. Hands on the body of a 200 as it comes, until it ends or `on_piece` says false; any
  // other answer comes back whole. timeout_ms is for silence, and no body is too long.
  Result<Response> Stream(const ClientRequest& request, const std::function<bool(std::string_view)>& on_piece);
  Result<Response> Get(std::string target);
  Result<Response> Post(std::string target, const Json& body);
  // The body of a 2xx answer as JSON; another answer becomes an Error with its message.
  Result<Json> Call(Method method, std::string target, const Json* body = nullptr);

  // Sends all requests without waiting, and reads as many answers, in order. For load.
  Result<std::vector<Response>> Pipeline(std::span<const ClientRequest> requests);

 private:
  struct Sending {
    std::string_view bytes;
    std::size_t sent = 0;
    bool is_refused = false;
    std::string_view Rest() const { return is_refused ? std::string_view() : bytes.substr(sent); }
  };
  Status Connect(std::int64_t deadline_ms);
  Result<bool> Transfer(Sending& sending, std::int64_t deadline_ms);
  Result<Response> Receive(ResponseParser& parser, Sending& sending, const std::function<bool(std::string_view)>& on_piece);
  std::unexpected<Error> BrokeEarly() const;
  void Disconnect();
  void AppendRequest(std::string& out, const ClientRequest& request) const;
  Result<std::vector<Response>> Exchange(const std::string& bytes, std::span<const ClientRequest> requests, std::int64_t deadline_ms);

  std::string host_;
  std::uint16_t port_ = 80;
  bool is_https_ = false;
  ClientOptions options_;
  std::shared_ptr<ssl_ctx_st> tls_;        // of https, once it has connected
  std::unique_ptr<ClientSocket> socket_;   // null: not connected
  std::string in_;  // received and not yet parsed
};

}  // namespace sw::net
