// The program's commands: parses arguments, runs one, answers its exit code. See exit_code.h.
//
//   return cli::RunCommandLine(argc, argv);
//
// One owner: the process's main thread.
#pragma once

namespace sw::cli {

int RunCommandLine(int argc, char** argv);

}  // namespace sw::cli
