// Tables of routes: what most resources' routes are, a row each. Inside this room only.
//
//   constexpr AnswerRoute kRoutes[] = {
//       {net::Method::kGet, "/seaworthy/v1/models", "models.read", Models, "Registered models."}};
//   AddAnswers(context, kRoutes, routes);
#pragma once

#include <span>

#include "api/native/routes.h"

namespace sw::native {

// Answers with JSON, on a worker thread.
struct AnswerRoute {
  net::Method method;
  const char* pattern;
  const char* scope;
  Result<Json> (*answer)(const Context&, const net::Request&);
  const char* summary;
  const char* query_schema = "";
  const char* request_schema = "";
  bool patient = false;  // may wait for a model to be loaded
};
void AddAnswers(const Context& context, std::span<const AnswerRoute> table, Routes& routes);

// A POST that starts a job and answers 202 {"job": id}.
struct JobRoute {
  const char* pattern;
  const char* scope;
  Result<net::Response> (*start)(const Context&, const net::Request&);
  const char* summary;
  const char* request_schema = "";
  const char* group = "data";
};
void AddJobs(const Context& context, std::span<const JobRoute> table, Routes& routes);

}  // namespace sw::native
