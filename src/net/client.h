// Client: a blocking HTTP/1.1 client over one kept-alive connection; no TLS.
//
//   Client client("127.0.0.1", 8080);
//   Response answer = SW_TRY(client.Post("/seaworthy/v1/models", body));
//
// An answer of 4xx or 5xx is a Response, not an Error; errors are those of the connection. One
// owner; make one a thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace sw::net {

struct ClientOptions {
  std::int64_t connect_timeout_ms = 5'000;
  std::int64_t timeout_ms = 60'000;  // of one call, from first byte sent to last received
  std::size_t response_bytes_max = 256u << 20;
  Headers headers = {};  // sent with each request: Authorization, for example
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
  // "http://HOST:PORT", "HOST:PORT" or "HOST" (port 80). INVALID_ARGUMENT for https and rubbish.
  static Result<Client> FromUrl(std::string_view url, ClientOptions options = {});
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  // UNAVAILABLE: no connection, or it broke; DEADLINE_EXCEEDED; RESOURCE_EXHAUSTED: answer too long;
  // DATA_LOSS: what came is not HTTP. A request without side effects is tried again once when a
  // kept-alive connection turns out to be dead.
  Result<Response> Send(const ClientRequest& request);
  Result<Response> Get(std::string target);
  Result<Response> Post(std::string target, const Json& body);
  // The body of a 2xx answer as JSON; another answer becomes an Error with its message.
  Result<Json> Call(Method method, std::string target, const Json* body = nullptr);

  // Sends all requests without waiting, and reads as many answers, in order. For load.
  Result<std::vector<Response>> Pipeline(std::span<const ClientRequest> requests);

 private:
  Status Connect(std::int64_t deadline_ms);
  bool IsStale() const;
  void Disconnect();
  void AppendRequest(std::string& out, const ClientRequest& request) const;
  Result<std::vector<Response>> Exchange(const std::string& bytes, std::span<const ClientRequest> requests);

  std::string host_;
  std::uint16_t port_ = 80;
  ClientOptions options_;
  int fd_ = -1;
  std::string in_;  // received and not yet parsed
};

}  // namespace sw::net
