#include "net/fetch.h"

#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/errors.h"
#include "net/client.h"
#include "net/url.h"

namespace sw::net {
namespace {

bool IsRedirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

// As browsers do: 307 and 308 keep the method, the others turn a POST into a GET.
void Redirect(FetchRequest& request, int status, bool is_same_server) {
  if (!is_same_server) request.headers = {};
  if (status == 307 || status == 308 || request.method == Method::kHead) return;
  request.method = Method::kGet;
  request.body.clear();
}

}  // namespace

Result<Response> Fetch(FetchRequest request, const FetchOptions& options) {
  SW_CHECK(options.egress != nullptr, "Fetch without an EgressGuard");
  const std::int64_t end_ms = base::MonotonicMs() + options.total_timeout_ms;
  Url url = SW_TRY(ParseUrl(request.url));
  for (int redirects = 0;; ++redirects) {
    const std::int64_t left_ms = end_ms - base::MonotonicMs();
    if (left_ms <= 0) return DeadlineExceeded("no answer in time (limit total_timeout_ms)");
    ClientOptions client_options;
    client_options.connect_timeout_ms = options.connect_timeout_ms;
    client_options.total_timeout_ms = client_options.timeout_ms = left_ms;
    client_options.response_bytes_max = options.response_bytes_max;
    client_options.ca_file = options.ca_file;
    client_options.egress = options.egress;
    Client client(url, std::move(client_options));
    Response answer = SW_TRY(client.Send({request.method, url.target, request.body, request.headers}));
    const std::string* location = answer.headers.Find("location");
    if (!IsRedirect(answer.status) || location == nullptr || redirects >= options.redirects_max) return answer;
    const Url next = SW_TRY(ResolveLocation(url, *location));
    if (url.is_https && !next.is_https) return FailedPrecondition("{} leads from https to http", url.host);
    const bool is_same_server = next.host == url.host && next.port == url.port && next.is_https == url.is_https;
    Redirect(request, answer.status, is_same_server);
    url = next;
  }
}

}  // namespace sw::net
