// What Triton's clients manage beside inference: repository, statistics, trace and log settings. Inside this
// room only.
//
//   for (net::Route& route : ManagementRoutes(context)) routes.push_back(std::move(route));
#pragma once

#include <vector>

#include "api/open_inference/open_inference.h"
#include "net/router.h"

namespace sw::open_inference {

std::vector<net::Route> ManagementRoutes(const Context& context);

}  // namespace sw::open_inference
