#include "registry/version_state.h"

#include <gtest/gtest.h>

namespace sw::registry {
namespace {

using State = VersionState;

VerdictRecord Say(const char* kind, const char* result) { return {.kind = kind, .result = result}; }

TEST(VersionState, FollowsFromTheVerdicts) {
  const struct {
    std::vector<VerdictRecord> verdicts;
    State expected;
  } kCases[] = {
      {{}, State::kCandidate},
      {{Say("gate", "pass")}, State::kApproved},
      {{Say("gate", "fail")}, State::kRefused},
      {{Say("gate", "undecided")}, State::kUndecided},
      {{Say("gate", "undecided"), Say("override", "pass")}, State::kApproved},
      {{Say("override", "pass"), Say("gate", "undecided")}, State::kUndecided},
      {{Say("override", "pass"), Say("gate", "fail")}, State::kRefused},
      {{Say("gate", "fail"), Say("gate", "pass")}, State::kApproved},
      {{Say("gate", "pass"), Say("override", "fail")}, State::kRefused},
      {{Say("gate", "pass"), Say("shadow", "pass"), Say("canary", "fail")}, State::kRefused},
      {{Say("gate", "pass"), Say("shadow", "undecided")}, State::kApproved},
      {{Say("gate", "undecided"), Say("shadow", "pass"), Say("canary", "pass")}, State::kUndecided},
      {{Say("canary", "pass")}, State::kCandidate},
      {{Say("gate", "pass"), Say("monitor", "fail")}, State::kApproved},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(StateFrom(each.verdicts, false), each.expected);
    EXPECT_EQ(StateFrom(each.verdicts, true), State::kArchived);
  }
}

}  // namespace
}  // namespace sw::registry
