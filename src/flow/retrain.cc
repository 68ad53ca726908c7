#include "flow/retrain.h"

#include "feature/time_zone.h"

namespace sw::flow {

Result<TimeUs> NextRetrain(const RetrainDef& retrain, TimeUs last) {
  if (retrain.every != "month") {
    const DurationUs period = SW_TRY(base::ParseDuration(retrain.every));
    return (last / period + 1) * period;
  }
  const feature::TimeZone zone = SW_TRY(feature::TimeZone::Find(retrain.time_zone));
  const feature::CivilTime civil = zone.CivilOf(last);
  return zone.TimeOf({.year = civil.year, .month = civil.month + 1, .day = 1, .hour = 0, .minute = 0, .second = 0});
}

}  // namespace sw::flow
