// What PairedEvidence says of itself: a sentence for people and the arithmetic to repeat it.
#include <utility>

#include "base/errors.h"
#include "rollout/evidence.h"

namespace sw::rollout {
namespace {

Json IntervalJson(const stats::Interval& interval) {
  return Json::MakeArray({interval.low, interval.high});
}

Json TestedJson(const PairedEvidence::Tested& tested) {
  return Json::MakeObject({{"pairs", tested.pairs},
                           {"mean_increase", tested.mean_increase},
                           {"interval", IntervalJson(tested.interval)},
                           {"log_e_harm", tested.log_e_harm},
                           {"harm_after", tested.harm_after}});
}

std::string Signed(double value) { return fmt::format("{:+.4f}", value); }

}  // namespace

std::string PairedEvidence::Summary(stats::Verdict verdict) const {
  if (Pairs() == 0) {
    return fmt::format("no labelled pair yet ({} without a label, {} without both scores)",
                       unlabelled_, unpaired_);
  }
  const Tested overall = Overall();
  const bool is_harm = verdict == stats::Verdict::kFail;
  const std::string measured =
      fmt::format("{} of loss on {} pairs (interval {} to {}, tolerance {})",
                  Signed(overall.mean_increase), overall.pairs, Signed(overall.interval.low),
                  Signed(overall.interval.high),
                  is_harm ? policy_.harm_loss_increase : policy_.max_loss_increase);
  if (verdict == stats::Verdict::kPass) return fmt::format("not worse: {}", measured);
  if (is_harm) {
    const std::optional<SliceValue> worst = WorstSlice();
    if (!worst) return fmt::format("harm: {}", measured);
    return fmt::format("harm: {}; worst in {}: {} on {} pairs", measured, worst->Name(),
                       Signed(worst->tested.mean_increase), worst->tested.pairs);
  }
  if (safe_after_ > 0) {
    return fmt::format(
        "{:.1f} % of the requests lack a candidate's or a live score (at most {:.1f} % may): {}",
        100 * UnpairedShare(), 100 * policy_.unpaired_share_max, measured);
  }
  return fmt::format("neither harm nor its absence is certain: {}", measured);
}

Json PairedEvidence::Evidence() const {
  Json overall = TestedJson(Overall());
  overall.Set("log_e_safe", LogE(safe_));
  overall.Set("safe_after", safe_after_);
  Json slices = Json::MakeArray();
  for (const SliceValue& slice : Slices()) {
    Json item = TestedJson(slice.tested);
    item.Set("column", slice.column);
    item.Set("value", slice.value);
    item.Set("alpha", slice.alpha);
    slices.Append(std::move(item));
  }
  Json unguarded = Json::MakeObject();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].unguarded > 0) unguarded.Set(policy_.slices[i], columns_[i].unguarded);
  }
  const std::optional<SliceValue> worst = WorstSlice();
  const std::optional<double> observed = ObservedDesignEffect();
  return Json::MakeObject(
      {{"method", "betting e-processes on paired differences of loss, in prediction order"},
       {"assumes", "each pair's mean increase, given the pairs before it, is on the null's side"},
       {"max_loss_increase", policy_.max_loss_increase},
       {"harm_loss_increase", policy_.harm_loss_increase},
       {"max_slice_loss_increase", policy_.max_slice_loss_increase},
       {"alpha", Json::MakeObject({{"harm", policy_.alpha.harm},
                                   {"slices", policy_.alpha.slices},
                                   {"safe", policy_.alpha.safe}})},
       {"design_effect", policy_.design_effect},
       {"observed_design_effect", observed ? Json(*observed) : Json()},
       {"harm_after", HarmAfter()},
       {"overall", std::move(overall)},
       {"worst_slice", worst ? Json(worst->Name()) : Json()},
       {"slices", std::move(slices)},
       {"unguarded_pairs", std::move(unguarded)},
       {"unlabelled", unlabelled_},
       {"unpaired", unpaired_}});
}

stats::Judgement PairedEvidence::Judge() const {
  const stats::Verdict verdict = Decide();
  const double alpha = verdict == stats::Verdict::kPass ? policy_.alpha.safe
                                                        : policy_.alpha.harm + policy_.alpha.slices;
  return {.verdict = verdict, .alpha = alpha, .summary = Summary(verdict), .evidence = Evidence()};
}

}  // namespace sw::rollout
