// The counters that more than one file of this room adds to, named once.
#pragma once

#include <string_view>

#include "base/counters.h"

namespace sw::serve {

inline base::Counter& RefusedBy(base::Counters& counters, std::string_view limit) {
  return counters.Get("serve_refused_total", "Requests turned away, by limit.", {{"limit", std::string(limit)}});
}

// Why a pair (live and candidate on the same row) is missing: "queue", "log", "score".
inline base::Counter& CensoredPairs(base::Counters& counters, std::string_view endpoint, std::string_view reason) {
  return counters.Get("serve_pairs_censored_total", "Rows that a shadow or pair score is missing for, by reason.",
                      {{"endpoint", std::string(endpoint)}, {"reason", std::string(reason)}});
}

}  // namespace sw::serve
