#include "api/wire/json_body.h"

#include <string>
#include <utility>

#include "base/errors.h"

namespace sw::wire {
namespace {

constexpr std::pair<std::string_view, std::string_view> kBare[] = {
    {"NaN", "null"}, {"-Infinity", "\"-Infinity\""}, {"Infinity", "\"Infinity\""}};

// The place after the text that begins at `at` with its quote.
std::size_t EndOfText(std::string_view body, std::size_t at) {
  for (++at; at < body.size() && body[at] != '"'; ++at) at += body[at] == '\\' ? 1 : 0;
  return std::min(at + 1, body.size());
}

std::string WithoutBareNumbers(std::string_view body) {
  std::string plain;
  plain.reserve(body.size() + 64);
  for (std::size_t at = 0; at < body.size();) {
    if (body[at] == '"') {
      const std::size_t end = EndOfText(body, at);
      plain += body.substr(at, end - at);
      at = end;
      continue;
    }
    std::size_t length = 1;
    std::string_view instead = body.substr(at, 1);
    for (const auto& [bare, replacement] : kBare) {
      if (!body.substr(at).starts_with(bare)) continue;
      length = bare.size();
      instead = replacement;
      break;
    }
    plain += instead;
    at += length;
  }
  return plain;
}

Result<Json> Parsed(std::string_view text) {
  auto json = Json::Parse(text);
  if (!json) return std::unexpected(std::move(json).error().Within("request body"));
  return json;
}

}  // namespace

Result<Json> ParseJsonBody(std::string_view body) {
  if (!body.contains("NaN") && !body.contains("Infinity")) return Parsed(body);
  return Parsed(WithoutBareNumbers(body));
}

}  // namespace sw::wire
