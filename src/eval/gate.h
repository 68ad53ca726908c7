// Gate: may the challenger replace the champion? Judged on one fixed table that both have scored.
//
//   GatePolicy policy = SW_TRY(ParseGate("late", config));
//   stats::Judgement judgement = SW_TRY(Compare(paired, policy));
//
// Each row gives a difference of losses, challenger minus champion. Rows of one cluster (a day) are
// not independent, so the mean's error comes from leaving out one cluster at a time (the CR3
// jackknife; Bell and McCaffrey 2002), with Student's t: honest with few clusters. No randomness:
// the same rows give the same bits.
//
// Pass: the difference is shown to be below the margin, and each guarded slice's below its own.
// Fail: it is shown to be above, as a whole or in one slice. Else undecided. A wrong pass has
// probability alpha at most (all parts must pass, each at alpha), a wrong fail too (alpha shared
// among the parts). Valid for one look at rows that neither model was trained or tuned on; for a
// growing stream use stats::BettingTest. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "eval/losses.h"
#include "eval/report.h"
#include "stats/metrics.h"
#include "stats/verdict.h"

namespace sw::eval {

struct GatePolicy {
  std::string name = {};
  Loss loss = Loss::kBrier;
  stats::CostMatrix costs = {};  // for loss cost, and for choosing thresholds
  double max_loss_increase = 0;  // the margin; negative: the challenger must be better by that much
  double alpha = 0.05;
  std::vector<std::string> slices = {};  // columns whose every value is guarded
  double max_slice_loss_increase = 0;    // required with slices
  std::uint64_t slice_rows_min = 200;    // a smaller slice is listed as unguarded
  std::uint64_t clusters_min = 5;        // fewer, as a whole or in a slice: undecided

  Json ToJson() const;  // what ParseGate reads
  bool operator==(const GatePolicy&) const = default;
};

// Unknown keys are refused with near misses; an error begins with the key ("gate.late.alpha: ...").
Result<GatePolicy> ParseGate(std::string_view name, const Json& config);
// {"true_positive", "false_positive", "false_negative", "true_negative"}, 0 where absent.
Result<stats::CostMatrix> ParseCosts(const Json& config);
Json CostsToJson(const stats::CostMatrix& costs);

// Scores of the same rows; spans are borrowed.
struct PairedScores {
  std::span<const double> champion = {};
  std::span<const double> challenger = {};
  std::span<const std::uint8_t> labels = {};
  std::span<const std::uint64_t> clusters = {};  // empty: rows count as independent
  std::vector<SliceColumn> slices = {};          // must hold the policy's
  double champion_threshold = 0.5;               // for loss cost
  double challenger_threshold = 0.5;
};

// INVALID_ARGUMENT for lengths that differ, labels other than 0 and 1, scores outside [0, 1], and a
// slice of the policy that is not there. No rows at all: undecided.
Result<stats::Judgement> Compare(const PairedScores& paired, const GatePolicy& policy);

// One judgement of several, each under its name in the evidence: fails when any fails, passes when
// all pass. The summary is that of the first part that decided it.
struct NamedJudgement {
  std::string name;
  stats::Judgement judgement;
};
stats::Judgement JudgeTogether(const std::vector<NamedJudgement>& parts);

}  // namespace sw::eval
