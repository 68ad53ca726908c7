// Events: what flow did and decided, for the timeline. Rows of the catalog. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/caller.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "store/catalog.h"

namespace sw::flow {

class Events {
 public:
  Events(store::Catalog& catalog, base::IdGenerator& ids) : catalog_(catalog), ids_(ids) {}

  // kind: "trained", "gate", "registered", "override", "live", "rollout", "incident", ...
  Status Record(const Caller& caller, TimeUs time, std::string_view kind, std::string_view subject,
                std::string_view summary, const Json& content);
  Status Record(store::CatalogTransaction& tx, const Caller& caller, TimeUs time, std::string_view kind, std::string_view subject,
                std::string_view summary, const Json& content);
  // In [from, until), oldest first; 0, 0: all. [{"id", "time", "kind", "subject", "summary", "content"}]
  Result<Json> List(const Caller& caller, TimeUs from, TimeUs until) const;

 private:
  store::Catalog& catalog_;
  base::IdGenerator& ids_;
};

}  // namespace sw::flow
