// gRPC's server reflection, v1 and v1alpha: grpcurl and grpcui need no .proto file.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "net/router.h"

namespace sw::grpc {

// `services` that are offered, by full name.
std::vector<net::Route> ReflectionRoutes(const base::Clock& clock, std::vector<std::string> services);

// The services that some routes answer, by full name, each once.
std::vector<std::string> ServicesOf(const std::vector<net::Route>& routes);

}  // namespace sw::grpc
