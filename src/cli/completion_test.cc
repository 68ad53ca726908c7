#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::cli {
namespace {

using ::testing::HasSubstr;

CommandNode Program() {
  return {"seaworthy",
          "",
          {"--version"},
          {{"models", "Models.", {}, {{"list", "Don't wait.", {"--json"}}}},
           {"serve", "Serves.", {"--data"}}}};
}

TEST(Completion, EveryShellKnowsCommandsAndFlags) {
  EXPECT_THAT(CompletionScript(Program(), "bash").value(),
              HasSubstr(R"("seaworthy models list") words="--json" ;;)"));
  EXPECT_THAT(CompletionScript(Program(), "bash").value(),
              HasSubstr(R"("seaworthy") words="models serve --version" ;;)"));
  EXPECT_THAT(CompletionScript(Program(), "zsh").value(), HasSubstr("#compdef seaworthy"));
  EXPECT_THAT(CompletionScript(Program(), "fish").value(), HasSubstr("-a list -d 'Don\\'t wait.'"));
  EXPECT_FALSE(CompletionScript(Program(), "cmd.exe"));
}

}  // namespace
}  // namespace sw::cli
