// Caller: who asks. An argument of every core call. Immutable.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace sw::base {

struct Caller {
  std::string workspace = "default";
  std::string principal = "local";
  std::vector<std::string> scopes;  // "*" is all of them
  std::string request_id;
  TimeUs deadline = 0;  // 0: none
  std::string trace;    // W3C traceparent, empty when none

  bool Has(std::string_view scope) const;
  bool operator==(const Caller&) const = default;
};

}  // namespace sw::base

namespace sw {
using base::Caller;
}  // namespace sw
