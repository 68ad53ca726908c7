// TOML text to Json, with the place of every key, so that an error can name file and line.
//
//   TomlFile file = SW_TRY(ReadTomlFile("seaworthy.toml"));
//   auto defined = feature::ParseDefinitions(file.root);
//   if (!defined) return std::unexpected(file.Locate(defined.error()));
//   // INVALID_ARGUMENT: seaworthy.toml:12: view.delays.features.mean.window: expected a duration ...
//
// Objects keep the order of the file, which matters for computed columns. Dates and times become
// text. Hostile input: bounded in bytes, and in depth by the parser. Immutable.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sw::app {

inline constexpr std::uint64_t kTomlBytesMax = 4u << 20;

struct TomlFile {
  std::string name;                  // as errors call it
  Json root;                         // an object
  std::map<std::string, int> lines;  // "source.flights.table" or "a.rows[2].x" -> line, from 1

  // The line of the longest beginning of `key` that the file has; 0 when it has none.
  int LineOf(std::string_view key) const;
  // Puts "file:line: " in front of an error whose message begins with a key path up to ": "; only
  // the file when it names no key of this file.
  Error Locate(Error error) const;
};

// INVALID_ARGUMENT: "file:line:column: what was expected", with the line's key where it has one.
Result<TomlFile> ParseToml(std::string_view text, std::string name);
Result<TomlFile> ReadTomlFile(const std::string& path);

}  // namespace sw::app
