#include "flow/audits.h"

#include <algorithm>
#include <vector>

#include "base/errors.h"

namespace sw::flow {
namespace {

constexpr DurationUs kAuditsKept = 400 * base::kDayUs;

// Features that late rows changed, the most changed first.
Json LateToJson(std::vector<feature::AuditReport::Freshness> features) {
  std::erase_if(features, [](const auto& feature) { return feature.changed == 0; });
  std::ranges::stable_sort(features, [](const auto& a, const auto& b) { return a.changed > b.changed; });
  Json list = Json::MakeArray();
  for (const auto& [name, compared, changed] : features) {
    list.Append(Json::MakeObject({{"feature", name}, {"changed", changed}, {"compared", compared},
                                  {"share", static_cast<double>(changed) / static_cast<double>(compared)}}));
  }
  return list;
}

}  // namespace

data::Batch ColumnsWith(std::string_view prefix, const data::Batch& columns) {
  data::Batch found;
  for (std::size_t c = 0; c < columns.num_columns(); ++c) {
    const data::Field& field = columns.schema().fields[c];
    if (!field.name.starts_with(prefix)) continue;
    found.AddColumn({field.name.substr(prefix.size()), field.type, field.nullable}, columns.column(c));
  }
  return found;
}

Result<feature::AuditReport> AuditRows(const feature::FeatureStore& features, const std::string& service, const store::LogRows& rows) {
  data::Batch requests = ColumnsWith("in.", rows.columns);
  data::Column ids(data::Type::kString);
  for (const std::string& id : rows.id) ids.AppendString(id);
  if (requests.Find("id") == nullptr) requests.AddColumn({"id", data::Type::kString}, std::move(ids));
  const data::Batch served = ColumnsWith("x.", rows.columns);
  const data::Batch read = ColumnsWith("read.", rows.columns);
  return features.Audit(service, {requests, rows.event_time, served, read});
}

void AddReport(feature::AuditReport more, feature::AuditReport& into) {
  into.rows += more.rows;
  into.audited += more.audited;
  into.of_other_definition += more.of_other_definition;
  into.of_unknown_read += more.of_unknown_read;
  into.compared += more.compared;
  into.different += more.different;
  for (std::string& example : more.examples) {
    if (into.examples.size() < feature::AuditReport::kExamplesMax) into.examples.push_back(std::move(example));
  }
  for (feature::AuditReport::Freshness& feature : more.freshness) {
    const auto known = std::ranges::find(into.freshness, feature.feature, &feature::AuditReport::Freshness::feature);
    if (known == into.freshness.end()) {
      into.freshness.push_back(std::move(feature));
    } else {
      known->compared += feature.compared;
      known->changed += feature.changed;
    }
  }
  into.cuts = std::move(more.cuts);
}

Json AuditToJson(const std::string& service, const feature::AuditReport& report, std::uint64_t served) {
  Json cuts = Json::MakeObject();
  for (const auto& [source, cut] : report.cuts) cuts.Set(source, store::CutToJson(cut));
  const double coverage = served == 0 ? 1.0 : static_cast<double>(report.audited) / static_cast<double>(served);
  return Json::MakeObject({{"service", service}, {"served", served}, {"requests", report.rows}, {"audited", report.audited},
                           {"coverage", coverage}, {"of_other_definition", report.of_other_definition},
                           {"of_unknown_read", report.of_unknown_read}, {"compared", report.compared}, {"different", report.different},
                           {"examples", Json::FromRange(report.examples)}, {"changed_by_late_rows", LateToJson(report.freshness)},
                           {"cuts", std::move(cuts)}});
}

Status PutAudit(store::CatalogTransaction& tx, const Caller& caller, std::string_view endpoint, const NightlyAudit& audit) {
  SW_TRY(tx.Execute("INSERT INTO flow_audits (workspace, endpoint, time, logged_to, report) VALUES (?, ?, ?, ?, ?)",
                    {caller.workspace, std::string(endpoint), audit.time, audit.logged_to, audit.report.Dump()}));
  SW_TRY(tx.Execute("DELETE FROM flow_audits WHERE workspace = ? AND endpoint = ? AND time < ?",
                    {caller.workspace, std::string(endpoint), audit.time - kAuditsKept}));
  return Ok();
}

Result<std::vector<NightlyAudit>> ReadAudits(const store::Catalog& catalog, const Caller& caller, std::string_view endpoint, std::int64_t audits_max) {
  std::vector<NightlyAudit> audits;
  SW_TRY(catalog.Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query(
        "SELECT time, logged_to, report FROM flow_audits WHERE workspace = ? AND endpoint = ? ORDER BY time DESC LIMIT ?",
        {caller.workspace, std::string(endpoint), audits_max}));
    for (const store::SqlRow& row : rows) {
      audits.push_back({.time = row.Int(0), .logged_to = row.Int(1), .report = SW_TRY(Json::Parse(row.Text(2)))});
    }
    return Ok();
  }));
  return audits;
}

monitor::Incident AuditIncident(std::string_view endpoint, const NightlyAudit& audit) {
  const std::int64_t different = audit.report.IntOr("different", 0);
  const Json* const examples = audit.report.Find("examples");
  const std::string example = examples == nullptr || examples->AsArray().empty() ? "" : examples->AsArray()[0].AsString();
  monitor::Incident page{.id = fmt::format("audit-{}", endpoint), .monitor = std::string(kAuditMonitor), .endpoint = std::string(endpoint),
                         .severity = "page", .stage = "feature", .opened_at = audit.time, .culprits = {}, .guarantee = "exact",
                         .causes = "counterfactual"};
  page.since_hi = audit.time;
  page.exposed = static_cast<std::uint64_t>(different);
  page.summary = fmt::format("{} of {} feature values that {} served are not what the rows of the logbook give: {}", different,
                             audit.report.IntOr("compared", 0), endpoint, example);
  page.evidence = audit.report;
  return page;
}

}  // namespace sw::flow
