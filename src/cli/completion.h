// Completion scripts for shells, made from the tree of commands. Inside this room only. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::cli {

struct CommandNode {
  std::string name;
  std::string help;
  std::vector<std::string> flags;  // "--json"
  std::vector<CommandNode> below = {};
};

// `shell`: bash, zsh or fish. INVALID_ARGUMENT for another.
Result<std::string> CompletionScript(const CommandNode& program, std::string_view shell);

}  // namespace sw::cli
