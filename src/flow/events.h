// Events: what flow did and decided, for the timeline. Rows of the catalog, numbered in the order of their
// commits. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "store/catalog.h"

namespace sw::flow {

struct NewEvent {
  TimeUs time = 0;
  std::string kind;           // "trained", "gate", "registered", "override", "live", "rollout", "incident", ...
  std::string endpoint = {};  // that it happened to; "": to none
  std::string subject;        // "late/2", an incident's id, ...
  std::string summary;
  Json content = Json::MakeObject();
};

struct EventRow {
  std::int64_t number = 0;
  std::string workspace;
  TimeUs time = 0;
  std::string kind, endpoint, subject, summary;
};

// Events numbered in (after, until].
struct EventRange {
  std::int64_t after = 0;
  std::int64_t until = 0;
  std::string workspace = {};  // "": of all
  std::string endpoint = {};   // "": of all, and of none
};

class Events {
 public:
  // `on_recorded` is called after each commit with an event in it, on the thread that wrote.
  Events(store::Catalog& catalog, base::IdGenerator& ids, std::function<void()> on_recorded)
      : catalog_(catalog), ids_(ids), on_recorded_(std::move(on_recorded)) {}

  Status Record(const Caller& caller, const NewEvent& event);
  Status Record(store::CatalogTransaction& tx, const Caller& caller, const NewEvent& event);
  // In [from, until), oldest first; 0, 0: all; of one endpoint, or with "" of all.
  // [{"id", "number", "time", "kind", "endpoint", "subject", "summary", "content"}]
  Result<Json> List(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) const;

  // The number of the newest; 0: there is none.
  Result<std::int64_t> Newest() const;
  Result<std::int64_t> Count(const EventRange& range) const;
  // Oldest first; the newest `rows_max` when there are more.
  Result<std::vector<EventRow>> Read(const EventRange& range, std::int64_t rows_max = std::numeric_limits<std::int64_t>::max()) const;

 private:
  store::Catalog& catalog_;
  base::IdGenerator& ids_;
  const std::function<void()> on_recorded_;
};

}  // namespace sw::flow
