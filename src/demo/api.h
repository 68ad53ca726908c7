// Api: the demo's way to the server: its public routes, and nothing else. One owner.
#pragma once

#include <memory>
#include <string>

#include "app/client.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "net/client.h"

namespace sw::demo {

class Api {
 public:
  static Result<Api> Connect(const std::string& address);

  // As the commands do it; targets begin after /seaworthy/v1/.
  Result<Json> Get(const std::string& target);
  Result<Json> Post(const std::string& target, const Json& body);
  // Starts a job, waits until it is done, and gives its result.
  Result<Json> Run(const std::string& target, const Json& body);
  Status AdvanceClock(TimeUs now);
  // For traffic: raw requests on a connection of their own.
  net::Client& client() { return traffic_; }

 private:
  Api(std::unique_ptr<app::Client> commands, net::Client traffic)
      : commands_(std::move(commands)), traffic_(std::move(traffic)) {}
  std::unique_ptr<app::Client> commands_;
  net::Client traffic_;
};

}  // namespace sw::demo
