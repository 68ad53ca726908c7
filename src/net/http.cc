#include "net/http.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "base/text.h"

namespace sw::net {
namespace {

constexpr std::array<std::string_view, 8> kMethodNames = {"GET",   "HEAD",   "POST",    "PUT",
                                                          "PATCH", "DELETE", "OPTIONS", "OTHER"};

struct StatusName {
  int status;
  std::string_view text;
};
constexpr StatusName kStatusNames[] = {
    {100, "Continue"},          {200, "OK"},
    {201, "Created"},           {202, "Accepted"},
    {204, "No Content"},        {206, "Partial Content"},
    {301, "Moved Permanently"}, {302, "Found"},
    {303, "See Other"},         {304, "Not Modified"},
    {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
    {400, "Bad Request"},       {401, "Unauthorized"},
    {403, "Forbidden"},         {404, "Not Found"},
    {405, "Method Not Allowed"}, {406, "Not Acceptable"},
    {408, "Request Timeout"},   {409, "Conflict"},
    {410, "Gone"},              {411, "Length Required"},
    {412, "Precondition Failed"}, {413, "Content Too Large"},
    {414, "URI Too Long"},      {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
    {421, "Misdirected Request"}, {422, "Unprocessable Content"},
    {424, "Failed Dependency"}, {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"}, {499, "Client Closed Request"},
    {500, "Internal Server Error"}, {501, "Not Implemented"},
    {502, "Bad Gateway"},       {503, "Service Unavailable"},
    {504, "Gateway Timeout"},   {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (base::ToLower(c) >= 'a' && base::ToLower(c) <= 'f') return base::ToLower(c) - 'a' + 10;
  return -1;
}

bool IsUnreserved(char c) {
  return (c >= '0' && c <= '9') || (base::ToLower(c) >= 'a' && base::ToLower(c) <= 'z') || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

}  // namespace

bool HasNoBody(int status) { return status == 204 || status == 304 || status < 200; }

bool IsFramingField(std::string_view name) {
  constexpr std::array<std::string_view, 4> kFields = {"connection", "keep-alive", "content-length", "transfer-encoding"};
  return std::ranges::any_of(kFields, [&](std::string_view field) { return EqualsNoCase(name, field); });
}

void AppendFieldText(std::string& out, std::string_view text) {
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  out.append(text);
  std::replace_if(out.begin() + begin, out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
}

std::string_view MethodName(Method method) { return kMethodNames[static_cast<std::size_t>(method)]; }

Method ParseMethod(std::string_view name) {
  for (std::size_t i = 0; i + 1 < kMethodNames.size(); ++i) {
    if (kMethodNames[i] == name) return static_cast<Method>(i);
  }
  return Method::kOther;
}

bool EqualsNoCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return base::ToLower(x) == base::ToLower(y); });
}

const std::string* Headers::Find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (EqualsNoCase(key, name)) return &value;
  }
  return nullptr;
}

std::string_view Headers::Get(std::string_view name) const {
  const std::string* value = Find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

void Headers::Set(std::string_view name, std::string value) {
  std::erase_if(fields_, [&](const auto& field) { return EqualsNoCase(field.first, name); });
  Add(std::string(name), std::move(value));
}

std::string_view Request::Param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> Request::Query(std::string_view key) const {
  Result<NameValues> parsed = ParseQuery(query);
  if (!parsed) return std::nullopt;
  for (auto& [name, value] : *parsed) {
    if (name == key) return std::move(value);
  }
  return std::nullopt;
}

Result<Json> Request::JsonBody() const {
  Result<Json> parsed = Json::Parse(body);
  if (!parsed) return std::unexpected(std::move(parsed).error().Within("request body"));
  return parsed;
}

std::string_view StatusText(int status) {
  for (const StatusName& entry : kStatusNames) {
    if (entry.status == status) return entry.text;
  }
  return "Unknown";
}

Response JsonResponse(int status, const Json& body) {
  return TextResponse(status, body.Dump(), "application/json");
}

Response TextResponse(int status, std::string body, std::string_view content_type) {
  Response response;
  response.status = status;
  response.headers.Add("Content-Type", std::string(content_type));
  response.body = std::move(body);
  return response;
}

Response ErrorResponse(const Error& error) { return ErrorResponse(base::HttpStatus(error.code), error); }

Response ErrorResponse(int status, const Error& error) {
  Json inner = Json::MakeObject({{"code", base::ErrorCodeName(error.code)}, {"message", error.message}});
  return JsonResponse(status, Json::MakeObject({{"error", std::move(inner)}}));
}

Error ErrorOf(const Response& response) {
  Result<Json> parsed = Json::Parse(response.body);
  const Json* inner = parsed ? parsed->Find("error") : nullptr;
  std::string message = inner != nullptr ? inner->StringOr("message", response.body) : response.body;
  std::string name = inner != nullptr ? inner->StringOr("code", "") : "";
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    auto code = static_cast<ErrorCode>(i);
    if (base::ErrorCodeName(code) == name) return {code, message};
  }
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    auto code = static_cast<ErrorCode>(i);
    if (base::HttpStatus(code) == response.status) return {code, message};
  }
  return {ErrorCode::kInternal, fmt::format("answer {}: {}", response.status, message)};
}

Result<Json> JsonOf(const Response& response) {
  if (response.status < 200 || response.status > 299) return std::unexpected(ErrorOf(response));
  if (response.body.empty()) return Json();
  return Json::Parse(response.body, {.bytes_max = 256u << 20});
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (text[i] == '%') {
      int high = text.size() - i > 2 ? HexDigit(text[i + 1]) : -1;
      int low = text.size() - i > 2 ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return InvalidArgument("bad percent escape at byte {}; write %25 for '%'", i);
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    // A NUL would end a path or a key early in every C library below us.
    if (c == '\0') return InvalidArgument("NUL byte at {}", i);
    out.push_back(c);
  }
  return out;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    if (IsUnreserved(c)) {
      out.push_back(c);
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

Result<NameValues> ParseQuery(std::string_view query) {
  NameValues out;
  while (!query.empty()) {
    std::size_t end = std::min(query.find('&'), query.size());
    std::string_view item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (item.empty()) continue;
    std::size_t equals = std::min(item.find('='), item.size());
    std::string key = SW_TRY(PercentDecode(item.substr(0, equals), true));
    std::string value = SW_TRY(PercentDecode(item.substr(std::min(equals + 1, item.size())), true));
    out.emplace_back(std::move(key), std::move(value));
  }
  return out;
}

bool IsLoopbackHost(std::string_view host) {
  if (host.starts_with('[')) {
    std::size_t end = host.find(']');
    return end != std::string_view::npos && host.substr(0, end + 1) == "[::1]" &&
           (end + 1 == host.size() || host[end + 1] == ':');
  }
  std::string_view name = host.substr(0, host.find(':'));
  return EqualsNoCase(name, "localhost") || name == "127.0.0.1";
}

}  // namespace sw::net
