#include "monitor/endpoint_monitor.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "base/errors.h"
#include "base/hash.h"

namespace sw::monitor {
namespace {

constexpr std::string_view kFeaturePrefix = "x.";
constexpr std::size_t kQuietBlocksToClose = 3;

data::Batch FeaturesOf(const data::Batch& columns) {
  data::Batch features;
  for (std::size_t i = 0; i < columns.num_columns(); ++i) {
    const data::Field& field = columns.schema().fields[i];
    if (!field.name.starts_with(kFeaturePrefix)) continue;
    features.AddColumn({field.name.substr(kFeaturePrefix.size()), field.type, field.nullable}, columns.column(i));
  }
  return features;
}

std::string RangeText(const data::Contract& contract, const std::string& column) {
  for (const data::ColumnContract& known : contract.columns) {
    if (known.name == column && known.min && known.max) return fmt::format("{:.6g} to {:.6g}", *known.min, *known.max);
  }
  return "what training saw";
}

}  // namespace

Result<EndpointMonitor> EndpointMonitor::Create(const MonitorPolicy& policy, const Reference& reference) {
  return EndpointMonitor(policy, reference, SW_TRY(RealisedLoss::Create(policy, reference.loss)),
                         SW_TRY(ContractWatch::Create(policy, reference.contract)));
}

Status EndpointMonitor::Replace(const Reference& reference) {
  reference_ = reference;
  estimated_.Replace(reference.calibrator);
  contract_ = SW_TRY(contract_.WithContract(reference.contract));
  return realised_.Restart(reference.loss);
}

Status EndpointMonitor::Observe(const store::LogRows& rows) {
  if (rows.num_rows() == 0) return Ok();
  const data::Column* scores = SW_TRY(rows.columns.Get("score", "the predictions"));
  for (std::size_t i = 0; i < rows.num_rows(); ++i) {
    realised_.Predicted(rows.id[i], rows.event_time[i], scores->AsDouble(i));
    estimated_.Predicted(rows.event_time[i], scores->AsDouble(i));
  }
  const data::Batch features = FeaturesOf(rows.columns);
  SW_TRY(contract_.Observe(features, rows.event_time));
  Remember(features, rows);
  observed_ += rows.num_rows();
  return Ok();
}

void EndpointMonitor::Remember(const data::Batch& features, const store::LogRows& rows) {
  std::vector<data::Violation> violations;
  data::CheckContract(reference_.contract, features, std::numeric_limits<std::size_t>::max(), violations);
  std::set<std::pair<std::size_t, std::size_t>> bad;
  for (const data::Violation& violation : violations) bad.emplace(violation.column, violation.row);
  for (std::size_t c = 0; c < reference_.contract.columns.size(); ++c) {
    const data::Column* column = features.Find(reference_.contract.columns[c].name);
    for (std::size_t row = rows.num_rows(); column != nullptr && row-- > 0;) {
      if (column->IsNull(row) || bad.contains({c, row})) continue;
      data::Column value(column->type());
      value.AppendFrom(*column, row);
      last_good_.insert_or_assign(reference_.contract.columns[c].name, std::move(value));
      break;
    }
  }
  const data::Column* scores = rows.columns.Find("score");
  const data::Column* versions = rows.columns.Find("version");
  if (!(recent_.features.schema() == features.schema())) recent_ = {.features = data::Batch(features.schema())};
  for (std::size_t i = 0; i < rows.num_rows(); ++i) {
    recent_.times.push_back(rows.event_time[i]);
    recent_.scores.push_back(scores->AsDouble(i));
    recent_.versions.push_back(versions == nullptr || versions->IsNull(i) ? 0 : versions->Int(i));
  }
  recent_.features.AppendAll(features);
  if (recent_.times.size() <= 2 * kRecentRows) return;
  const std::size_t drop = recent_.times.size() - kRecentRows;
  recent_.features = recent_.features.Slice(drop, kRecentRows);
  recent_.times.erase(recent_.times.begin(), recent_.times.begin() + static_cast<std::ptrdiff_t>(drop));
  recent_.scores.erase(recent_.scores.begin(), recent_.scores.begin() + static_cast<std::ptrdiff_t>(drop));
  recent_.versions.erase(recent_.versions.begin(), recent_.versions.begin() + static_cast<std::ptrdiff_t>(drop));
}

Status EndpointMonitor::ObserveLabels(const store::LogRows& labels) {
  if (labels.num_rows() == 0) return Ok();
  const data::Column* values = SW_TRY(labels.columns.Get("label", "the labels"));
  for (std::size_t i = 0; i < labels.num_rows(); ++i) {
    const bool is_label = !values->IsNull(i) && (values->AsDouble(i) == 0 || values->AsDouble(i) == 1);
    if (!is_label || !realised_.Labelled(labels.id[i], values->AsDouble(i))) ++labels_unknown_;
  }
  return Ok();
}

std::string EndpointMonitor::IdOf(std::string_view kind, std::string_view name, TimeUs since) const {
  constexpr std::size_t kDigits = 10;
  return fmt::format("{}-{}", policy_.name, base::Sha256Hex(fmt::format("{} {} {} {}", policy_.name, kind, name, since)).substr(0, kDigits));
}

data::Column EndpointMonitor::GoodValues(const std::string& column) const {
  if (const data::ColumnProfile* profile = reference_.profile.Find(column)) {
    if (data::Column typical = TypicalValues(*profile); typical.size() > 0) return typical;
  }
  const auto found = last_good_.find(column);
  return found == last_good_.end() ? data::Column(data::Type::kFloat64) : found->second;
}

Result<EndpointMonitor::Fault*> EndpointMonitor::FaultOf(const BrokenColumn& broken, TimeUs now) {
  if (const auto found = faults_.find(broken.name); found != faults_.end()) return &found->second;
  Fault fault{.incident = {}, .harm = SW_TRY(CounterfactualHarm::Create())};
  Incident& incident = fault.incident;
  incident.id = IdOf("column", broken.name, broken.first_bad);
  incident.monitor = policy_.name;
  incident.endpoint = policy_.endpoint;
  incident.severity = "ticket";
  incident.stage = "source";
  incident.opened_at = now;
  incident.since_lo = broken.last_good;
  incident.since_hi = broken.first_bad;
  incident.guarantee = "anytime-valid";
  incident.causes = "counterfactual";
  return &faults_.emplace(broken.name, std::move(fault)).first->second;
}

Status EndpointMonitor::AddHarm(Fault& fault, const BrokenColumn& broken, const Rescore& rescore) {
  const auto column = std::find_if(reference_.contract.columns.begin(), reference_.contract.columns.end(),
                                   [&](const data::ColumnContract& c) { return c.name == broken.name; });
  const auto index = static_cast<std::size_t>(column - reference_.contract.columns.begin());
  const std::uint64_t oldest = observed_ - recent_.times.size();
  std::map<std::int64_t, std::vector<std::size_t>> rows_of;  // by version
  for (std::size_t i = 0; i < recent_.times.size(); ++i) {
    const bool is_new = oldest + i >= fault.scored_from && recent_.times[i] >= broken.first_bad;
    if (is_new && contract_.IsBroken(index, recent_.features, i)) rows_of[recent_.versions[i]].push_back(i);
  }
  fault.scored_from = observed_;
  for (const auto& [version, rows] : rows_of) {
    std::vector<double> served;
    for (const std::size_t row : rows) served.push_back(recent_.scores[row]);
    SW_TRY(fault.harm.Add(recent_.features.Take(rows), served, version, broken.name, GoodValues(broken.name), rescore));
  }
  return Ok();
}

Status EndpointMonitor::EvaluateColumns(TimeUs now, const Rescore& rescore, std::vector<Incident>& changed) {
  const std::vector<BrokenColumn> broken = contract_.Broken();
  std::set<std::string> names;
  for (const BrokenColumn& column : broken) {
    names.insert(column.name);
    Fault& fault = *SW_TRY(FaultOf(column, now));
    SW_TRY(AddHarm(fault, column, rescore));
    const Harm harm = fault.harm.Estimate(policy_.alpha);
    Incident& incident = fault.incident;
    if (incident.exposed == column.rows_bad) continue;
    incident.exposed = column.rows_bad;
    incident.harm = harm.mean;
    incident.harm_lo = harm.interval.low;
    incident.harm_hi = harm.interval.high;
    if (harm.rows > 0 && harm.interval.low > policy_.fault_harm) incident.severity = "page";
    incident.culprits = {{.kind = "feature", .name = column.name, .harm = harm.mean}};
    incident.summary = fmt::format(
        "{} broke its contract ({}: {}, allowed {}) at {}; {} predictions touched, each worse by {:.4f} of squared "
        "error ({:.4f} to {:.4f})",
        column.name, data::ViolationKindName(column.kind), column.rows_bad, RangeText(reference_.contract, column.name),
        base::FormatTime(column.first_bad), column.rows_bad, harm.mean, harm.interval.low, harm.interval.high);
    incident.evidence = Json::MakeObject({{"rows_scored_again", harm.rows}, {"rows_since", column.rows},
                                          {"alpha", policy_.alpha}, {"fault_harm", policy_.fault_harm},
                                          {"version", reference_.version}});
  }
  // Two columns may break at once: each incident lists all, the most harmful first.
  std::vector<Culprit> culprits;
  for (const auto& [name, fault] : faults_) {
    if (names.contains(name)) culprits.push_back({.kind = "feature", .name = name, .harm = fault.incident.harm});
  }
  std::stable_sort(culprits.begin(), culprits.end(), [](const Culprit& a, const Culprit& b) { return a.harm > b.harm; });
  for (auto fault = faults_.begin(); fault != faults_.end();) {
    Incident& incident = fault->second.incident;
    if (names.contains(fault->first)) {
      incident.culprits = culprits;
      changed.push_back(incident);
      ++fault;
      continue;
    }
    incident.state = "closed";
    incident.closed_at = now;
    changed.push_back(incident);
    fault = faults_.erase(fault);
  }
  return Ok();
}

Status EndpointMonitor::EvaluateLoss(TimeUs now, std::vector<Incident>& changed) {
  SW_TRY(realised_.AdvanceTo(now));
  const double bound = reference_.loss + policy_.tolerance;
  if (!loss_pages_.empty() && loss_pages_.back().state == "open") {
    const auto& blocks = realised_.blocks();
    Incident& page = loss_pages_.back();
    std::size_t quiet = 0;
    for (auto block = blocks.rbegin(); block != blocks.rend() && block->from >= page.opened_at; ++block) {
      if (block->labelled < policy_.block_rows_min) continue;  // too few labels to say anything
      if (block->loss > bound) break;
      ++quiet;
    }
    if (quiet < kQuietBlocksToClose) return Ok();
    page.state = "closed";
    page.closed_at = now;
    changed.push_back(page);
    return realised_.Restart(reference_.loss);
  }
  if (!realised_.IsAlarmed() || HasOpenPage()) return Ok();
  const std::vector<LossBlock> blocks = realised_.SinceChange();
  stats::MeanSequence means = SW_TRY(stats::MeanSequence::Create({0, 1}));
  Incident page{.id = IdOf("loss", fmt::format("{}", reference_.version), blocks.front().from), .monitor = policy_.name, .endpoint = policy_.endpoint, .severity = "page",
                .stage = "drift", .opened_at = now, .since_lo = blocks.front().from, .since_hi = blocks.front().to,
                .culprits = {{.kind = "version", .name = fmt::format("{}", reference_.version), .harm = 0}},
                .guarantee = "anytime-valid", .causes = "associational"};
  double loss = 0;
  std::uint64_t labelled = 0;
  for (const LossBlock& block : blocks) {
    SW_TRY(means.Add(std::clamp(block.loss, 0.0, 1.0)));
    loss += block.loss * static_cast<double>(block.labelled);
    labelled += block.labelled;
    page.exposed += block.predictions;
  }
  const stats::Interval interval = means.Bounds(policy_.alpha);
  const double mean = loss / static_cast<double>(labelled);
  page.harm = mean - reference_.loss;
  page.harm_lo = interval.low - reference_.loss;
  page.harm_hi = interval.high - reference_.loss;
  page.culprits[0].harm = page.harm;
  page.summary = fmt::format(
      "the realised loss is {:.4f} since {}, {:.4f} above the reference of version {} and more than the {:.4f} tolerated; "
      "no input explains it",
      mean, base::FormatTime(page.since_lo), page.harm, reference_.version, policy_.tolerance);
  page.evidence = Json::MakeObject({{"realised_loss", mean}, {"reference_loss", reference_.loss},
                                    {"tolerance", policy_.tolerance}, {"blocks", blocks.size()}, {"labelled", labelled},
                                    {"log_e", blocks.back().log_e}, {"alpha", policy_.alpha}});
  loss_pages_.push_back(page);
  changed.push_back(page);
  return realised_.Restart(reference_.loss);
}

namespace {

bool IsOpenPage(const Incident& incident) { return incident.state == "open" && incident.severity == "page"; }

}  // namespace

bool EndpointMonitor::HasOpenFault() const {
  return std::any_of(faults_.begin(), faults_.end(), [](const auto& fault) { return IsOpenPage(fault.second.incident); });
}

bool EndpointMonitor::HasOpenPage() const {
  return HasOpenFault() || std::any_of(loss_pages_.begin(), loss_pages_.end(), IsOpenPage);
}

std::set<std::string> EndpointMonitor::OpenIds() const {
  std::set<std::string> ids;
  for (const auto& [column, fault] : faults_) ids.insert(fault.incident.id);
  for (const Incident& page : loss_pages_) {
    if (page.state == "open") ids.insert(page.id);
  }
  return ids;
}

Result<std::vector<Incident>> EndpointMonitor::Evaluate(TimeUs now, const Rescore& rescore) {
  std::vector<Incident> changed;
  SW_TRY(EvaluateColumns(now, rescore, changed));
  SW_TRY(EvaluateLoss(now, changed));
  return changed;
}

}  // namespace sw::monitor
