#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/offline.h"
#include "cli/command.h"
#include "cli/completion.h"

namespace sw::cli {
namespace {

CommandNode NodeOf(const CLI::App& command) {
  CommandNode node{command.get_name(), command.get_description(), {}, {}};
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) node.flags.push_back("--" + name);
  }
  for (const CLI::App* child :
       command.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
    node.below.push_back(NodeOf(*child));
  }
  return node;
}

}  // namespace

void AddShellCommands(Commands& commands) {
  CLI::App& completion =
      *commands.program().add_subcommand("completion", "Prints a completion script for a shell.");
  auto shell = TextOption(completion, "shell", "bash, zsh or fish", true);
  commands.Run(completion, [shell, &program = commands.program()](Session&) -> Result<ExitCode> {
    std::fputs(SW_TRY(CompletionScript(NodeOf(program), *shell)).c_str(), stdout);
    return ExitCode::kOk;
  });
  CLI::App& routes = *commands.program().add_subcommand(
      "routes", "Prints the table of HTTP routes, as in docs/routes.md.");
  commands.Run(routes, [](Session&) -> Result<ExitCode> {
    std::fputs(app::RoutesDocument().c_str(), stdout);
    return ExitCode::kOk;
  });
}

}  // namespace sw::cli
