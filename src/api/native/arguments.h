// Arguments: what a request says, read with errors that name the key. Inside this room only. Pure.
//
//   Json body = SW_TRY(BodyOf(request, {"recipe", "from", "until"}));
//   TimeUs from = SW_TRY(TimeOr(body, "from", 0));
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "api/native/context.h"
#include "net/http.h"

namespace sw::native {

// The body as an object; {} when there is none. INVALID_ARGUMENT for a key that is not one of
// `known`, with near misses.
Result<Json> BodyOf(const net::Request& request, std::initializer_list<std::string_view> known);
Status CheckKeys(const Json& object, std::initializer_list<std::string_view> known,
                 std::string_view where);

// Absent or null: the fallback; of another type: INVALID_ARGUMENT.
Result<std::string> TextOr(const Json& body, std::string_view key, std::string_view fallback);
Result<std::int64_t> IntOr(const Json& body, std::string_view key, std::int64_t fallback);
Result<double> NumberOr(const Json& body, std::string_view key, double fallback);
Result<bool> BoolOr(const Json& body, std::string_view key, bool fallback);
Result<TimeUs> TimeOr(const Json& body, std::string_view key, TimeUs fallback);  // RFC 3339
Result<DurationUs> DurationOr(const Json& body, std::string_view key, DurationUs fallback);  // "7d"
Result<std::vector<std::string>> TextsOr(const Json& body, std::string_view key);  // absent: none

// The same of query keys.
Result<std::int64_t> QueryInt(const net::Request& request, std::string_view key,
                              std::int64_t fallback, std::int64_t max);
Result<TimeUs> QueryTime(const net::Request& request, std::string_view key, TimeUs fallback);
std::string QueryText(const net::Request& request, std::string_view key);
bool QueryFlag(const net::Request& request, std::string_view key);  // "true" or "1"

// The number in a {name} part. INVALID_ARGUMENT.
Result<std::int64_t> ParamInt(const net::Request& request, std::string_view name);

// {key: list}; a list stands in an object, so that it can get neighbours later.
Result<Json> Listed(std::string_view key, Result<Json> list);

// Starts the job and answers 202 {"job": id}.
Result<net::Response> StartJob(const Context& context, const net::Request& request,
                               std::string kind, Jobs::Work work);

}  // namespace sw::native
