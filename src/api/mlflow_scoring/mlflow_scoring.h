// MLflow's scoring server: what `mlflow models serve` answers, at the default endpoint.
//
//   POST /invocations {"dataframe_split": {"columns": ["wind", "hour"], "data": [[0.5, 3]]}}
//   ->  {"predictions": [0.25]}
//
// Pure; what the handlers do is the endpoints'.
#pragma once

#include <string>
#include <vector>

#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::mlflow_scoring {

struct Context {
  serve::Endpoints* endpoints = nullptr;  // outlives the routes
  std::string default_endpoint = {};      // empty: the only one
  std::string program_version = {};
};
std::vector<net::Route> MlflowScoringRoutes(const Context& context);

}  // namespace sw::mlflow_scoring
