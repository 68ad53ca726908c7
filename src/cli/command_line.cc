#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "app/settings.h"
#include "cli/command.h"
#include "cli/exit_code.h"

namespace sw::cli {
namespace {

void AddAll(Commands& commands) {
  AddServerCommands(commands);
  AddConfigCommands(commands);
  AddFeatureCommands(commands);
  AddModelCommands(commands);
  AddEndpointCommands(commands);
  AddDemoCommand(commands);
  AddShellCommands(commands);
}

int Fail(const Error& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "seaworthy: %s\n", error.message.c_str());
  return static_cast<int>(ExitCodeOf(error.code));
}

int RunChosen(const Commands& commands) {
  auto settings = app::Settings::Resolve(
      commands.flags(), [](const char* name) -> const char* { return std::getenv(name); });
  if (!settings) return Fail(settings.error());
  Session session(*std::move(settings), commands.chosen_name(), commands.json());
  const Result<ExitCode> done = commands.chosen()(session);
  return done ? static_cast<int>(*done) : Fail(done.error());
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  CLI::App program(
      "Takes a machine-learning model from notebook to production and keeps it afloat.",
      "seaworthy");
  program.set_version_flag("--version", "seaworthy " SW_VERSION);
  program.require_subcommand(0, 1);
  program.footer(ExitCodesHelp());
  Commands commands(program);
  AddAll(commands);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? static_cast<int>(ExitCode::kOk)
                                    : static_cast<int>(ExitCode::kUsage);
  }
  if (!commands.chosen()) {
    std::fputs(program.help().c_str(), stdout);
    return static_cast<int>(ExitCode::kOk);
  }
  return RunChosen(commands);
}

}  // namespace sw::cli
