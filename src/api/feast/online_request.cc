#include "api/feast/online_request.h"

#include <algorithm>

#include "api/wire/json_body.h"
#include "base/json_cursor.h"

namespace sw::feast {
namespace {

using base::JsonCursor;
using Kind = RequestCell::Kind;

// The usual shape, in one pass; false for anything else, right or wrong.
class QuickReader {
 public:
  QuickReader(std::string_view body, OnlineRequest& request) : json_(body), request_(request) {}

  bool Read() {
    if (!json_.Take('{')) return false;
    do {
      std::string_view key;
      if (!TakeText(&key) || !json_.Take(':') || !ReadMember(key)) return false;
    } while (json_.Take(','));
    return json_.Take('}') && json_.AtEnd() && (seen_ & kEntities) != 0;
  }

 private:
  static constexpr unsigned kEntities = 1, kFeatures = 2, kService = 4, kFull = 8, kVersions = 16;

  bool IsFirst(unsigned member) {
    const bool is_first = (seen_ & member) == 0;
    seen_ |= member;
    return is_first;
  }
  bool ReadMember(std::string_view key) {
    if (key == "entities") return IsFirst(kEntities) && ReadEntities();
    if (key == "features") return IsFirst(kFeatures) && ReadFeatures();
    if (key == "feature_service") return IsFirst(kService) && (json_.TakeWord("null") || TakeText(&request_.service));
    if (key == "full_feature_names") return IsFirst(kFull) && TakeFlag(&request_.full_feature_names);
    if (key == "include_feature_view_version_metadata") return IsFirst(kVersions) && TakeFlag(&request_.wants_versions);
    return false;
  }
  bool TakeFlag(bool* flag) {
    *flag = json_.TakeWord("true");
    return *flag || json_.TakeWord("false");
  }
  bool TakeText(std::string_view* text) {
    scratch_.clear();
    if (!json_.TakeString(text, &scratch_)) return false;
    if (!scratch_.empty() && text->data() == scratch_.data()) *text = request_.texts.emplace_back(scratch_);
    return true;
  }
  bool ReadFeatures() {
    if (!json_.Take('[')) return false;
    if (json_.Take(']')) return true;
    do {
      if (!TakeText(&request_.features.emplace_back())) return false;
    } while (json_.Take(','));
    return json_.Take(']');
  }
  bool ReadEntities() {
    if (!json_.Take('{')) return false;
    if (json_.Take('}')) return true;
    do {
      OnlineRequest::Column column;
      if (!TakeText(&column.name) || !json_.Take(':')) return false;
      if (std::ranges::find(request_.entities, column.name, &OnlineRequest::Column::name) != request_.entities.end()) return false;
      if (!ReadCells(column.cells)) return false;
      request_.entities.push_back(std::move(column));
    } while (json_.Take(',') && request_.entities.size() < kColumnsMax);
    return json_.Take('}');
  }
  bool ReadCells(std::vector<RequestCell>& cells) {
    if (!json_.Take('[')) return false;
    if (json_.Take(']')) return true;
    do {
      if (!ReadCell(cells.emplace_back())) return false;
    } while (json_.Take(','));
    return json_.Take(']');
  }
  bool ReadCell(RequestCell& cell) {
    const char first = json_.Peek();
    if (first == '"') {
      cell.kind = Kind::kText;
      return TakeText(&cell.text);
    }
    if (first == '-' || (first >= '0' && first <= '9')) {
      base::JsonNumber number;
      if (!json_.TakeNumber(&number)) return false;
      cell.kind = number.is_int ? Kind::kInt : Kind::kDouble;
      cell.number = number.integer;
      cell.real = number.AsDouble();
      return true;
    }
    if (json_.TakeWord("null")) return true;
    cell.kind = Kind::kBool;
    cell.number = json_.TakeWord("true") ? 1 : 0;
    return cell.number == 1 || json_.TakeWord("false");
  }

  static constexpr std::size_t kColumnsMax = 64;  // beyond, looking for a repeated one would be slow
  JsonCursor json_;
  OnlineRequest& request_;
  std::string scratch_;
  unsigned seen_ = 0;
};

RequestCell CellOf(const Json& value) {
  RequestCell cell;
  if (value.IsNull()) return cell;
  cell.kind = Kind::kOther;
  cell.other = &value;
  if (value.IsBool()) cell = {.kind = Kind::kBool, .number = value.AsBool() ? 1 : 0};
  if (value.IsInt()) cell = {.kind = Kind::kInt, .number = value.AsInt(), .real = value.AsDouble()};
  if (value.IsDouble()) cell = {.kind = Kind::kDouble, .number = 0, .real = value.AsDouble()};
  if (value.IsString()) cell = {.kind = Kind::kText, .number = 0, .real = 0, .text = value.AsString()};
  return cell;
}

std::expected<OnlineRequest, BodyProblem> ReadSlowly(std::string_view body) {
  auto reader = BodyReader::Parse(body);
  if (!reader) return std::unexpected(std::move(reader).error());
  OnlineRequest request;
  const Json* entities = reader->Object("entities");
  const auto service = reader->OptionalText("feature_service");
  const auto features = reader->root().Has("features") ? reader->OptionalTexts("features") : std::vector<std::string>();
  request.full_feature_names = reader->FlagOr("full_feature_names", false);
  request.wants_versions = reader->FlagOr("include_feature_view_version_metadata", false);
  if (reader->problem()) return std::unexpected(*reader->problem());
  if (!features) return std::unexpected(BodyProblem{"list_type", {"features"}, "Input should be a valid list"});
  if (service) request.service = request.texts.emplace_back(*service);
  for (const std::string& feature : *features) request.features.push_back(request.texts.emplace_back(feature));
  request.document = std::make_shared<const Json>(*entities);
  for (const auto& [name, values] : request.document->AsObject()) {
    if (!values.IsArray()) return std::unexpected(BodyProblem{"list_type", {"entities", name}, "Input should be a valid list"});
    OnlineRequest::Column& column = request.entities.emplace_back(OnlineRequest::Column{.name = name, .cells = {}});
    for (const Json& value : values.AsArray()) column.cells.push_back(CellOf(value));
  }
  return request;
}

}  // namespace

net::Response Refusal(const BodyProblem& problem) {
  Json place = Json::MakeArray({"body"});
  for (const std::string& part : problem.place) place.Append(part);
  Json detail = Json::MakeObject({{"type", problem.type}, {"loc", std::move(place)}, {"msg", problem.message}, {"input", nullptr}});
  return net::JsonResponse(422, Json::MakeObject({{"detail", Json::MakeArray({std::move(detail)})}}));
}

Json RequestCell::ToJson() const {
  switch (kind) {
    case Kind::kNull: return {};
    case Kind::kBool: return number != 0;
    case Kind::kInt: return number;
    case Kind::kDouble: return real;
    case Kind::kText: return text;
    case Kind::kOther: return *other;
  }
  return {};
}

std::expected<OnlineRequest, BodyProblem> ReadOnlineRequest(std::string_view body) {
  OnlineRequest request;
  if (QuickReader(body, request).Read()) return request;
  return ReadSlowly(body);
}

std::expected<BodyReader, BodyProblem> BodyReader::Parse(std::string_view body) {
  if (body.empty()) return std::unexpected(BodyProblem{"missing", {}, "Field required"});
  auto root = wire::ParseJsonBody(body);
  if (!root) return std::unexpected(BodyProblem{"json_invalid", {}, "JSON decode error: " + root.error().message});
  if (!root->IsObject()) {
    return std::unexpected(BodyProblem{"model_attributes_type", {}, "Input should be a valid dictionary or object to extract fields from"});
  }
  return BodyReader(*std::move(root));
}

void BodyReader::Complain(std::string_view type, std::string_view key, std::string_view message) {
  if (!problem_) problem_ = BodyProblem{std::string(type), {std::string(key)}, std::string(message)};
}

const Json* BodyReader::Required(std::string_view key) {
  const Json* value = root_.Find(key);
  if (value == nullptr) Complain("missing", key, "Field required");
  return value;
}

std::string BodyReader::Text(std::string_view key) {
  const Json* value = Required(key);
  if (value == nullptr) return {};
  if (value->IsString()) return value->AsString();
  Complain("string_type", key, "Input should be a valid string");
  return {};
}

std::string BodyReader::TextOr(std::string_view key, std::string_view fallback) {
  return root_.Has(key) ? Text(key) : std::string(fallback);
}

std::optional<std::string> BodyReader::OptionalText(std::string_view key) {
  const Json* value = root_.Find(key);
  if (value == nullptr || value->IsNull()) return std::nullopt;
  return Text(key);
}

std::optional<std::vector<std::string>> BodyReader::OptionalTexts(std::string_view key) {
  const Json* value = root_.Find(key);
  if (value == nullptr || value->IsNull()) return std::nullopt;
  std::vector<std::string> texts;
  if (!value->IsArray()) {
    Complain("list_type", key, "Input should be a valid list");
    return texts;
  }
  for (const Json& item : value->AsArray()) {
    if (!item.IsString()) {
      Complain("string_type", key, "Input should be a valid string");
      return texts;
    }
    texts.push_back(item.AsString());
  }
  return texts;
}

bool BodyReader::FlagOr(std::string_view key, bool fallback) {
  const Json* value = root_.Find(key);
  if (value == nullptr) return fallback;
  if (value->IsBool()) return value->AsBool();
  Complain("bool_type", key, "Input should be a valid boolean");
  return fallback;
}

const Json* BodyReader::Object(std::string_view key) {
  const Json* value = Required(key);
  if (value == nullptr || value->IsObject()) return value;
  Complain("dict_type", key, "Input should be a valid dictionary");
  return nullptr;
}

}  // namespace sw::feast
