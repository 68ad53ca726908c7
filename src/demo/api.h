// Api: the demo's way to the server: its public routes, and nothing else. One owner.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "net/client.h"

namespace sw::demo {

class Api {
 public:
  static Result<Api> Connect(const std::string& address);

  Result<Json> Get(const std::string& target);
  Result<Json> Post(const std::string& target, const Json& body);
  // Starts a job, waits until it is done, and gives its result.
  Result<Json> Run(const std::string& target, const Json& body);
  Status AdvanceClock(TimeUs now);
  net::Client& client() { return client_; }

 private:
  explicit Api(net::Client client) : client_(std::move(client)) {}
  net::Client client_;
};

}  // namespace sw::demo
