// What SageMaker asks of a container that serves.
//
//   GET  /ping                   200 once the model answers
//   POST /invocations            as InvokeEndpoint posts it
//   GET  /execution-parameters   what a batch transform may send at once
//
// Of a multi-model endpoint instead of /invocations: POST, GET and DELETE of /models, and
// POST /models/NAME/invoke. The routes hold no state: what is loaded is the ModelHost's. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::sagemaker {

// How a batch transform sends a file: what the container is told, or would like.
struct BatchTransform {
  std::size_t transforms_max = 1;   // requests at once
  bool is_single_record = false;    // a row a request
  std::size_t payload_mib_max = 6;  // of a request
};

struct ContainerContext {
  serve::Endpoints* endpoints = nullptr;  // outlives the routes
  std::string model = {};                 // the endpoint that /invocations scores by
  std::string default_accept = {};        // for requests without Accept; "": in kind
  BatchTransform batch = {};
};
std::vector<net::Route> ContainerRoutes(const ContainerContext& context);

struct HostedModel {
  std::string name;
  std::string url;  // where it lies on the container's disk
  bool operator==(const HostedModel&) const = default;
};

// What SageMaker loads into a multi-model container and takes out of it. A loaded model is an endpoint of
// its name. Implementations are thread-safe.
class ModelHost {
 public:
  virtual ~ModelHost() = default;
  // Slow. ALREADY_EXISTS; RESOURCE_EXHAUSTED when there is no room, which makes SageMaker unload others.
  virtual Status Load(const HostedModel& model) = 0;
  virtual Status Unload(const std::string& name) = 0;     // NOT_FOUND
  virtual std::vector<HostedModel> Models() const = 0;  // sorted by name
};
// `context.model` is not asked for. The host outlives the routes.
std::vector<net::Route> MultiModelRoutes(const ContainerContext& context, ModelHost* host);

}  // namespace sw::sagemaker
