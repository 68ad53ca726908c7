#include "base/caller.h"

#include <algorithm>

namespace sw::base {

bool Caller::Has(std::string_view scope) const {
  return std::ranges::any_of(scopes,
                             [&](const std::string& own) { return own == "*" || own == scope; });
}

}  // namespace sw::base
