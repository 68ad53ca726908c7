#include "api/native/openapi.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/errors.h"
#include "base/text.h"

namespace sw::native {
namespace {

// Our own table's schemas: one that does not parse is a defect, found by any test.
Json Schema(const std::string& text) {
  if (text.empty()) return Json::MakeObject();
  Result<Json> parsed = Json::Parse(text);
  SW_CHECK(parsed.has_value(), "a route's schema is no JSON");
  return *std::move(parsed);
}

// "{stream...}" is our word for the rest of a path; OpenAPI has none, so it is {stream} there.
std::string PathOf(const std::string& pattern) {
  std::string path = pattern;
  if (const std::size_t dots = path.find("...}"); dots != path.npos) path.erase(dots, 3);
  return path;
}

Json Parameters(const net::Route& route) {
  Json parameters = Json::MakeArray();
  const std::string path = PathOf(route.pattern);
  for (std::size_t begin = path.find('{'); begin != path.npos; begin = path.find('{', begin + 1)) {
    parameters.Append(
        Json::MakeObject({{"name", path.substr(begin + 1, path.find('}', begin) - begin - 1)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", Json::MakeObject({{"type", "string"}})}}));
  }
  const Json query = Schema(route.query_schema);
  const Json* properties = query.Find("properties");
  for (const auto& [name, schema] :
       properties == nullptr ? Json::Object() : properties->AsObject()) {
    parameters.Append(Json::MakeObject(
        {{"name", name}, {"in", "query"}, {"required", false}, {"schema", schema}}));
  }
  return parameters;
}

Json JsonContent(Json schema, const std::string& type = {}) {
  return Json::MakeObject(
      {{type.empty() ? "application/json" : type, Json::MakeObject({{"schema", std::move(schema)}})}});
}

// "GET /seaworthy/v1/models/{model}" -> "get_models_model".
std::string OperationId(const net::Route& route) {
  std::string id = base::ToLower(net::MethodName(route.method));
  std::string_view path = route.pattern;
  if (path.starts_with("/seaworthy/v1")) path.remove_prefix(13);
  bool gap = true;
  for (const char c : path) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_word && gap) id += '_';
    if (is_word) id += c;
    gap = !is_word;
  }
  return id;
}

Json Operation(const net::Route& route) {
  const bool is_job = route.response_schema.find(R"("required":["job"])") != std::string::npos;
  Json success = Json::MakeObject({{"description", is_job ? "The job was started." : "Done."}});
  success.Set("content", JsonContent(Schema(route.response_schema), route.response_type));
  Json failure = Json::MakeObject(
      {{"description", "An error."},
       {"content", JsonContent(Json::MakeObject({{"$ref", "#/components/schemas/Error"}}))}});
  Json responses = Json::MakeObject();
  responses.Set(is_job ? "202" : "200", std::move(success));
  responses.Set("default", std::move(failure));
  Json operation = Json::MakeObject({{"operationId", OperationId(route)},
                                     {"summary", route.summary},
                                     {"tags", Json::MakeArray({route.group})},
                                     {"x-scope", route.scope}});
  if (Json parameters = Parameters(route); parameters.size() > 0)
    operation.Set("parameters", std::move(parameters));
  if (!route.request_schema.empty()) {
    operation.Set("requestBody",
                  Json::MakeObject({{"content", JsonContent(Schema(route.request_schema))}}));
  }
  operation.Set("responses", std::move(responses));
  if (!route.scope.empty()) {
    operation.Set("security", Json::MakeArray({Json::MakeObject({{"key", Json::MakeArray()}})}));
  }
  return operation;
}

std::vector<const net::Route*> Sorted(std::span<const net::Route> routes) {
  std::vector<const net::Route*> sorted;
  for (const net::Route& route : routes) sorted.push_back(&route);
  std::ranges::sort(sorted, [](const net::Route* a, const net::Route* b) {
    return std::tie(a->pattern, a->method) < std::tie(b->pattern, b->method);
  });
  return sorted;
}

}  // namespace

Json OpenApi(std::span<const net::Route> routes, std::string_view version) {
  Json paths = Json::MakeObject();
  for (const net::Route* route : Sorted(routes)) {
    if (route->is_grpc) continue;
    paths[PathOf(route->pattern)].Set(base::ToLower(net::MethodName(route->method)), Operation(*route));
  }
  const Json error =
      Schema(R"({"type":"object","required":["error"],"properties":{"error":{"type":"object",)"
             R"("required":["code","message"],"properties":{"code":{"type":"string"},)"
             R"("message":{"type":"string"}}}}})");
  const Json key = Schema(
      R"({"type":"http","scheme":"bearer","description":"An API key, where the server has any."})");
  return Json::MakeObject(
      {{"openapi", "3.1.0"},
       {"info", Json::MakeObject({{"title", "Seaworthy"}, {"version", version}})},
       {"paths", std::move(paths)},
       {"components", Json::MakeObject({{"schemas", Json::MakeObject({{"Error", error}})},
                                        {"securitySchemes", Json::MakeObject({{"key", key}})}})}});
}

std::string RoutesMarkdown(std::span<const net::Route> routes) {
  std::string out =
      "# Routes\n\nWritten by `build/seaworthy routes`; a test compares. A route without a scope "
      "asks nobody. The\n"
      "groups say which of them an address of `--listen` offers. `/seaworthy/v1/clock` takes POST "
      "only with\n"
      "`--clock=manual`.\n\n| method | path | scope | group | what it does "
      "|\n|---|---|---|---|---|\n";
  for (const net::Route* route : Sorted(routes)) {
    out += fmt::format("| {} | `{}` | {} | {} | {} |\n", net::MethodName(route->method),
                       route->pattern, route->scope, route->group, route->summary);
  }
  return out;
}

}  // namespace sw::native
