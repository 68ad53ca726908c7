#include "api/sagemaker/container.h"

#include "api/sagemaker/invoke.h"

namespace sw::sagemaker {
namespace {

using net::Request;
using net::Responder;

void Ping(const ContainerContext& context, const Responder& responder) {
  const auto target = wire::FindTarget(*context.endpoints, context.model);
  if (!target) return responder.SendError(target.error());
  responder.Send(net::TextResponse(200, ""));
}

Json ExecutionParameters(const BatchTransform& batch) {
  return Json::MakeObject({{"MaxConcurrentTransforms", batch.transforms_max},
                           {"BatchStrategy", batch.is_single_record ? "SINGLE_RECORD" : "MULTI_RECORD"},
                           {"MaxPayloadInMB", batch.payload_mib_max}});
}

}  // namespace

std::vector<net::Route> ContainerRoutes(const ContainerContext& context) {
  return {{.method = net::Method::kGet,
           .pattern = "/ping",
           .is_readiness = true,
           .handler = [context](const Request&, const Responder& responder) { Ping(context, responder); },
           .render_error = RenderError,
           .summary = "200 once the model answers."},
          {.method = net::Method::kGet,
           .pattern = "/execution-parameters",
           .handler = net::AnswerJson([context](const Request&) -> Result<Json> { return ExecutionParameters(context.batch); }),
           .render_error = RenderError,
           .summary = "What a batch transform may send at once."},
          {.method = net::Method::kPost,
           .pattern = "/invocations",
           .scope = "predict",
           .handler =
               [context](const Request& request, const Responder& responder) {
                 Invoke(*context.endpoints, wire::FindTarget(*context.endpoints, context.model), request, responder,
                        context.default_accept);
               },
           .render_error = RenderError,
           .summary = "Scores CSV without a header, JSON, JSON lines, libsvm or RecordIO-protobuf."}};
}

}  // namespace sw::sagemaker
