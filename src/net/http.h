// The words of HTTP: method, headers, request, response. Which version carried them is invisible.
//
//   Response answer = JsonResponse(200, Json::MakeObject({{"status", "ok"}}));
//   std::optional<std::string> page = request.Query("page");
//
// Values; one owner each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/caller.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::net {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

std::string_view MethodName(Method method);  // "GET"; "OTHER" for kOther
Method ParseMethod(std::string_view name);   // kOther when unknown; case matters

using NameValues = std::vector<std::pair<std::string, std::string>>;

// Header fields in the order of arrival; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) : fields_(fields.begin(), fields.end()) {}
  // The first field of that name, or nullptr.
  const std::string* Find(std::string_view name) const;
  std::string_view Get(std::string_view name) const;  // empty when absent
  void Add(std::string name, std::string value) {
    if (fields_.capacity() == 0) fields_.reserve(kUsualCount);
    fields_.emplace_back(std::move(name), std::move(value));
  }
  void Set(std::string_view name, std::string value);
  const NameValues& Fields() const { return fields_; }
  bool operator==(const Headers&) const = default;

 private:
  static constexpr std::size_t kUsualCount = 8;
  NameValues fields_;
};

struct Request {
  Method method = Method::kGet;
  std::string path = {};   // as sent, percent-encoded, always begins with '/'
  std::string query = {};  // what follows '?', without it
  Headers headers = {};
  NameValues params = {};  // the {name} parts of the route's pattern, decoded
  std::string body = {};   // whole, for a buffered route; empty for a streaming one
  std::string peer = {};   // address of the client, without port
  Caller caller = {};      // what the Authorize hook answered

  // Value of a {name} part; empty when the pattern has no such part.
  std::string_view Param(std::string_view name) const;
  // First decoded value of a query key; none when absent.
  std::optional<std::string> Query(std::string_view key) const;
  // Parses the body as JSON; INVALID_ARGUMENT when it is none.
  Result<Json> JsonBody() const;
};

struct Response {
  int status = 200;
  Headers headers = {};  // Content-Length, Connection and Transfer-Encoding are the server's to write
  std::string body = {};
  Headers trailers = {};  // after the body, HTTP/2 only

  bool operator==(const Response&) const = default;
};

std::string_view StatusText(int status);  // "Not Found"
bool HasNoBody(int status);               // 204 and the like
bool IsFramingField(std::string_view name);  // the server's to write
// With a space for what could end the field early (response splitting).
void AppendFieldText(std::string& out, std::string_view text);

Response JsonResponse(int status, const Json& body);
Response TextResponse(int status, std::string body, std::string_view content_type = "text/plain; charset=utf-8");
// {"error":{"code":"NOT_FOUND","message":"..."}} with the code's own status, or with another.
Response ErrorResponse(const Error& error);
Response ErrorResponse(int status, const Error& error);

// The other way, for a client: the error that an answer of 4xx or 5xx tells, in our shape or in none;
// and the body of a 2xx answer as JSON (null when there is none).
Error ErrorOf(const Response& response);
Result<Json> JsonOf(const Response& response);

// Decodes %XX, and '+' as space where asked. INVALID_ARGUMENT on a bad escape or a NUL byte.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space = false);
// Encodes all but unreserved characters (RFC 3986).
std::string PercentEncode(std::string_view text);
// Splits "a=1&b=2" and decodes; a key may repeat. INVALID_ARGUMENT on a bad escape.
Result<NameValues> ParseQuery(std::string_view query);

bool EqualsNoCase(std::string_view a, std::string_view b);
// Whether a Host value (without scheme, with or without port) names the loopback interface.
bool IsLoopbackHost(std::string_view host);

}  // namespace sw::net
