#include "app/routes.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "api/grpc/reflection.h"
#include "api/metrics/metrics.h"
#include "api/mlflow_scoring/mlflow_scoring.h"
#include "api/native/grpc.h"
#include "api/native/openapi.h"
#include "api/native/routes.h"
#include "api/open_inference/grpc.h"
#include "api/open_inference/nv_metrics.h"
#include "api/open_inference/open_inference.h"
#include "api/sagemaker/sagemaker.h"
#include "api/tensorflow_serving/grpc.h"
#include "api/tensorflow_serving/tensorflow_serving.h"
#include "api/vertex/vertex.h"
#include "app/feast.h"

namespace sw::app {
namespace {

net::Route HealthRoute() {
  return {.method = net::Method::kGet,
          .pattern = "/health",
          .is_readiness = true,
          .handler = net::AnswerJson([](const net::Request&) -> Result<Json> {
            return Json::MakeObject({{"status", "ok"}, {"version", SW_VERSION}});
          }),
          .summary = "200 once the server is ready.",
          .response_schema = R"({"type":"object","required":["status"]})"};
}

}  // namespace

std::vector<net::Route> AllRoutes(const native::Context& context, const base::Counters& counters,
                                  std::shared_ptr<grpc::Health> health, const std::string& default_endpoint,
                                  base::LogLevel log_level, std::vector<net::Route> feast_routes) {
  std::vector<net::Route> routes = native::NativeRoutes(context);
  const auto add = [&](std::vector<net::Route> more) { std::ranges::move(more, std::back_inserter(routes)); };
  add(native::GrpcRoutes(context));
  add(metrics::MetricsRoutes(counters, [endpoints = context.endpoints](bool is_open_metrics) {
    return open_inference::NvMetrics(*endpoints, is_open_metrics);
  }));
  add(open_inference::OpenInferenceRoutes({context.endpoints, SW_VERSION, log_level}));
  add(open_inference::GrpcRoutes({context.endpoints, SW_VERSION, log_level}, *context.clock));
  add(tensorflow_serving::TensorflowServingRoutes(context.endpoints));
  add(tensorflow_serving::GrpcRoutes(context.endpoints, *context.clock));
  add(mlflow_scoring::MlflowScoringRoutes({context.endpoints, default_endpoint, SW_VERSION}));
  add(sagemaker::SagemakerRoutes(context.endpoints));
  add(vertex::VertexRoutes(context.endpoints));
  add(std::move(feast_routes));
  routes.push_back(HealthRoute());
  add(grpc::HealthRoutes(*context.clock, std::move(health)));
  add(grpc::ReflectionRoutes(*context.clock, grpc::ServicesOf(routes)));
  auto document = std::make_shared<Json>();
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/seaworthy/v1/openapi.json",
                    .handler = net::AnswerJson(
                        [document](const net::Request&) -> Result<Json> { return *document; }),
                    .summary = "This API as an OpenAPI document."});
  *document = native::OpenApi(routes, SW_VERSION);
  return routes;
}

std::vector<net::Route> DocumentedRoutes() {
  native::Context context;
  context.advance_clock = [](TimeUs) -> Status { return Ok(); };
  static const base::SystemClock clock;
  context.clock = &clock;
  const base::Counters counters;
  return AllRoutes(context, counters, std::make_shared<grpc::Health>(std::vector<std::string>()), {}, base::LogLevel::kInfo,
                   FeastServer::DocumentedRoutes(clock));
}

std::vector<std::string> KnownScopes() {
  std::set<std::string> scopes;
  for (const net::Route& route : DocumentedRoutes()) {
    if (!route.scope.empty()) scopes.insert(route.scope);
  }
  return {scopes.begin(), scopes.end()};
}

bool KeepsWorkspacesApart(const net::Route& route) {
  return route.scope == "jobs.read" || route.scope == "keys.read" || route.scope == "keys.write" ||
         route.scope == "models.read" || route.scope == "models.write" ||
         route.scope == "runs.read" || route.scope == "runs.write";
}

}  // namespace sw::app
