// The catalog's rows of incidents. Thread-safe, as the catalog is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/caller.h"
#include "monitor/incident.h"
#include "store/catalog.h"

namespace sw::monitor {

class IncidentStore {
 public:
  static Result<IncidentStore> Open(store::Catalog& catalog);  // migrates

  // Inserts or replaces by id; the change also leaves as an event of the stream "incidents".
  Status Put(const Caller& caller, const Incident& incident, TimeUs now);
  Status Put(store::CatalogTransaction& tx, const Caller& caller, const Incident& incident, TimeUs now);
  // Newest first; an empty state or endpoint means any.
  Result<std::vector<Incident>> List(const Caller& caller, std::string_view endpoint, std::string_view state) const;
  // None when there is no such incident.
  Result<std::optional<Incident>> Find(store::CatalogReader& reader, const Caller& caller, std::string_view id) const;
  Result<Incident> Get(const Caller& caller, std::string_view id) const;

 private:
  explicit IncidentStore(store::Catalog& catalog) : catalog_(&catalog) {}
  store::Catalog* catalog_;
};

}  // namespace sw::monitor
