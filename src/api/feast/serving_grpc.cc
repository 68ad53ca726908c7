#include "api/feast/serving_grpc.h"

#include <proto/feast_grpc_server.pb.h>

#include "api/grpc/service.h"
#include "base/errors.h"
#include "feast/failure.h"
#include "feast/values.h"

namespace sw::feast {
namespace {

namespace serving = ::feast::serving;
using grpc::Call;

// Clients get Python's str() of the exception, so without its class; a push source that is not there is their mistake.
Status Plain(Status status) {
  if (status) return status;
  const Exception exception = ExceptionOf(status.error());
  const ErrorCode code = exception.name == "PushSourceNotFoundException" ? ErrorCode::kInvalidArgument : status.error().code;
  return base::MakeError(code, std::string(exception.message));
}

Result<std::string> ProjectOf(const FeatureServer& server, const Call& call) { return server.ProjectOr(call.metadata.Get("feast-project")); }

// One row, as texts or as typed values.
template <typename Request>
Result<Json> FrameOf(const Request& request) {
  if (!request.features().empty() && !request.typed_features().empty()) {
    return InvalidArgument("Only one of features or typed_features may be set, not both");
  }
  Json frame = Json::MakeObject();
  for (const auto& [name, text] : request.features()) frame.Set(name, Json::MakeArray({text}));
  for (const auto& [name, value] : request.typed_features()) {
    std::string json;
    AppendValueJson(value.SerializeAsString(), json);
    frame.Set(name, Json::MakeArray({SW_TRY(Json::Parse(json))}));
  }
  return frame;
}

Status Push(FeatureServer& server, const Call& call, const ::PushRequest& request) {
  return server.Push(SW_TRY(ProjectOf(server, call)), request.stream_feature_view(), SW_TRY(FrameOf(request)), request.to());
}

Status Write(FeatureServer& server, const Call& call, const ::WriteToOnlineStoreRequest& request) {
  return server.WriteOnline(SW_TRY(ProjectOf(server, call)), request.feature_view_name(), SW_TRY(FrameOf(request)));
}

net::Route OnlineRoute(FeatureServer* server, const base::Clock& clock, const char* path) {
  return grpc::Unary<serving::GetOnlineFeaturesRequest, serving::GetOnlineFeaturesResponse>(
      clock, path, "features.read", [server](const Call& call, const serving::GetOnlineFeaturesRequest& request, serving::GetOnlineFeaturesResponse& response) -> Status {
        const auto project = ProjectOf(*server, call);
        if (!project) return Plain(std::unexpected(project.error()));
        return Plain(server->Online(*project, request, response));
      });
}

}  // namespace

std::vector<net::Route> ServingRoutes(FeatureServer* server, const base::Clock& clock) {
  std::vector<net::Route> routes;
  routes.push_back(OnlineRoute(server, clock, "/GrpcFeatureServer/GetOnlineFeatures"));
  routes.push_back(OnlineRoute(server, clock, "/feast.serving.ServingService/GetOnlineFeatures"));
  routes.push_back(grpc::Unary<serving::GetFeastServingInfoRequest, serving::GetFeastServingInfoResponse>(
      clock, "/feast.serving.ServingService/GetFeastServingInfo", "", [](const Call&, const serving::GetFeastServingInfoRequest&, serving::GetFeastServingInfoResponse& response) -> Status {
        response.set_version("0.67.0");  // whose answers these are
        return Ok();
      }));
  routes.push_back(grpc::Unary<::PushRequest, ::PushResponse>(clock, "/GrpcFeatureServer/Push", "features.write",
                                                              [server](const Call& call, const ::PushRequest& request, ::PushResponse& response) -> Status {
                                                                SW_TRY(Plain(Push(*server, call, request)));
                                                                response.set_status(true);
                                                                return Ok();
                                                              }));
  routes.push_back(grpc::Unary<::WriteToOnlineStoreRequest, ::WriteToOnlineStoreResponse>(
      clock, "/GrpcFeatureServer/WriteToOnlineStore", "features.write", [server](const Call& call, const ::WriteToOnlineStoreRequest& request, ::WriteToOnlineStoreResponse& response) -> Status {
        SW_TRY(Plain(Write(*server, call, request)));
        response.set_status(true);
        return Ok();
      }));
  return routes;
}

}  // namespace sw::feast
