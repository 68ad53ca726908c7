// What Triton's clients manage beside inference: repository, statistics, trace and log settings. Inside this
// room only.
//
//   for (net::Route& route : ManagementRoutes(context)) routes.push_back(std::move(route));
#pragma once

#include <string>
#include <vector>

#include "api/open_inference/open_inference.h"
#include "base/json.h"
#include "base/result.h"
#include "net/router.h"

namespace sw::open_inference {

// A route that answers at once, and its error as all of this protocol are.
struct JsonRoute {
  net::Method method;
  const char* pattern;
  const char* scope;
  Result<Json> (*answer)(const Context&, const net::Request&);
  const char* summary;
};
net::Route RouteOf(const Context& context, const JsonRoute& row, std::string pattern);

std::vector<net::Route> ManagementRoutes(const Context& context);

}  // namespace sw::open_inference
