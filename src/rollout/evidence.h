// PairedEvidence: is the candidate's loss larger than the live version's on the same requests?
//
//   PairedEvidence evidence = SW_TRY(PairedEvidence::Create(PolicyOf(plan)));
//   SW_TRY(evidence.Add({.loss_live = 0.04, .loss_candidate = 0.36, .slices = {"EWR"}}));
//   Judgement judgement = evidence.Judge();
//
// Three verdicts (Ville's inequality makes each valid at any time it is looked at):
//   fail       harm: the mean increase is above harm_loss_increase, or a slice's above its own limit
//   pass       safe: the mean increase is below max_loss_increase, and no harm was found
//   undecided  neither, yet; always so without pairs
// What is assumed: losses in [0, 1], and that each pair's mean increase *given the pairs before it*
// is on the null's side. Feed pairs in prediction order (pair_fold.h), never as labels arrive: fast
// labels differ from slow ones.
//
// Requests of one day share its weather, so a bad day is no proof against a candidate that is as good
// over many. A declared design effect D (the variance of a day's sum, over that of independent
// requests) is answered by raising each bet's wealth to the power 1 / D: what remains is the bet that
// would have been made had the variance been known, exact for Gaussian sums, an approximation
// otherwise. The evidence states D, and beside it the ratio observed so far.
//
// Every value of a slice column has a betting test of its own. The k-th value that appears in a
// column may spend 1 / (k (k + 1)) of the column's share of alpha: the shares sum to one however
// many values come. Beyond slice_values_max a column's new values are counted, not guarded.
//
// The state is never saved: it is folded again from the logbook. One owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "rollout/plan.h"
#include "stats/betting.h"
#include "stats/verdict.h"

namespace sw::rollout {

struct EvidencePolicy {
  AlphaSplit alpha = {};
  double max_loss_increase = 0;
  double harm_loss_increase = 0;
  double max_slice_loss_increase = 0;
  std::vector<std::string> slices = {};  // names of the slice columns
  double unpaired_share_max = 0.1;
  double design_effect = 1;           // of the requests that are paired
  std::size_t slice_values_max = 64;  // of one column
};
// A canary pairs a share of the traffic, so that fewer requests of a day are in one sum.
EvidencePolicy PolicyOf(const Plan& plan, Step step = Step::kShadow);

struct LossPair {
  double loss_live = 0;
  double loss_candidate = 0;
  std::vector<std::string> slices = {};  // one value a slice column, in the policy's order
  TimeUs time = 0;                       // of the request
};

class PairedEvidence {
 public:
  struct Tested {
    std::uint64_t pairs = 0;
    double mean_increase = 0;
    stats::Interval interval = {};  // valid at any time, at 95 %
    double log_e_harm = 0;
    std::uint64_t harm_after = 0;  // pairs when harm was found; 0: not found
  };
  struct SliceValue {
    std::string column = {};
    std::string value = {};
    double alpha = 0;
    Tested tested = {};
    std::string Name() const { return column + "=" + value; }
  };

  static Result<PairedEvidence> Create(EvidencePolicy policy);

  // INVALID_ARGUMENT for a loss outside [0, 1] or a wrong number of slice values; changes nothing.
  Status Add(const LossPair& pair);
  void AddUnlabelled() { ++unlabelled_; }  // censored: its label never came
  void AddUnpaired() { ++unpaired_; }      // censored: one of the two scores never came

  std::uint64_t Pairs() const { return harm_.Count(); }
  Tested Overall() const;
  std::vector<SliceValue> Slices() const;  // worst first
  // The slice with the largest mean increase among those where harm was found; else the one with
  // the most evidence of it; none when no slice speaks for harm.
  std::optional<SliceValue> WorstSlice() const;
  // Pairs when harm was first found, overall or in a slice; 0: not found.
  std::uint64_t HarmAfter() const;
  // The design effect as the days so far show it; none before five days.
  std::optional<double> ObservedDesignEffect() const;
  stats::Verdict Decide() const;  // the verdict alone: cheap enough for every pair
  stats::Judgement Judge() const;

 private:
  struct Guard {
    double alpha = 0;
    stats::BettingTest harm;
    stats::EmpiricalBernsteinSequence increase;
    std::uint64_t harm_after = 0;
  };
  struct Day {
    double pairs = 0;
    double sum = 0;  // of increases
  };
  struct Column {
    std::map<std::string, Guard, std::less<>> guards = {};
    std::uint64_t unguarded = 0;  // pairs of values beyond slice_values_max
  };

  PairedEvidence(EvidencePolicy policy, stats::BettingTest harm, stats::BettingTest safe,
                 stats::MeanSequence increase);
  // ln of the e-value, each bet tempered by the design effect.
  double LogE(const stats::BettingTest& test) const;
  Result<Guard> MakeGuard(std::size_t appearance) const;
  Status AddToSlice(Column& column, const std::string& value, double increase);
  double UnpairedShare() const;
  std::string Summary(stats::Verdict verdict) const;
  Json Evidence() const;

  EvidencePolicy policy_;
  stats::BettingTest harm_;
  stats::BettingTest safe_;
  stats::MeanSequence increase_;
  std::vector<Column> columns_ = {};  // in the policy's order
  std::map<std::int64_t, Day> days_ = {};
  double sum_of_squares_ = 0;
  std::uint64_t harm_after_ = 0;
  std::uint64_t safe_after_ = 0;
  std::uint64_t unlabelled_ = 0;
  std::uint64_t unpaired_ = 0;
};

}  // namespace sw::rollout
