#include "feature/table_join.h"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/errors.h"
#include "feature/arrival.h"
#include "feature/conform.h"
#include "feature/history.h"
#include "feature/join.h"
#include "feature/plan.h"
#include "feature/source.h"

namespace sw::feature {
namespace {

std::set<std::string> SourcesOf(const Definitions& defined, const ServiceDef& service) {
  std::set<std::string> sources;
  for (const std::string& feature : service.features) {
    const auto view = defined.views.find(feature.substr(0, feature.find('.')));
    if (view != defined.views.end()) sources.insert(view->second.source);
  }
  return sources;
}

// The table's rows as their stream would have them.
Result<Arrival> ReadArrival(const SourceDef& source, const std::string& folder) {
  const LookupTables lookups = SW_TRY(LoadLookups(source, folder));
  Arrival arrival = SW_TRY(MakeArrival(source, SW_TRY(DeriveRows(source, SW_TRY(ReadSourceTable(source, folder)), lookups))));
  std::unordered_set<std::string_view> seen;
  seen.reserve(arrival.num_rows());
  std::vector<std::size_t> kept;
  for (std::size_t row = 0; row < arrival.num_rows(); ++row) {
    if (seen.insert(arrival.id[row]).second) kept.push_back(row);
  }
  return kept.size() == arrival.num_rows() ? std::move(arrival) : Take(arrival, kept);
}

SourceRows RowsOf(Arrival arrival) {
  SourceRows rows{.event_time = std::move(arrival.event_time), .available_at = std::move(arrival.available_at), .tie = {}, .columns = std::move(arrival.columns)};
  rows.tie.reserve(arrival.id.size());
  for (const std::string& id : arrival.id) rows.tie.push_back(TieOf(id));
  return rows;
}

Result<EntityTable> TableOf(const ViewPlan& view, const SourceRows& rows, bool ignore_availability) {
  EntityTable table;
  for (auto& [key, history] : SW_TRY(GroupRows(view, rows, ignore_availability))) {
    history.index = IndexHistory(history);
    table.emplace(key, std::make_shared<const History>(std::move(history)));
  }
  return table;
}

// Whether the entity has a row that happened by t, and whether it has one that is visible.
Result<TableJoin::Matches> CountMatches(const ViewPlan& view, const EntityTable& table, const data::Batch& labels,
                                        const std::vector<TimeUs>& moments) {
  TableJoin::Matches matches;
  const data::Batch conformed = SW_TRY(ConformTable(labels, view.keys, "the labels"));
  const auto keys = SW_TRY(KeyColumns(view, conformed, "the labels"));
  for (std::size_t row = 0; row < labels.num_rows(); ++row) {
    const auto key = EntityKey(keys, row);
    const auto found = key ? table.find(*key) : table.end();
    if (found == table.end()) continue;
    const History& history = *found->second;
    const auto happened = static_cast<std::size_t>(std::ranges::upper_bound(history.event_time, moments[row]) - history.event_time.begin());
    if (happened == 0) continue;
    ++matches.happened;
    const auto known = [&](TimeUs available) { return available <= moments[row]; };
    const auto begin = history.available_at.begin();
    if (std::none_of(begin, begin + static_cast<std::ptrdiff_t>(happened), known)) ++matches.hidden;
  }
  return matches;
}

}  // namespace

Result<TableJoin> JoinFromTables(std::shared_ptr<const Definitions> definitions, std::string_view service, const data::Batch& labels,
                                 const std::vector<TimeUs>& moments, const TableJoinOptions& options) {
  const ServiceDef& wanted = *SW_TRY(definitions->Service(service));
  TableJoin joined;
  std::map<std::string, SourceRows> rows;
  std::map<std::string, data::Schema> schemas;
  for (const std::string& name : SourcesOf(*definitions, wanted)) {
    const SourceDef& source = *SW_TRY(definitions->Source(name));
    Arrival arrival = SW_TRY(ReadArrival(source, options.tables_folder));
    SW_TRY(CheckColumns(*definitions, source, arrival.columns.schema()));
    schemas[name] = arrival.columns.schema();
    joined.source_rows[name] = arrival.num_rows();
    rows[name] = RowsOf(std::move(arrival));
  }
  const auto plan = SW_TRY(MakePlan(definitions, std::move(schemas)));
  const ServicePlan& service_plan = *SW_TRY(plan->Service(service));
  std::vector<EntityTable> tables;
  tables.reserve(service_plan.views.size());
  for (const ViewPlan* view : service_plan.views) {
    tables.push_back(SW_TRY(TableOf(*view, rows.at(view->source), options.ignore_availability)));
    if (!view->is_static) joined.matches[view->name] = SW_TRY(CountMatches(*view, tables.back(), labels, moments));
  }
  rows.clear();
  std::vector<const EntityTable*> sides;
  for (const EntityTable& table : tables) sides.push_back(&table);
  joined.features = SW_TRY(JoinFeatures(service_plan, sides, labels, moments, options.progress));
  return joined;
}

}  // namespace sw::feature
