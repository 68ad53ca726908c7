#include "api/native/arguments.h"
#include "api/native/routes.h"
#include "base/errors.h"

namespace sw::native {
namespace {

Result<Json> Create(const Context& context, const net::Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"principal", "workspace", "scopes", "expires"}));
  auth::NewKey key;
  key.principal = SW_TRY(body.GetString("principal"));
  key.workspace = SW_TRY(TextOr(body, "workspace", ""));
  key.scopes = SW_TRY(TextsOr(body, "scopes"));
  key.expires = SW_TRY(TimeOr(body, "expires", 0));
  if (key.scopes.empty())
    return InvalidArgument("scopes: expected at least one, such as models.read, or * for all");
  const auth::CreatedKey created = SW_TRY(context.keyring->Create(request.caller, key));
  Json out = auth::KeyToJson(created.info);
  out.Set("key", created.secret);
  return out;
}

Result<Json> List(const Context& context, const net::Request& request) {
  Json keys = Json::MakeArray();
  for (const auth::KeyInfo& key : SW_TRY(context.keyring->List(request.caller)))
    keys.Append(auth::KeyToJson(key));
  return Json::MakeObject({{"keys", std::move(keys)}});
}

Result<Json> Revoke(const Context& context, const net::Request& request) {
  SW_TRY(context.keyring->Revoke(request.caller, request.Param("id")));
  return Json::MakeObject({{"revoked", request.Param("id")}});
}

}  // namespace

void AddKeyRoutes(const Context& context, Routes& routes) {
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/keys",
       .scope = "keys.read",
       .group = "admin",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& r) { return List(context, r); }),
       .summary = "API keys of the caller's workspace, without their secrets."});
  routes.push_back(
      {.method = net::Method::kPost,
       .pattern = "/seaworthy/v1/keys",
       .scope = "keys.write",
       .group = "admin",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& r) { return Create(context, r); }),
       .summary = "Makes a key; its secret is shown in this answer and never again.",
       .request_schema = R"({"type":"object","required":["principal","scopes"],"properties":{)"
                         R"("principal":{"type":"string"},"workspace":{"type":"string"},)"
                         R"("scopes":{"type":"array","items":{"type":"string"}},)"
                         R"("expires":{"type":"string","format":"date-time"}}})"});
  routes.push_back(
      {.method = net::Method::kDelete,
       .pattern = "/seaworthy/v1/keys/{id}",
       .scope = "keys.write",
       .group = "admin",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& r) { return Revoke(context, r); }),
       .summary = "Revokes a key at once."});
}

}  // namespace sw::native
