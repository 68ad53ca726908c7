// Audits: what was served, recomputed from the logbook's rows, and what is kept of the nightly ones.
// Functions over values and the catalog.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "feature/feature_store.h"
#include "monitor/incident.h"
#include "store/catalog.h"
#include "store/logbook.h"

namespace sw::flow {

// The name that incidents of audits carry in place of a monitor's.
inline constexpr std::string_view kAuditMonitor = "audit";

// The columns whose names begin with `prefix`, without it.
data::Batch ColumnsWith(std::string_view prefix, const data::Batch& columns);

// Of logged predictions.
Result<feature::AuditReport> AuditRows(const feature::FeatureStore& features, const std::string& service, const store::LogRows& rows);
void AddReport(feature::AuditReport more, feature::AuditReport& into);
// `served` rows in all, more than the report's where not all were logged or read.
Json AuditToJson(const std::string& service, const feature::AuditReport& report, std::uint64_t served);

// An audit that a night made.
struct NightlyAudit {
  TimeUs time = 0;
  std::int64_t logged_to = 0;  // rows of the endpoint's predictions that it and those before it have seen
  Json report = {};
};
Status PutAudit(store::CatalogTransaction& tx, const Caller& caller, std::string_view endpoint, const NightlyAudit& audit);
// Newest first.
Result<std::vector<NightlyAudit>> ReadAudits(const store::Catalog& catalog, const Caller& caller, std::string_view endpoint, std::int64_t audits_max);

// Values that are not what their rows give: an error of ours, and so a page.
monitor::Incident AuditIncident(std::string_view endpoint, const NightlyAudit& audit);

}  // namespace sw::flow
