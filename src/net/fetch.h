// Fetch: one request to a URL that somebody else has chosen, as of a webhook, behind an EgressGuard.
//
//   Response answer = SW_TRY(Fetch({.method = Method::kPost, .url = url, .body = text}, {.egress = guard}));
//
// Each call connects anew; for many requests to one known server use Client. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/egress.h"
#include "net/http.h"

namespace sw::net {

struct FetchRequest {
  Method method = Method::kGet;
  std::string url = {};
  std::string body = {};
  Headers headers = {};  // dropped where a redirect leads to another host: they may hold a secret
};

struct FetchOptions {
  std::shared_ptr<const EgressGuard> egress = {};  // required
  int redirects_max = 0;  // followed, each checked like the first; more: the 3xx is the answer
  std::int64_t connect_timeout_ms = 5'000;
  std::int64_t total_timeout_ms = 30'000;     // redirects included; the system's resolver has its own times
  std::size_t response_bytes_max = 1u << 20;
  std::string ca_file = {};                   // as ClientOptions'
};

// Errors as of ParseUrl and Client::Send. A redirect from https to http is FAILED_PRECONDITION.
Result<Response> Fetch(FetchRequest request, const FetchOptions& options);

}  // namespace sw::net
