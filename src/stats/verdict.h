// Verdict and Judgement: what a gate, a canary and a monitor say.
//
// "Undecided" is an answer: with too little data, or without evidence, nothing passes. A Judgement
// carries the arithmetic to repeat it.
//
//   if (judgement.verdict != Verdict::kPass) return Refuse(judgement.summary);
//
// Values; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"

namespace sw::stats {

enum class Verdict : std::uint8_t { kPass, kFail, kUndecided };

constexpr std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kUndecided:
      return "undecided";
  }
  return "undecided";
}

// The inverse; nothing for any other text.
constexpr std::optional<Verdict> ParseVerdict(std::string_view name) {
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kUndecided}) {
    if (VerdictName(verdict) == name) return verdict;
  }
  return std::nullopt;
}

// Fail when any failed, pass when all passed; undecided otherwise, and when there is none.
constexpr Verdict Together(std::span<const Verdict> verdicts) {
  bool all_pass = !verdicts.empty();
  for (const Verdict verdict : verdicts) {
    if (verdict == Verdict::kFail) return Verdict::kFail;
    all_pass = all_pass && verdict == Verdict::kPass;
  }
  return all_pass ? Verdict::kPass : Verdict::kUndecided;
}

struct Judgement {
  Verdict verdict = Verdict::kUndecided;
  double alpha = 0;          // the error rate that the verdict controls; 0: no chance is involved
  std::string summary = {};  // one sentence
  Json evidence = {};        // the numbers, counts, margins, hashes and seeds to compute it again
  bool operator==(const Judgement&) const = default;
};

}  // namespace sw::stats
