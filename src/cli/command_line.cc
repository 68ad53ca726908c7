#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"

namespace sw::cli {

int RunCommandLine(int argc, char** argv) {
  CLI::App program(
      "Takes a machine-learning model from notebook to production and keeps it afloat.",
      "seaworthy");
  program.set_version_flag("--version", "seaworthy " SW_VERSION);
  program.require_subcommand(0, 1);
  program.footer(ExitCodesHelp());
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace sw::cli
