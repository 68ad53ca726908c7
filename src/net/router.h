// Route and Router: which handler answers which method and path, and what it needs for that.
//
//   Result<Router> router = Router::Make({{.method = Method::kGet, .pattern = "/models/{name}",
//                                          .scope = "models.read", .group = "data",
//                                          .handler = GetModel, .summary = "One model."}});
//
// A pattern's {name} stands for one whole segment; a literal segment is preferred to a {name}, and
// a last {name...} takes the rest of the path. HEAD is answered by GET's route. Immutable.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "net/responder.h"

namespace sw::net {

using Handler = std::function<void(Request, Responder)>;
using StreamHandler = std::function<void(Request, BodyReader, Responder)>;

struct Route {
  Method method = Method::kGet;
  std::string pattern = {};
  std::string scope = {};            // what the caller must have; empty: nobody is asked
  std::string group = "data";   // a listener offers groups
  std::size_t body_bytes_max = 0;  // of a buffered body; 0: Limits::body_bytes_max
  bool slow = false;            // runs on the server's executor, not on the loop
  bool patient = false;         // slow, and mostly waits for other work: runs where it keeps no other slow route waiting
  bool is_readiness = false;    // answers 503 once Server::FailReadiness was called
  bool is_grpc = false;         // a gRPC method: no part of the OpenAPI document
  // Exactly one of the two.
  Handler handler = {};
  StreamHandler stream_handler = {};
  // An error in another wire's shape; empty: ErrorResponse. `status` is HTTP's.
  std::function<Response(int status, const Error&)> render_error = {};
  // For the OpenAPI document.
  std::string summary = {};
  std::string query_schema = {};     // JSON schema of an object: the query's keys
  std::string request_schema = {};   // JSON schema, empty when there is no body
  std::string response_schema = {};  // JSON schema of the 200 answer
  std::string response_type = {};    // of its body; empty: application/json

  Response RenderError(int status, const Error& error) const;
};

// Wraps a function that answers at once. Errors become the route's error format.
Handler Answer(std::function<Result<Response>(const Request&)> function);
Handler AnswerJson(std::function<Result<Json>(const Request&)> function);

// Asked before a byte of the body is read, when the route has a scope.
using Authorize = std::function<Result<Caller>(const Request&, const Route&)>;

struct Match {
  const Route* route = nullptr;  // nullptr: see error
  NameValues params;
  int status = 200;
  Error error;
  std::string allow;  // with 405, the methods that the path has
};

class Router {
 public:
  // INVALID_ARGUMENT names a bad pattern; ALREADY_EXISTS names two routes that cannot be told apart.
  static Result<Router> Make(std::vector<Route> routes);

  // Among the routes of these groups (empty: all).
  Match Find(Method method, std::string_view path, const std::vector<std::string>& groups) const;
  const std::vector<Route>& Routes() const { return routes_; }

 private:
  struct Node;
  // A {name} of a pattern: which segment of the path it is.
  struct Name {
    std::size_t segment = 0;
    std::string name;
    bool is_rest = false;
  };
  Result<NameValues> Params(std::size_t route, const std::vector<std::string_view>& path) const;
  std::vector<Route> routes_;
  std::vector<std::vector<Name>> names_;  // of each route
  std::shared_ptr<const Node> root_;
};

}  // namespace sw::net
