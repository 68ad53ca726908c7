#include "api/sagemaker/sagemaker.h"

#include "api/sagemaker/invoke.h"
#include "base/errors.h"

namespace sw::sagemaker {
namespace {

using net::Request;

// InvokeEndpoint knows no 404: that there is no such endpoint is a ValidationError, too.
net::Response RenderRuntimeError(int status, const Error& error) { return RenderError(status == 404 ? 400 : status, error); }

Result<wire::Target> TargetOf(const serve::Endpoints& endpoints, const Request& request) {
  const std::string_view model = request.headers.Get("X-Amzn-SageMaker-Target-Model");
  if (!model.empty()) {
    return InvalidArgument("TargetModel {}: an endpoint here is one model; name it as EndpointName", model.substr(0, 64));
  }
  return wire::FindTarget(endpoints, request.Param("endpoint"), request.headers.Get("X-Amzn-SageMaker-Target-Variant"));
}

}  // namespace

std::vector<net::Route> SagemakerRoutes(serve::Endpoints* endpoints) {
  return {{.method = net::Method::kPost,
           .pattern = "/endpoints/{endpoint}/invocations",
           .scope = "predict",
           .handler = [endpoints](const Request& request, const net::Responder& responder) {
             Invoke(*endpoints, TargetOf(*endpoints, request), request, responder);
           },
           .render_error = RenderRuntimeError,
           .summary = "SageMaker's InvokeEndpoint: CSV without a header, JSON, JSON lines, libsvm or RecordIO-protobuf."}};
}

}  // namespace sw::sagemaker
