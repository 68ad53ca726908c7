#include "net/router.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/errors.h"

namespace sw::net {

// A tree of segments: literals first, then the one {name}, then the rest.
struct Router::Node {
  std::map<std::string, std::shared_ptr<Node>, std::less<>> literals;
  std::shared_ptr<Node> any;
  std::vector<std::size_t> here;  // routes that end at this node
  std::vector<std::size_t> rest;  // routes with a last {name...}
};

namespace {

struct Segment {
  std::string text;  // the literal, or the name
  enum class Kind { kLiteral, kAny, kRest } kind = Kind::kLiteral;
};

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> out;
  out.reserve(8);
  path.remove_prefix(1);
  for (;;) {
    std::size_t end = path.find('/');
    out.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return out;
    path.remove_prefix(end + 1);
  }
}

Result<Segment> ParseSegment(std::string_view text, bool last, const std::string& pattern) {
  if (!text.starts_with('{')) {
    if (text.find_first_of("{}") != text.npos) return InvalidArgument("braces inside a segment: {}", pattern);
    return Segment{std::string(text), Segment::Kind::kLiteral};
  }
  if (!text.ends_with('}')) return InvalidArgument("segment not closed by '}}': {}", pattern);
  std::string_view name = text.substr(1, text.size() - 2);
  bool rest = name.ends_with("...");
  if (rest) name.remove_suffix(3);
  if (name.empty() || name.find_first_of("{}.") != name.npos) return InvalidArgument("bad name in {}", pattern);
  if (rest && !last) return InvalidArgument("'...' is only for the last segment: {}", pattern);
  return Segment{std::string(name), rest ? Segment::Kind::kRest : Segment::Kind::kAny};
}

Result<std::vector<Segment>> ParsePattern(const std::string& pattern) {
  if (!pattern.starts_with('/')) return InvalidArgument("pattern does not begin with '/': {}", pattern);
  std::vector<std::string_view> parts = Split(pattern);
  std::vector<Segment> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out.push_back(SW_TRY(ParseSegment(parts[i], i + 1 == parts.size(), pattern)));
  }
  return out;
}

bool Offers(const std::vector<std::string>& groups, const Route& route) {
  return groups.empty() || std::ranges::find(groups, route.group) != groups.end();
}

}  // namespace

// Names of the {name} parts against the path's segments; one shared decoding for all routes.
Result<NameValues> Router::Params(std::size_t route, const std::vector<std::string_view>& path) const {
  NameValues out;
  out.reserve(names_[route].size());
  for (const Name& name : names_[route]) {
    std::string_view raw = path[name.segment];
    if (name.is_rest) {
      const char* end = path.back().data() + path.back().size();
      raw = std::string_view(raw.data(), static_cast<std::size_t>(end - raw.data()));
    }
    out.emplace_back(name.name, SW_TRY(PercentDecode(raw)));
  }
  return out;
}

Response Route::RenderError(int status, const Error& error) const {
  return render_error ? render_error(status, error) : ErrorResponse(status, error);
}

Handler Answer(std::function<Result<Response>(const Request&)> function) {
  return [function = std::move(function)](Request request, Responder responder) {
    Result<Response> answer = function(request);
    if (!answer) return responder.SendError(answer.error());
    responder.Send(*std::move(answer));
  };
}

Handler AnswerJson(std::function<Result<Json>(const Request&)> function) {
  return Answer([function = std::move(function)](const Request& request) -> Result<Response> {
    Json body = SW_TRY(function(request));
    return JsonResponse(200, body);
  });
}

Result<Router> Router::Make(std::vector<Route> routes) {
  auto root = std::make_shared<Node>();
  std::vector<std::vector<Name>> names(routes.size());
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const Route& route = routes[i];
    if (static_cast<bool>(route.handler) == static_cast<bool>(route.stream_handler)) {
      return InvalidArgument("route {} needs exactly one handler", route.pattern);
    }
    Node* node = root.get();
    std::vector<std::size_t>* end = nullptr;
    const std::vector<Segment> pattern = SW_TRY(ParsePattern(route.pattern));
    for (std::size_t at = 0; at < pattern.size(); ++at) {
      const Segment& segment = pattern[at];
      if (segment.kind != Segment::Kind::kLiteral) names[i].push_back({at, segment.text, segment.kind == Segment::Kind::kRest});
      end = &node->rest;
      if (segment.kind == Segment::Kind::kRest) break;
      std::shared_ptr<Node>& next = segment.kind == Segment::Kind::kAny ? node->any : node->literals[segment.text];
      if (!next) next = std::make_shared<Node>();
      node = next.get();
      end = &node->here;
    }
    for (std::size_t other : *end) {
      if (routes[other].method != route.method) continue;
      return AlreadyExists("two routes answer {} {}: the other is {}", MethodName(route.method), route.pattern,
                           routes[other].pattern);
    }
    end->push_back(i);
  }
  Router router;
  router.routes_ = std::move(routes);
  router.names_ = std::move(names);
  router.root_ = std::move(root);
  return router;
}

namespace {

// Collects the methods met on the way, so that a miss can say 405 rather than 404.
struct Search {
  const std::vector<Route>& routes;
  const std::vector<std::string>& groups;
  Method method;
  std::vector<std::string_view> path;
  const Route* found = nullptr;
  std::vector<std::string_view> allow;

  bool Try(const std::vector<std::size_t>& candidates, Method wanted) {
    for (std::size_t index : candidates) {
      const Route& route = routes[index];
      if (!Offers(groups, route)) continue;
      if (route.method == wanted) {
        found = &route;
        return true;
      }
      allow.push_back(MethodName(route.method));
    }
    return false;
  }
  bool Take(const std::vector<std::size_t>& candidates) {
    return Try(candidates, method) || (method == Method::kHead && Try(candidates, Method::kGet));
  }
};

// A pattern has few segments and a node at most two children that match, both bounded by our own
// table; a path's segments beyond the table end the walk.
template <typename Node>
bool Walk(const Node& node, std::size_t depth, Search& search) {
  if (depth == search.path.size()) return search.Take(node.here);
  if (auto literal = node.literals.find(search.path[depth]); literal != node.literals.end()) {
    if (Walk(*literal->second, depth + 1, search)) return true;
  }
  if (node.any && !search.path[depth].empty() && Walk(*node.any, depth + 1, search)) return true;
  return search.Take(node.rest);
}

std::string JoinMethods(std::vector<std::string_view> methods) {
  std::ranges::sort(methods);
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  return fmt::format("{}", fmt::join(methods, ", "));
}

}  // namespace

Match Router::Find(Method method, std::string_view path, const std::vector<std::string>& groups) const {
  Match match;
  Search search{routes_, groups, method, Split(path), nullptr, {}};
  if (Walk(*root_, 0, search)) {
    Result<NameValues> params = Params(static_cast<std::size_t>(search.found - routes_.data()), search.path);
    if (params) {
      match.route = search.found;
      match.params = *std::move(params);
      return match;
    }
    match.status = 400;
    match.error = params.error();
    return match;
  }
  if (!search.allow.empty()) {
    match.status = 405;
    match.allow = JoinMethods(search.allow);
    match.error = InvalidArgument("{} is not for {}; use {}", MethodName(method), path, match.allow).error();
    return match;
  }
  match.status = 404;
  match.error = NotFound("no route {}", path).error();
  return match;
}

}  // namespace sw::net
