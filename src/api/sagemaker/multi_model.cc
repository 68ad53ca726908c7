#include <algorithm>
#include <string>
#include <utility>

#include "api/sagemaker/container.h"
#include "api/sagemaker/invoke.h"
#include "base/errors.h"

namespace sw::sagemaker {
namespace {

using net::Request;
using net::Responder;

constexpr std::size_t kPageModels = 100;

Json ModelJson(const HostedModel& model) { return Json::MakeObject({{"modelName", model.name}, {"modelUrl", model.url}}); }

// SageMaker makes room when a load says 507.
net::Response RenderLoadError(int status, const Error& error) {
  return RenderError(error.code == ErrorCode::kResourceExhausted && status == 429 ? 507 : status, error);
}

Result<Json> LoadModel(ModelHost& host, const Request& request) {
  const Json body = SW_TRY(request.JsonBody());
  const HostedModel model{SW_TRY(body.GetString("model_name")), SW_TRY(body.GetString("url"))};
  SW_TRY(host.Load(model));
  return ModelJson(model);
}

// The next page begins after the last name of this one.
Result<Json> ListModels(const ModelHost& host, const Request& request) {
  const std::vector<HostedModel> models = host.Models();
  auto model = std::ranges::upper_bound(models, request.Query("next_page_token").value_or(""), {}, &HostedModel::name);
  Json page = Json::MakeArray();
  for (; model != models.end() && page.size() < kPageModels; ++model) page.Append(ModelJson(*model));
  Json answer = Json::MakeObject({{"models", std::move(page)}});
  if (model != models.end()) answer.Set("nextPageToken", std::prev(model)->name);
  return answer;
}

Result<Json> ShowModel(const ModelHost& host, const Request& request) {
  const std::vector<HostedModel> models = host.Models();
  const auto found = std::ranges::find(models, request.Param("model"), &HostedModel::name);
  if (found == models.end()) return NotFound("model {} is not loaded", request.Param("model"));
  return ModelJson(*found);
}

Result<Json> UnloadModel(ModelHost& host, const Request& request) {
  SW_TRY(host.Unload(std::string(request.Param("model"))));
  return Json::MakeObject();
}

net::Route JsonRoute(net::Method method, const char* pattern, std::function<Result<Json>(const Request&)> answer, const char* summary) {
  return {.method = method,
          .pattern = pattern,
          .scope = "predict",
          .handler = net::AnswerJson(std::move(answer)),
          .render_error = RenderError,
          .summary = summary};
}

}  // namespace

std::vector<net::Route> MultiModelRoutes(const ContainerContext& context, ModelHost* host) {
  net::Route ping{.method = net::Method::kGet,
                  .pattern = "/ping",
                  .is_readiness = true,
                  .handler = [](const Request&, const Responder& responder) { responder.Send(net::TextResponse(200, "")); },
                  .render_error = RenderError,
                  .summary = "200: models come later."};
  net::Route load = JsonRoute(net::Method::kPost, "/models", [host](const Request& request) { return LoadModel(*host, request); },
                              "Loads a model; 409 when it is loaded, 507 when there is no room.");
  load.slow = true;
  load.patient = true;
  load.render_error = RenderLoadError;
  net::Route invoke{.method = net::Method::kPost,
                    .pattern = "/models/{model}/invoke",
                    .scope = "predict",
                    .handler =
                        [context](const Request& request, const Responder& responder) {
                          Invoke(*context.endpoints, wire::FindTarget(*context.endpoints, request.Param("model")), request,
                                 responder, context.default_accept);
                        },
                    .render_error = RenderError,
                    .summary = "As /invocations of a container of one model."};
  return {std::move(ping),
          std::move(load),
          JsonRoute(net::Method::kGet, "/models", [host](const Request& request) { return ListModels(*host, request); }, "The loaded models."),
          JsonRoute(net::Method::kGet, "/models/{model}", [host](const Request& request) { return ShowModel(*host, request); }, "A loaded model."),
          JsonRoute(net::Method::kDelete, "/models/{model}", [host](const Request& request) { return UnloadModel(*host, request); }, "Takes a model out."),
          std::move(invoke)};
}

}  // namespace sw::sagemaker
