// Bodies of the feature server's requests, read strictly, and refused in the form in which Feast's server refuses
// them: {"detail": [{"type", "loc", "msg", "input"}]} with 422.
//
//   auto request = ReadOnlineRequest(body);
//   if (!request) return responder.Send(Refusal(request.error()));
//
// Hostile input. A request's texts are views of the body or of what the request holds itself.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "net/http.h"

namespace sw::feast {

// What pydantic says of one part of a body.
struct BodyProblem {
  std::string type;                  // "missing", "json_invalid", "string_type", ...
  std::vector<std::string> place;    // below "body"
  std::string message;
};
net::Response Refusal(const BodyProblem& problem);

// A value of an entity.
struct RequestCell {
  enum class Kind : std::uint8_t { kNull, kBool, kInt, kDouble, kText, kOther };
  Kind kind = Kind::kNull;
  std::int64_t number = 0;
  double real = 0;
  std::string_view text = {};
  const Json* other = nullptr;       // a list or an object
  Json ToJson() const;
};

struct OnlineRequest {
  struct Column {
    std::string_view name;
    std::vector<RequestCell> cells;
  };
  std::string_view service;                 // empty: none
  std::vector<std::string_view> features;
  std::vector<Column> entities;
  bool full_feature_names = false;
  bool wants_versions = false;

  // Hold what no part of the body says as it is.
  std::deque<std::string> texts;
  std::shared_ptr<const Json> document;
};

// Reads the usual shape at once, without building values; anything else the slow way.
std::expected<OnlineRequest, BodyProblem> ReadOnlineRequest(std::string_view body);

// An object's members by the model that Feast declares. The first problem is told.
class BodyReader {
 public:
  static std::expected<BodyReader, BodyProblem> Parse(std::string_view body);
  const Json& root() const { return root_; }
  std::string Text(std::string_view key);                      // required
  std::string TextOr(std::string_view key, std::string_view fallback);
  std::optional<std::string> OptionalText(std::string_view key);  // null is none
  std::optional<std::vector<std::string>> OptionalTexts(std::string_view key);
  bool FlagOr(std::string_view key, bool fallback);
  const Json* Object(std::string_view key);                    // required
  const std::optional<BodyProblem>& problem() const { return problem_; }

 private:
  explicit BodyReader(Json root) : root_(std::move(root)) {}
  void Complain(std::string_view type, std::string_view key, std::string_view message);
  const Json* Required(std::string_view key);
  Json root_;
  std::optional<BodyProblem> problem_;
};

}  // namespace sw::feast
