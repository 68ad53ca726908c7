// FeatureServer: what Feast's feature server does, for both of its wires: features of entities, and rows pushed.
//
//   FeatureServer server({.registry = registry, .rows = rows, .clock = clock, .project = "credit"});
//   net::Response answer = server.Online("credit", request.body);
//
// Thread-safe.
#pragma once

#include <proto/feast_serving.pb.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/feast/online_request.h"
#include "api/feast/plans.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "feast/online_rows.h"
#include "feast/registry.h"
#include "net/http.h"

namespace sw::feast {

class FeatureServer {
 public:
  // Rows of a frame into the view's table.
  using OfflineWriter = std::function<Status(const Project& project, const View& view, const Json& frame)>;
  struct Options {
    Registry* registry = nullptr;  // as all that is pointed at, outlives the server
    OnlineRows* rows = nullptr;
    const base::Clock* clock = nullptr;
    std::string project = {};              // of requests that name none; empty: the only one there is
    OfflineWriter write_offline = {};      // empty: nothing is written to tables
  };
  explicit FeatureServer(Options options) : options_(std::move(options)), plans_(options_.registry) {}

  Registry& registry() const { return *options_.registry; }
  const base::Clock& clock() const { return *options_.clock; }
  // FAILED_PRECONDITION: several projects, and none is the one of this server.
  Result<std::string> ProjectOr(std::string_view named) const;

  // The answer to a body of /get-online-features.
  net::Response Online(std::string_view project, std::string_view body);
  Status Online(std::string_view project, const ::feast::serving::GetOnlineFeaturesRequest& request, ::feast::serving::GetOnlineFeaturesResponse& response);

  // `to`: online, offline, online_and_offline. Online, all views that the source feeds get all rows, or none does.
  Status Push(std::string_view project, std::string_view source, const Json& frame, std::string_view to);
  Status WriteOnline(std::string_view project, std::string_view view, const Json& frame);

 private:
  Result<std::string> AnswerJson(std::string_view project, const OnlineRequest& request);
  const Options options_;
  Plans plans_;
};

// Feast's error as its HTTP clients read it: a JSON text that holds module, class and message.
net::Response FailureResponse(int status, const Error& error);
net::Response FailureResponse(const Error& error);

}  // namespace sw::feast
