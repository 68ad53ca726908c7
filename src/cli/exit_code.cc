#include "cli/exit_code.h"

#include <fmt/format.h>

#include <utility>

namespace sw::cli {
namespace {

constexpr std::pair<ExitCode, const char*> kMeanings[] = {
    {ExitCode::kOk, "done"},
    {ExitCode::kFailed, "failed inside, a defect of seaworthy"},
    {ExitCode::kUsage, "the command line is wrong"},
    {ExitCode::kInvalid, "a file, a table or a request is wrong"},
    {ExitCode::kNotFound, "the named thing does not exist"},
    {ExitCode::kConflict, "exists already, is in use, or is not in the state that this needs"},
    {ExitCode::kNotAllowed, "no key, or one without the scope"},
    {ExitCode::kUnavailable, "no server, a limit or a time ran out; trying again may help"},
    {ExitCode::kDataLoss, "bytes on disk are not what was written"},
    {ExitCode::kVerdictFail, "the verdict is fail"},
    {ExitCode::kUndecided, "the verdict is undecided"},
    {ExitCode::kFoundProblems, "doctor found problems"},
};

}  // namespace

ExitCode ExitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kInvalid;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kFailedPrecondition:
      return ExitCode::kConflict;
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
      return ExitCode::kNotAllowed;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kCancelled:
      return ExitCode::kUnavailable;
    case ErrorCode::kDataLoss:
      return ExitCode::kDataLoss;
    case ErrorCode::kUnimplemented:
    case ErrorCode::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

std::string ExitCodesHelp() {
  std::string out = "Exit codes:\n";
  for (const auto& [code, meaning] : kMeanings)
    out += fmt::format("  {:>2}  {}\n", static_cast<int>(code), meaning);
  return out;
}

}  // namespace sw::cli
