// PairFold: brings two scores and a late label of one request together, and hands pairs on in
// prediction order, (time, id), each once it is labelled or censored.
//
//   SW_TRY(fold.AddScore(Arm::kLive, id, time, 0.2, {"EWR"}));
//   SW_TRY(fold.AddScore(Arm::kCandidate, id, time, 0.6));
//   SW_TRY(fold.AddLabel(id, 1.0, arrived));
//   SW_TRY(fold.Advance(now, evidence));
//
// A request waits until it has both scores and its label; after `censor_after` it counts as
// censored, so that nothing waits for ever. A label that arrives later than that is ignored, whenever
// it is fed: folding the same rows again gives the same evidence. Never a pair overtakes an earlier
// one that still waits. Feed what had arrived by `now` before Advance(now), and only requests that
// were meant to be pairs: in a canary those that the candidate answered. One owner.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "rollout/evidence.h"

namespace sw::rollout {

enum class Arm : std::uint8_t { kLive, kCandidate };

struct PairFoldOptions {
  DurationUs censor_after = 0;  // required, above 0
  std::size_t pending_max = 1'000'000;
};

class PairFold {
 public:
  static Result<PairFold> Create(const PairFoldOptions& options);

  // The first score of an arm counts. The slices may come with either arm. INVALID_ARGUMENT for a
  // score outside [0, 1], RESOURCE_EXHAUSTED beyond pending_max.
  Status AddScore(Arm arm, std::string_view id, TimeUs time, double score,
                  std::vector<std::string> slices = {});
  // `label` is 0 or 1; the first one counts. False when it changed nothing: the request is unknown
  // or was handed on (labels of other requests come by the same stream), or the label is too late.
  Result<bool> AddLabel(std::string_view id, double label, TimeUs arrived);

  // Hands on what is ready at `now`; returns the number of pairs.
  Result<std::size_t> Advance(TimeUs now, PairedEvidence& into);

  std::size_t Pending() const { return pending_.size(); }
  // When the first waiting request will count as censored; none when nothing waits.
  std::optional<TimeUs> NextCensoring() const;

 private:
  struct Request {
    std::optional<double> live = {};
    std::optional<double> candidate = {};
    std::optional<double> label = {};
    std::vector<std::string> slices = {};
  };
  using Key = std::pair<TimeUs, std::string>;

  explicit PairFold(const PairFoldOptions& options) : options_(options) {}
  static Status HandOn(TimeUs time, const Request& request, PairedEvidence& into);

  PairFoldOptions options_;
  std::map<Key, Request> pending_ = {};
  std::unordered_map<std::string, TimeUs> time_of_;  // of pending requests
  Key handed_on_;                                    // the last key; earlier ones are refused
};

}  // namespace sw::rollout
