// OpenApi: the OpenAPI 3.1 document of a route table, and the table itself for people. Pure.
//
//   Json document = OpenApi(router.Routes(), "0.1.0");
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "net/router.h"

namespace sw::native {

Json OpenApi(std::span<const net::Route> routes, std::string_view version);

// docs/routes.md: method, path, scope, group and summary of each route, sorted by path.
std::string RoutesMarkdown(std::span<const net::Route> routes);

}  // namespace sw::native
