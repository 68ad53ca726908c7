#include "api/native/arguments.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/errors.h"
#include "data/schema.h"

namespace sw::native {
namespace {

bool IsAbsent(const Json* value) { return value == nullptr || value->IsNull(); }

std::unexpected<Error> WrongType(std::string_view key, std::string_view expected,
                                 const Json& found) {
  return InvalidArgument("{}: expected {}, found {}", key, expected, found.TypeName());
}

std::optional<std::int64_t> WholeNumber(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Status CheckKeys(const Json& object, std::initializer_list<std::string_view> known,
                 std::string_view where) {
  for (const auto& [key, value] : object.AsObject()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    const auto near = data::NearMisses(key, names);
    return InvalidArgument("{}: there is no key {}; {}", where, key,
                           near.empty() ? fmt::format("known are {}", fmt::join(names, ", "))
                                        : fmt::format("did you mean {}?", fmt::join(near, ", ")));
  }
  return Ok();
}

Result<Json> BodyOf(const net::Request& request, std::initializer_list<std::string_view> known) {
  if (request.body.empty()) return Json::MakeObject();
  Json body = SW_TRY(request.JsonBody());
  if (!body.IsObject())
    return InvalidArgument("request body: expected an object, found {}", body.TypeName());
  SW_TRY(CheckKeys(body, known, "request body"));
  return body;
}

Result<std::string> TextOr(const Json& body, std::string_view key, std::string_view fallback) {
  const Json* value = body.Find(key);
  if (IsAbsent(value)) return std::string(fallback);
  if (!value->IsString()) return WrongType(key, "a string", *value);
  return value->AsString();
}

Result<std::int64_t> IntOr(const Json& body, std::string_view key, std::int64_t fallback) {
  const Json* value = body.Find(key);
  if (IsAbsent(value)) return fallback;
  if (!value->IsInt()) return WrongType(key, "an integer", *value);
  return value->AsInt();
}

Result<double> NumberOr(const Json& body, std::string_view key, double fallback) {
  return IsAbsent(body.Find(key)) ? Result<double>(fallback) : body.GetDouble(key);
}

Result<bool> BoolOr(const Json& body, std::string_view key, bool fallback) {
  return IsAbsent(body.Find(key)) ? Result<bool>(fallback) : body.GetBool(key);
}

Result<TimeUs> TimeOr(const Json& body, std::string_view key, TimeUs fallback) {
  const std::string text = SW_TRY(TextOr(body, key, ""));
  if (text.empty()) return fallback;
  Result<TimeUs> time = base::ParseTime(text);
  if (!time)
    return InvalidArgument("{}: expected a time such as 2013-06-01T00:00:00Z, found {}", key, text);
  return time;
}

Result<DurationUs> DurationOr(const Json& body, std::string_view key, DurationUs fallback) {
  const std::string text = SW_TRY(TextOr(body, key, ""));
  if (text.empty()) return fallback;
  Result<DurationUs> duration = base::ParseDuration(text);
  if (!duration) return InvalidArgument("{}: expected a duration such as 7d, found {}", key, text);
  return duration;
}

Result<std::vector<std::string>> TextsOr(const Json& body, std::string_view key) {
  std::vector<std::string> texts;
  const Json* value = body.Find(key);
  if (IsAbsent(value)) return texts;
  if (!value->IsArray()) return WrongType(key, "an array of strings", *value);
  for (const Json& item : value->AsArray()) {
    if (!item.IsString()) return WrongType(key, "an array of strings", item);
    texts.push_back(item.AsString());
  }
  return texts;
}

Result<std::int64_t> QueryInt(const net::Request& request, std::string_view key,
                              std::int64_t fallback, std::int64_t max) {
  const auto text = request.Query(key);
  if (!text) return fallback;
  const auto value = WholeNumber(*text);
  if (!value || *value < 0 || *value > max) {
    return InvalidArgument("query key {}: expected a number from 0 to {}, found {}", key, max,
                           *text);
  }
  return *value;
}

Result<TimeUs> QueryTime(const net::Request& request, std::string_view key, TimeUs fallback) {
  const auto text = request.Query(key);
  if (!text) return fallback;
  Result<TimeUs> time = base::ParseTime(*text);
  if (!time)
    return InvalidArgument("query key {}: expected a time such as 2013-06-01T00:00:00Z, found {}",
                           key, *text);
  return time;
}

std::string QueryText(const net::Request& request, std::string_view key) {
  return request.Query(key).value_or("");
}

bool QueryFlag(const net::Request& request, std::string_view key) {
  const auto text = request.Query(key);
  return text == "true" || text == "1";
}

Result<std::int64_t> ParamInt(const net::Request& request, std::string_view name) {
  const auto value = WholeNumber(request.Param(name));
  if (!value) return InvalidArgument("{}: expected a number, found {}", name, request.Param(name));
  return *value;
}

Result<Json> Listed(std::string_view key, Result<Json> list) {
  if (!list) return list;
  return Json::MakeObject({{std::string(key), *std::move(list)}});
}

Result<net::Response> StartJob(const Context& context, const net::Request& request,
                               std::string kind, Jobs::Work work) {
  const std::string id =
      SW_TRY(context.jobs->Start(request.caller, std::move(kind), std::move(work)));
  return net::JsonResponse(202, Json::MakeObject({{"job", id}}));
}

}  // namespace sw::native
