#include "feature/config_table.h"

#include <algorithm>
#include <set>

#include "feature/expression_syntax.h"

namespace sw::feature {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kShownBytesMax = 60;

}  // namespace

std::unexpected<Error> WrongValueAt(std::string_view path, std::string_view expected,
                                    const Json& found) {
  if (found.IsObject()) return ConfigError(path, "expected {}, found a table", expected);
  const std::string shown = found.Dump();
  return ConfigError(path, "expected {}, found {}{}", expected,
                     std::string_view(shown).substr(0, kShownBytesMax),
                     shown.size() > kShownBytesMax ? "..." : "");
}

Status CheckName(std::string_view path, std::string_view name) {
  const auto is_start = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_part = [&](char c) { return is_start(c) || (c >= '0' && c <= '9') || c == '-'; };
  if (!name.empty() && name.size() <= kNameBytesMax && is_start(name[0]) &&
      std::ranges::all_of(name, is_part))
    return Ok();
  return ConfigError(path,
                     "expected a name of at most {} letters, digits, _ and -, that begins with a "
                     "letter, found \"{}\"",
                     kNameBytesMax, name.substr(0, kNameBytesMax));
}

Result<ConfigTable> ConfigTable::Of(const Json& json, std::string path) {
  if (!json.IsObject()) return WrongValueAt(path, "a table", json);
  return ConfigTable(json, std::move(path));
}

std::string ConfigTable::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Json* ConfigTable::Find(std::string_view key) {
  known_.emplace_back(key);
  return json_->Find(key);
}

Result<const Json*> ConfigTable::Any(std::string_view key) {
  const Json* found = Find(key);
  if (found != nullptr) return found;
  std::vector<std::string_view> present;
  for (const auto& [name, value] : json_->AsObject()) present.push_back(name);
  if (present.empty()) return ConfigError(PathOf(key), "is missing");
  return ConfigError(PathOf(key), "is missing; the table has {}", fmt::join(present, ", "));
}

Result<std::string> ConfigTable::Text(std::string_view key) {
  const Json* found = SW_TRY(Any(key));
  if (!found->IsString() || found->AsString().empty())
    return WrongValueAt(PathOf(key), "a text", *found);
  return found->AsString();
}

Result<std::string> ConfigTable::TextOr(std::string_view key, std::string_view fallback) {
  const Json* found = Find(key);
  if (found == nullptr) return std::string(fallback);
  if (!found->IsString()) return WrongValueAt(PathOf(key), "a text", *found);
  return found->AsString();
}

Result<bool> ConfigTable::BoolOr(std::string_view key, bool fallback) {
  const Json* found = Find(key);
  if (found == nullptr) return fallback;
  if (!found->IsBool()) return WrongValueAt(PathOf(key), "true or false", *found);
  return found->AsBool();
}

Result<DurationUs> ConfigTable::DurationOr(std::string_view key, DurationUs fallback) {
  const Json* found = Find(key);
  if (found == nullptr) return fallback;
  const auto duration =
      found->IsString() ? base::ParseDuration(found->AsString()) : Result<DurationUs>(0);
  if (!found->IsString() || !duration)
    return WrongValueAt(PathOf(key), "a duration such as \"3h\"", *found);
  return *duration;
}

Result<std::vector<std::string>> ConfigTable::TextsOrNone(std::string_view key) {
  const Json* found = Find(key);
  std::vector<std::string> texts;
  std::set<std::string_view> seen;
  if (found == nullptr) return texts;
  if (!found->IsArray()) return WrongValueAt(PathOf(key), "an array of texts", *found);
  for (const Json& item : found->AsArray()) {
    if (!item.IsString()) return WrongValueAt(PathOf(key), "an array of texts", *found);
    if (!seen.insert(item.AsString()).second)
      return ConfigError(PathOf(key), "\"{}\" stands twice", item.AsString());
    texts.push_back(item.AsString());
  }
  return texts;
}

Result<std::vector<std::string>> ConfigTable::Texts(std::string_view key) {
  const Json* found = SW_TRY(Any(key));
  auto texts = SW_TRY(TextsOrNone(key));
  if (texts.empty()) return WrongValueAt(PathOf(key), "an array of at least one text", *found);
  return texts;
}

Result<Json::Object> ConfigTable::MembersOrNone(std::string_view key) {
  const Json* found = Find(key);
  if (found == nullptr) return Json::Object{};
  if (!found->IsObject()) return WrongValueAt(PathOf(key), "a table", *found);
  return found->AsObject();
}

Status ConfigTable::RefuseOthers() const {
  for (const auto& [key, value] : json_->AsObject()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    const std::string near = DidYouMean(key, known_);
    if (!near.empty()) return ConfigError(PathOf(key), "is no known key{}", near);
    return ConfigError(PathOf(key), "is no known key; known are {}", fmt::join(known_, ", "));
  }
  return Ok();
}

}  // namespace sw::feature
