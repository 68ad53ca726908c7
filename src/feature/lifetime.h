// LifetimeRecord: what features over all of an entity's history need of it, in bounded space.
//
// Exact for every t >= through, whatever came before and in which order: a count, sum or mean keeps
// the sum of the rows visible by then and the later rows one by one; last, first, min and max keep
// the rows that some t >= through would choose, and the newest row, for status and event time. At most kPendingMax rows stay beyond `through`, for
// each feature; more push it forward, past the oldest. A caller that asks for an earlier t computes
// from the logbook instead.
//
//   LifetimeRecord record = SW_TRY(DecodeLifetime(view, bytes));
//   Add(view, new_rows, record);
//   if (t >= record.through) value = SW_TRY(EvaluateLifetime(view, record, feature, t));
//
// Values; externally synchronised.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "feature/history.h"
#include "feature/kernel.h"
#include "feature/plan.h"

namespace sw::feature {

inline constexpr std::size_t kPendingMax = 32;

struct LifetimeRecord {
  TimeUs through = kAlways;
  std::vector<Settled> settled;  // a feature each; only used for those without window that accumulate
  History rows;
};

LifetimeRecord EmptyLifetime(const ViewPlan& view);
void Add(const ViewPlan& view, const History& more, LifetimeRecord& record);
Result<FeatureValue> EvaluateLifetime(const ViewPlan& view, const LifetimeRecord& record, std::size_t feature, TimeUs t);

std::string EncodeLifetime(const ViewPlan& view, const LifetimeRecord& record);
Result<LifetimeRecord> DecodeLifetime(const ViewPlan& view, std::string_view bytes);

}  // namespace sw::feature
