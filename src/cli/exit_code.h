// Exit codes of every command, as `seaworthy --help` prints them: a script can tell a verdict from
// a mistake, and a mistake from a machine that is busy. Immutable.
#pragma once

#include <string>

#include "base/result.h"

namespace sw::cli {

enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,   // a defect of ours, or a job that failed without saying why
  kUsage = 2,    // the command line is wrong
  kInvalid = 3,  // a file, a table or a request is wrong
  kNotFound = 4,
  kConflict = 5,  // exists already, in use, or not in the state that this needs
  kNotAllowed = 6,
  kUnavailable = 7,     // no server, a limit or a time ran out; trying again may help
  kDataLoss = 8,        // bytes on disk are not what was written
  kVerdictFail = 10,    // the question was answered: no
  kUndecided = 11,      // the question could not be answered yet
  kFoundProblems = 12,  // doctor found some
};

ExitCode ExitCodeOf(ErrorCode code);

// The table for --help.
std::string ExitCodesHelp();

}  // namespace sw::cli
