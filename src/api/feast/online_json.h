// The answer to /get-online-features, written straight from the stored bytes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/feast/plans.h"
#include "feast/online_read.h"

namespace sw::feast {

// A join key of the request as the answer repeats it.
struct EchoedKey {
  std::string_view name;
  std::string values_json;  // 1001,1002
};

// {"results":[{"values","statuses","event_timestamps"}, ...],"metadata":{"feature_names":[...]}}, keys first.
std::string WriteOnlineAnswer(const PreparedPlan& plan, const std::vector<EchoedKey>& keys, const OnlineAnswer& answer, bool with_versions);

// "2024-01-31T12:00:00Z" with 0, 3 or 6 digits of a second's fraction.
void AppendStamp(std::string& out, TimeUs time);

}  // namespace sw::feast
