// What was served out, recomputed: by hand over a stretch of time, and each night over what was logged since.
#include <algorithm>

#include "base/errors.h"
#include "feature/kernel.h"
#include "flow/flow_impl.h"

namespace sw::flow {
namespace {

constexpr std::int64_t kAuditRowsMax = 200'000;  // of a night; more are sampled, in blocks that are evenly spread
constexpr std::int64_t kBlockRows = 10'000;
constexpr std::int64_t kAuditsListed = 400;

// Of rows [from, to) of the stream, or of evenly spread blocks of them.
Result<feature::AuditReport> AuditSample(const feature::FeatureStore& features, const std::string& service, const store::Logbook& logbook,
                                         const std::string& stream, std::int64_t from, std::int64_t to) {
  const std::int64_t rows = to - from;
  const std::int64_t blocks = rows <= kAuditRowsMax ? (rows + kBlockRows - 1) / kBlockRows : kAuditRowsMax / kBlockRows;
  const std::int64_t stride = rows <= kAuditRowsMax ? kBlockRows : rows / blocks;
  feature::AuditReport report;
  store::ReadRequest request;
  request.stream = stream;
  for (std::int64_t block = 0; block < blocks; ++block) {
    request.from = from + block * stride;
    request.to = std::min(to, request.from + kBlockRows);
    while (request.from < request.to) {
      const store::LogChunk chunk = SW_TRY(logbook.Read(request));
      if (chunk.next <= request.from) break;
      request.from = chunk.next;
      AddReport(SW_TRY(AuditRows(features, service, chunk.rows)), report);
    }
  }
  return report;
}

}  // namespace

Result<Json> FlowImpl::Audit(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) {
  (void)caller;
  const EndpointDef definition = SW_TRY(DefinitionOf(endpoint));
  SW_TRY(CheckLogs(definition, "an audit"));
  if (definition.service.empty()) return FailedPrecondition("endpoint {} has no feature service; there is nothing to audit", endpoint);
  const store::LogRows rows = SW_TRY(Served(endpoint, from, until));
  return AuditToJson(definition.service, SW_TRY(AuditRows(*options_.features, definition.service, rows)), rows.num_rows());
}

Result<Json> FlowImpl::Audits(const Caller& caller, std::string_view endpoint) const {
  SW_TRY(DefinitionOf(endpoint));
  Json list = Json::MakeArray();
  for (NightlyAudit& audit : SW_TRY(ReadAudits(options_.data->catalog(), caller, endpoint, kAuditsListed))) {
    Json entry = Json::MakeObject({{"time", base::FormatTime(audit.time)}});
    for (const auto& [key, value] : audit.report.AsObject()) entry.Set(key, value);
    list.Append(std::move(entry));
  }
  return list;
}

void FlowImpl::AuditDue(const Caller& caller, TimeUs now) {
  const auto config = this->config();
  for (const auto& [name, endpoint] : config->endpoints) {
    if (endpoint.service.empty() || !endpoint.log || !endpoint.audit) continue;
    if (const Status done = AuditIfDue(caller, endpoint, now); !done) CountFailure("audit", name, done.error());
  }
}

Status FlowImpl::AuditIfDue(const Caller& caller, const EndpointDef& endpoint, TimeUs now) {
  const std::string stream = fmt::format("predictions/{}", endpoint.name);
  const std::vector<NightlyAudit> before = SW_TRY(ReadAudits(options_.data->catalog(), caller, endpoint.name, 1));
  const NightlyAudit* const latest = before.empty() ? nullptr : &before[0];
  if (latest != nullptr && latest->time >= feature::FloorTo(now, base::kDayUs)) return Ok();
  const auto logged = options_.data->logbook().End(stream);
  if (!logged && logged.error().code == ErrorCode::kNotFound) return Ok();
  const store::Cut cut = SW_TRY(logged);
  const auto end = cut.find(0);
  NightlyAudit audit{.time = now, .logged_to = end == cut.end() ? 0 : end->second};
  const std::int64_t from = latest != nullptr ? std::min(latest->logged_to, audit.logged_to) : 0;
  if (from == audit.logged_to) return Ok();
  const feature::AuditReport report =
      SW_TRY(AuditSample(*options_.features, endpoint.service, options_.data->logbook(), stream, from, audit.logged_to));
  audit.report = AuditToJson(endpoint.service, report, static_cast<std::uint64_t>(audit.logged_to - from));
  const std::int64_t different = audit.report.IntOr("different", 0);
  options_.counters->Get("flow_audit_values_total", "Feature values that audits compared.", {{"endpoint", endpoint.name}}).Add(audit.report.IntOr("compared", 0));
  options_.counters->Get("flow_audit_different_total", "Of those, the ones that are not what their rows give.", {{"endpoint", endpoint.name}}).Add(different);
  return options_.data->catalog().Write([&](store::CatalogTransaction& tx) -> Status {
    SW_TRY(PutAudit(tx, caller, endpoint.name, audit));
    return RecordAudit(tx, caller, endpoint.name, audit);
  });
}

// Opens the endpoint's incident, or goes on with it; a night without a difference closes it.
Status FlowImpl::RecordAudit(store::CatalogTransaction& tx, const Caller& caller, const std::string& endpoint, const NightlyAudit& audit) {
  monitor::Incident page = AuditIncident(endpoint, audit);
  const auto known = SW_TRY(incidents_.Find(tx, caller, page.id));
  const bool is_open = known && known->state == "open";
  if (audit.report.IntOr("different", 0) == 0) {
    if (!is_open || audit.report.IntOr("audited", 0) == 0) return Ok();
    monitor::Incident closed = *known;
    closed.state = "closed";
    closed.closed_at = audit.time;
    return RecordIncident(tx, caller, closed, audit.time);
  }
  if (is_open) page.opened_at = known->opened_at;
  return RecordIncident(tx, caller, page, audit.time);
}

}  // namespace sw::flow
