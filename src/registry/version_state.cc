#include "registry/version_state.h"

#include <algorithm>

namespace sw::registry {
namespace {

VersionState AfterGate(std::string_view result) {
  if (result == "pass") return VersionState::kApproved;
  if (result == "fail") return VersionState::kRefused;
  return VersionState::kUndecided;
}

}  // namespace

VersionState StateFrom(std::span<const VerdictRecord> verdicts, bool archived) {
  if (archived) return VersionState::kArchived;
  VersionState state = VersionState::kCandidate;
  for (const VerdictRecord& verdict : verdicts) {
    if (verdict.kind == "gate") {
      state = AfterGate(verdict.result);
    } else if (verdict.kind == "override" && verdict.result == "pass") {
      state = VersionState::kApproved;
    } else if (verdict.kind != "monitor" && verdict.result == "fail") {
      state = VersionState::kRefused;
    }
  }
  return state;
}

}  // namespace sw::registry
