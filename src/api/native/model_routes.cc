#include "api/native/arguments.h"
#include "api/native/route_table.h"
#include "base/errors.h"

namespace sw::native {
namespace {

using net::Request;

Result<Json> Models(const Context& context, const Request& request) {
  Json models = Json::MakeArray();
  for (const registry::Model& model : SW_TRY(context.registry->Models(request.caller))) {
    models.Append(registry::ModelToJson(model));
  }
  return Json::MakeObject({{"models", std::move(models)}});
}

Result<Json> Versions(const Context& context, const Request& request) {
  Json versions = Json::MakeArray();
  for (const registry::Version& version :
       SW_TRY(context.registry->Versions(request.caller, request.Param("model")))) {
    versions.Append(registry::VersionToJson(version));
  }
  return Json::MakeObject({{"versions", std::move(versions)}});
}

Result<registry::Version> VersionOf(const Context& context, const Request& request) {
  return context.registry->Resolve(request.caller, request.Param("model"),
                                   request.Param("version"));
}

Result<Json> Version(const Context& context, const Request& request) {
  const registry::Version version = SW_TRY(VersionOf(context, request));
  Json out = registry::VersionToJson(version);
  Json verdicts = Json::MakeArray();
  for (const registry::VerdictRecord& verdict :
       SW_TRY(context.registry->Verdicts(request.caller, version.model, version.number))) {
    verdicts.Append(registry::VerdictToJson(verdict));
  }
  out.Set("verdicts", std::move(verdicts));
  const auto engine = context.flow->DescribeEngine(version.package_id);
  out.Set("engine", engine ? *engine : Json::MakeObject({{"error", engine.error().message}}));
  return out;
}

Result<Json> Register(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"package_id", "run_id"}));
  return context.flow->Register(request.caller, {.model = std::string(request.Param("model")),
                                                 .package_id = SW_TRY(body.GetString("package_id")),
                                                 .run_id = SW_TRY(TextOr(body, "run_id", ""))});
}

Result<Json> Override(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"reason"}));
  const std::string reason = SW_TRY(body.GetString("reason"));
  if (reason.empty())
    return InvalidArgument("reason: say why this version may serve although no gate passed it");
  const registry::Version version = SW_TRY(VersionOf(context, request));
  return context.flow->Override(request.caller, version.model, version.number, reason);
}

Result<Json> Archive(const Context& context, const Request& request) {
  const registry::Version version = SW_TRY(VersionOf(context, request));
  SW_TRY(context.registry->Archive(request.caller, version.model, version.number));
  return registry::VersionToJson(
      SW_TRY(context.registry->Get(request.caller, version.model, version.number)));
}

Result<Json> SetAlias(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"version"}));
  const std::int64_t version = SW_TRY(body.GetInt("version"));
  SW_TRY(context.registry->SetAlias(request.caller, request.Param("model"), request.Param("alias"),
                                    version));
  return registry::ModelToJson(
      SW_TRY(context.registry->GetModel(request.caller, request.Param("model"))));
}

Result<Json> DropAlias(const Context& context, const Request& request) {
  SW_TRY(
      context.registry->DropAlias(request.caller, request.Param("model"), request.Param("alias")));
  return registry::ModelToJson(
      SW_TRY(context.registry->GetModel(request.caller, request.Param("model"))));
}

constexpr AnswerRoute kRoutes[] = {
    {net::Method::kGet, "/seaworthy/v1/models", "models.read", Models,
     "Registered models with their aliases."},
    {net::Method::kGet, "/seaworthy/v1/models/{model}/versions", "models.read", Versions,
     "Versions of a model, newest first."},
    {net::Method::kPost, "/seaworthy/v1/models/{model}/versions", "models.write", Register,
     "Registers a package as the model's next version.", "",
     R"({"type":"object","required":["package_id"],"properties":{"package_id":{"type":"string"},"run_id":{"type":"string"}}})", true},
    {net::Method::kGet, "/seaworthy/v1/models/{model}/versions/{version}", "models.read", Version,
     "One version, by number, alias or `latest`, with its verdicts and what scores it.", "", "", true},
    {net::Method::kPost, "/seaworthy/v1/models/{model}/versions/{version}/override",
     "models.override", Override, "Records an operator's word for a version that no gate passed.", "",
     R"({"type":"object","required":["reason"],"properties":{"reason":{"type":"string"}}})"},
    {net::Method::kPost, "/seaworthy/v1/models/{model}/versions/{version}/archive", "models.write",
     Archive, "Takes a version out of use."},
    {net::Method::kPut, "/seaworthy/v1/models/{model}/aliases/{alias}", "models.write", SetAlias,
     "Points an alias at a version.", "",
     R"({"type":"object","required":["version"],"properties":{"version":{"type":"integer"}}})"},
    {net::Method::kDelete, "/seaworthy/v1/models/{model}/aliases/{alias}", "models.write",
     DropAlias, "Removes an alias."},
};

}  // namespace

void AddModelRoutes(const Context& context, Routes& routes) {
  AddAnswers(context, kRoutes, routes);
}

}  // namespace sw::native
