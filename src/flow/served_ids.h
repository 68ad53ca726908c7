// ServedIds: which prediction ids an endpoint answered with lately, so that a label of another id is
// told so.
//
//   ServedIds ids(logbook, "late", 4 * base::kDayUs);
//   SW_TRY(ids.CatchUp(clock.Now()));
//   if (!ids.Contains("2013-06-01-UA17")) ...
//
// Folded from the stream predictions/<endpoint>; nothing is saved. Ids of predictions older than
// `kept_for` are forgotten: no monitor and no rollout counts a label so late. Nothing is read before
// the first CatchUp, so that an endpoint without labels pays nothing for them. One owner.
#pragma once

#include <deque>
#include <string>
#include <unordered_set>

#include "base/clock.h"
#include "base/result.h"
#include "store/logbook.h"

namespace sw::flow {

class ServedIds {
 public:
  ServedIds(const store::Logbook& logbook, const std::string& endpoint, DurationUs kept_for)
      : logbook_(logbook), stream_("predictions/" + endpoint), kept_for_(kept_for) {}

  // Takes in what was logged since the last call, and forgets what is too old at `now`.
  Status CatchUp(TimeUs now);
  // CatchUp if there was one before, so that a later one has little to read.
  Status KeepUp(TimeUs now) { return is_followed_ ? CatchUp(now) : Ok(); }
  bool Contains(const std::string& id) const { return ids_.contains(id); }
  std::size_t size() const { return ids_.size(); }
  // Ids of earlier predictions are forgotten.
  TimeUs since() const { return since_; }
  DurationUs kept_for() const { return kept_for_; }

 private:
  struct Served {
    TimeUs time = 0;
    const std::string* id = nullptr;  // in ids_
  };
  Status ReadTo(std::int32_t partition, std::int64_t end);

  const store::Logbook& logbook_;
  const std::string stream_;
  const DurationUs kept_for_;
  TimeUs since_ = 0;
  bool is_followed_ = false;
  store::Cut read_;
  std::unordered_set<std::string> ids_;
  std::deque<Served> in_order_;  // as they were logged
};

}  // namespace sw::flow
