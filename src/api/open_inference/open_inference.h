// The Open Inference Protocol, V2, over HTTP: what Triton's, KServe's and MLServer's clients speak.
//
//   for (net::Route& route : OpenInferenceRoutes(context)) routes.push_back(std::move(route));
//
// A model is an endpoint. A version in the URL bypasses its arms, and is logged as pinned. Pure; what
// the handlers do is the endpoints'.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::open_inference {

struct Context {
  serve::Endpoints* endpoints = nullptr;
  std::string program_version = {};
  base::LogLevel log_level = base::LogLevel::kInfo;  // for Triton's log settings
};

// What is pointed at outlives the routes.
std::vector<net::Route> OpenInferenceRoutes(const Context& context);

}  // namespace sw::open_inference
