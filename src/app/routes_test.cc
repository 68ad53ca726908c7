#include "app/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/native/openapi.h"
#include "app/offline.h"
#include "base/errors.h"
#include "base/files.h"

namespace sw::app {
namespace {

TEST(Routes, TheTableHasNoDuplicateAndEveryRouteIsDescribed) {
  const std::vector<net::Route> routes = DocumentedRoutes();
  const auto router = net::Router::Make(routes);
  ASSERT_TRUE(router) << router.error().message;
  const std::set<std::string> groups = {"data", "admin", "metrics"};
  const std::set<std::string> open = {"/", "/health", "/seaworthy/v1/openapi.json", "/seaworthy/v1/seaworthy.proto", "/v2", "/v2/health/live", "/v2/health/ready", "/ping", "/version", "/seaworthy/v1/endpoints/{endpoint}/try",
                                      "/inference.GRPCInferenceService/ServerLive", "/inference.GRPCInferenceService/ServerReady",
                                      "/inference.GRPCInferenceService/ServerMetadata",
                                      "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
                                      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                                      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
  for (const net::Route& route : routes) {
    EXPECT_TRUE(groups.contains(route.group)) << route.pattern;
    EXPECT_FALSE(route.summary.empty()) << route.pattern;
    EXPECT_EQ(route.scope.empty(), open.contains(route.pattern)) << route.pattern;
  }
}

// The document must name what the table has, no more and no less.
TEST(Routes, TheOpenApiDocumentHasEveryRouteAndNoOther) {
  const std::vector<net::Route> routes = DocumentedRoutes();
  const Json document = native::OpenApi(routes, "1");
  std::set<std::string> in_table, in_document, operation_ids;
  for (const net::Route& route : routes) {
    if (route.is_grpc) continue;
    std::string path = route.pattern;
    if (const std::size_t dots = path.find("...}"); dots != path.npos) path.erase(dots, 3);
    std::string method(net::MethodName(route.method));
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    in_table.insert(method + " " + path);
  }
  for (const auto& [path, methods] : document.Find("paths")->AsObject()) {
    for (const auto& [method, operation] : methods.AsObject()) {
      in_document.insert(method + " " + path);
      EXPECT_TRUE(operation_ids.insert(operation.StringOr("operationId", "")).second) << path;
      std::size_t declared = 0;
      const Json* parameters = operation.Find("parameters");
      for (const Json& parameter : parameters == nullptr ? Json::Array() : parameters->AsArray()) {
        if (parameter.StringOr("in", "") == "path") ++declared;
      }
      EXPECT_EQ(declared, static_cast<std::size_t>(std::ranges::count(path, '{'))) << path;
    }
  }
  EXPECT_EQ(in_document, in_table);
}

TEST(Routes, TheWrittenTableIsCurrent) {
  const auto written = base::ReadFile(SW_SOURCE_DIR "/docs/routes.md");
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_TRUE(*written == RoutesDocument())
      << "docs/routes.md is old: build/seaworthy routes > docs/routes.md";
}

TEST(Routes, WorkspacesAreKeptApartOrKeptOut) {
  int apart = 0;
  for (const net::Route& route : DocumentedRoutes()) apart += KeepsWorkspacesApart(route) ? 1 : 0;
  EXPECT_GT(apart, 10);
  EXPECT_FALSE(KeepsWorkspacesApart({.scope = "log.read"}));
  EXPECT_FALSE(KeepsWorkspacesApart({.scope = "predict"}));
}

}  // namespace
}  // namespace sw::app
