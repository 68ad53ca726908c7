// ConfigTable: one table of the configuration, read key by key. Every error begins with the path of
// the key that it is about, then says what was expected and what was found; keys that nobody asked
// for are refused with near misses.
//
//   ConfigTable source = SW_TRY(ConfigTable::Of(json, "source.flights"));
//   std::string table = SW_TRY(source.TextOr("table", ""));
//   DurationUs delay = SW_TRY(source.DurationOr("delay", 0));   // "source.flights.delay: expected ..."
//   SW_TRY(source.RefuseOthers());
//
// One owner; borrows the Json.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::feature {

class ConfigTable {
 public:
  static Result<ConfigTable> Of(const Json& json, std::string path);

  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view key) const;

  // Required.
  Result<std::string> Text(std::string_view key);
  Result<std::vector<std::string>> Texts(std::string_view key);
  Result<const Json*> Any(std::string_view key);
  // The fallback, or nothing, when the key is absent.
  Result<std::string> TextOr(std::string_view key, std::string_view fallback);
  Result<bool> BoolOr(std::string_view key, bool fallback);
  Result<DurationUs> DurationOr(std::string_view key, DurationUs fallback);
  Result<std::vector<std::string>> TextsOrNone(std::string_view key);
  Result<Json::Object> MembersOrNone(std::string_view key);  // of a table in this one, in order
  const Json* Find(std::string_view key);

  // After all keys were asked for.
  Status RefuseOthers() const;

 private:
  ConfigTable(const Json& json, std::string path) : json_(&json), path_(std::move(path)) {}

  const Json* json_;
  std::string path_;
  std::vector<std::string> known_;
};

// INVALID_ARGUMENT "path: expected <expected>, found <the value, shortened>".
std::unexpected<Error> WrongValueAt(std::string_view path, std::string_view expected,
                                    const Json& found);

// INVALID_ARGUMENT "path: <message>".
template <typename... Args>
std::unexpected<Error> ConfigError(std::string_view path, fmt::format_string<Args...> format,
                                   Args&&... args) {
  return InvalidArgument("{}: {}", path, fmt::format(format, std::forward<Args>(args)...));
}

// Names of definitions, computed columns and features: a letter or _, then letters, digits, _ or -.
Status CheckName(std::string_view path, std::string_view name);

}  // namespace sw::feature
