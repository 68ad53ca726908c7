#include "rollout/pair_fold.h"

#include <cmath>

#include "base/errors.h"

namespace sw::rollout {
namespace {

// Brier's loss of a probability.
double Loss(double score, double label) { return (score - label) * (score - label); }

}  // namespace

Result<PairFold> PairFold::Create(const PairFoldOptions& options) {
  if (options.censor_after > 0) return PairFold(options);
  return InvalidArgument(
      "censor_after is {}: without it one missing label would hold up all that follow",
      base::FormatDuration(options.censor_after));
}

Status PairFold::AddScore(Arm arm, std::string_view id, TimeUs time, double score,
                          std::vector<std::string> slices) {
  if (!(score >= 0 && score <= 1)) {  // true for NaN
    return InvalidArgument("score {} of request {} is not a probability", score, id);
  }
  const Key key(time, id);
  if (key <= handed_on_) return Ok();
  auto found = pending_.find(key);
  if (found == pending_.end()) {
    if (pending_.size() >= options_.pending_max) {
      return ResourceExhausted(
          "{} requests wait for their labels (limit pending_max); label them, or "
          "shorten censor_after",
          pending_.size());
    }
    if (!time_of_.emplace(id, time).second) return Ok();  // the id came before, at another time
    found = pending_.emplace(key, Request{}).first;
  }
  std::optional<double>& place = arm == Arm::kLive ? found->second.live : found->second.candidate;
  if (!place) place = score;
  if (found->second.slices.empty()) found->second.slices = std::move(slices);
  return Ok();
}

Result<bool> PairFold::AddLabel(std::string_view id, double label, TimeUs arrived) {
  if (label != 0 && label != 1)
    return InvalidArgument("label {} of request {} is not 0 or 1", label, id);
  const auto time = time_of_.find(std::string(id));
  if (time == time_of_.end() || arrived - time->second >= options_.censor_after) return false;
  std::optional<double>& place = pending_.at(Key(time->second, id)).label;
  if (place) return false;
  place = label;
  return true;
}

Status PairFold::HandOn(TimeUs time, const Request& request, PairedEvidence& into) {
  if (!request.live || !request.candidate) {
    into.AddUnpaired();
    return Ok();
  }
  if (!request.label) {
    into.AddUnlabelled();
    return Ok();
  }
  return into.Add({.loss_live = Loss(*request.live, *request.label),
                   .loss_candidate = Loss(*request.candidate, *request.label),
                   .slices = request.slices,
                   .time = time});
}

Result<std::size_t> PairFold::Advance(TimeUs now, PairedEvidence& into) {
  const std::uint64_t before = into.Pairs();
  while (!pending_.empty()) {
    const auto& [key, request] = *pending_.begin();
    const bool is_whole = request.live && request.candidate && request.label;
    if (!is_whole && now - key.first < options_.censor_after) break;
    SW_TRY(HandOn(key.first, request, into));
    handed_on_ = key;
    time_of_.erase(key.second);
    pending_.erase(pending_.begin());
  }
  return static_cast<std::size_t>(into.Pairs() - before);
}

std::optional<TimeUs> PairFold::NextCensoring() const {
  if (pending_.empty()) return std::nullopt;
  return pending_.begin()->first.first + options_.censor_after;
}

}  // namespace sw::rollout
