#include "feast/history.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/errors.h"

namespace sw::feast {
namespace {

constexpr std::string_view kMoment = "event_timestamp";

// One view of a request, with its table opened.
struct Joined {
  const WantedView* wanted = nullptr;
  EventTable table;
  std::vector<std::string> label_keys = {};  // columns of the entity table, as table.keys
  std::vector<std::string> columns = {};     // of the table: the features
  std::vector<std::string> names = {};       // what they are called in the answer
};

Result<Joined> OpenView(const TableFolders& folders, const HistoryRequest& request, const WantedView& wanted) {
  const View& view = *wanted.view;
  if (view.kind == ViewKind::kOnDemand) {
    return Unimplemented("feature view {} is computed by Python code on demand, which this server does not run; ask for the views that it reads, and compute it beside the model", view.name);
  }
  if (!view.source) return InvalidArgument("Feature view '{}' has no batch_source and cannot be used for offline retrieval.", view.name);
  const BatchSource& source = *view.source;
  if (source.kind != "file") return Unimplemented("feature view {} reads a source of kind {}; only files are read here", view.name, source.kind);
  auto files = data::RawFiles::Open(SW_TRY(folders.Find(source.uri)));
  if (!files) return std::unexpected(std::move(files).error().Within(fmt::format("source {} of view {}", source.name, view.name)));
  Joined joined{.wanted = &wanted, .table = {.files = *std::move(files)}};
  const data::RawTable& columns = joined.table.files.no_rows();
  const auto find = [&](const std::string& name) -> Result<std::string> {
    std::string column = SourceColumn(source, columns, name);
    SW_TRY(columns.Index(column, fmt::format("source {} of view {}", source.name, view.name)));
    return column;
  };
  for (const Field& key : view.keys) {
    joined.table.keys.push_back(SW_TRY(find(key.name)));
    const auto mapped = wanted.join_key_map.find(key.name);
    joined.label_keys.push_back(mapped == wanted.join_key_map.end() ? key.name : mapped->second);
  }
  joined.table.event_time = SW_TRY(find(source.timestamp_field));
  if (!source.created_timestamp_column.empty()) joined.table.created = SW_TRY(find(source.created_timestamp_column));
  for (const std::size_t feature : wanted.features) {
    const std::string& name = view.features[feature].name;
    joined.columns.push_back(SW_TRY(find(name)));
    joined.names.push_back(request.full_feature_names ? fmt::format("{}__{}", wanted.alias.empty() ? view.name : wanted.alias, name) : name);
  }
  // All features, in an order of their own: what is asked for does not change which row is taken.
  std::set<std::string> content;
  for (const Field& feature : view.features) content.insert(SourceColumn(source, columns, feature.name));
  for (const std::string& column : content) {
    if (columns.Has(column)) joined.table.content.push_back(column);
  }
  return joined;
}

Status CheckNames(const data::RawTable& entities, const std::vector<Joined>& views) {
  std::set<std::string> names;
  for (const data::RawColumn& column : entities.columns()) names.insert(column.name);
  for (const Joined& joined : views) {
    for (const std::string& name : joined.names) {
      if (!names.insert(name).second) return InvalidArgument("two columns would be named {}; ask with full_feature_names=True, or rename the entity table's", name);
    }
  }
  return Ok();
}

bool IsNanos(const data::RawTable& table, std::string_view column) {
  return std::ranges::any_of(table.columns(), [&](const data::RawColumn& each) { return each.name == column && each.is_nanos; });
}

Result<Labels> LabelsOf(const data::RawTable& entities, const std::string& moment, const Joined& joined) {
  Labels labels;
  labels.unit = IsNanos(entities, moment) ? data::TimeUnit::kNanoseconds : UnitOf(joined.table);
  labels.moments = SW_TRY(entities.Times(SW_TRY(entities.Index(moment, "the entity table")), labels.unit));
  std::vector<std::size_t> keys;
  for (const std::string& key : joined.label_keys) {
    if (!entities.Has(key)) return InvalidArgument("FeastEntityDFMissingColumnsError: the entity table has no column {}, a join key of feature view {}", key, joined.wanted->view->name);
    keys.push_back(SW_TRY(entities.Index(key, "the entity table")));
  }
  if (!keys.empty()) labels.keys = SW_TRY(entities.Keys(keys));
  return labels;
}

// The features of the chosen rows, a row a label.
Result<data::RawTable> ValuesOf(const Joined& joined, std::span<const std::int64_t> chosen, std::size_t threads) {
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t label = 0; label < chosen.size(); ++label) {
    if (chosen[label] >= 0) order.emplace_back(chosen[label], label);
  }
  std::ranges::sort(order);
  std::vector<std::int64_t> rows, at(chosen.size(), -1);
  for (const auto& [row, label] : order) {
    if (rows.empty() || rows.back() != row) rows.push_back(row);
    at[label] = static_cast<std::int64_t>(rows.size()) - 1;
  }
  order = {};
  // A column may be asked for under two names.
  std::vector<std::string> columns = joined.columns;
  std::ranges::sort(columns);
  columns.erase(std::ranges::unique(columns).begin(), columns.end());
  const data::RawTable values = SW_TRY(SW_TRY(joined.table.files.Gather(columns, rows, threads)).Take(at));
  data::RawTable named;
  for (std::size_t i = 0; i < joined.columns.size(); ++i) {
    named = SW_TRY(named.Beside(SW_TRY(SW_TRY(values.Select({joined.columns[i]}, "the table")).Rename({{joined.columns[i], joined.names[i]}}))));
  }
  return named;
}

Result<data::RawTable> JoinView(const data::RawTable& entities, const std::string& moment, const Joined& joined, const HistoryRequest& request, const HistoryOptions& options) {
  const Labels labels = SW_TRY(LabelsOf(entities, moment, joined));
  DurationUs ttl = joined.wanted->view->ttl;
  if (!request.entities && request.start) {
    const DurationUs range = std::max<DurationUs>(1, request.end.value_or(options.now) - *request.start);
    ttl = ttl > 0 ? std::min(ttl, range) : range;
  }
  const NewestOptions newest{.ttl = ttl, .by_created = request.filter_by_created_timestamp, .threads = options.threads};
  std::vector<std::int64_t> rows = SW_TRY(NewestRows(joined.table, labels, newest));
  return ValuesOf(joined, rows, options.threads);
}

// A row for each entity that one of the views knows at `end`, with its keys.
Result<data::RawTable> AllEntities(const std::vector<Joined>& views, const HistoryRequest& request, const HistoryOptions& options, TimeUs end) {
  std::vector<data::RawTable> found;
  for (const Joined& joined : views) {
    if (joined.label_keys.empty()) continue;
    const data::TimeUnit unit = UnitOf(joined.table);
    TimeRange range{.from = INT64_MIN, .to = InUnit(end, unit)};
    TimeUs from = request.start.value_or(INT64_MIN);
    if (joined.wanted->view->ttl > 0) from = std::max(from, end - joined.wanted->view->ttl);
    if (from != INT64_MIN) range.from = InUnit(from, unit);
    const auto rows = SW_TRY(NewestOfEachKey(joined.table, range, unit, {.threads = options.threads}));
    std::map<std::string, std::string> names;
    for (std::size_t i = 0; i < joined.label_keys.size(); ++i) names[joined.table.keys[i]] = joined.label_keys[i];
    found.push_back(SW_TRY(SW_TRY(joined.table.files.Gather(joined.table.keys, rows, options.threads)).Rename(names)));
    const auto same = [&](const std::string& key) { return found.front().Has(key); };
    if (found.front().columns().size() != joined.label_keys.size() || !std::ranges::all_of(joined.label_keys, same)) {
      return Unimplemented("feature views {} and {} have different join keys; ask for each alone, or with an entity table", views.front().wanted->view->name, joined.wanted->view->name);
    }
  }
  if (found.empty()) return data::RawTable();
  std::vector<std::string> names;
  for (const data::RawColumn& column : found.front().columns()) names.push_back(column.name);
  const data::RawTable all = SW_TRY(data::RawTable::Concat(found));
  std::vector<std::size_t> keys;
  for (const std::string& name : names) keys.push_back(SW_TRY(all.Index(name, "the entities")));
  std::set<std::string> seen;
  std::vector<std::int64_t> distinct;
  const data::RawKeys bytes = SW_TRY(all.Keys(keys));
  for (std::size_t row = 0; row < bytes.size(); ++row) {
    const std::string key = bytes.is_number ? data::KeyOfNumber(bytes.numbers[row]) : std::string(bytes.Bytes(row));
    if (bytes.is_null[row] == 0 && (found.size() == 1 || seen.insert(key).second)) distinct.push_back(static_cast<std::int64_t>(row));
  }
  return SW_TRY(all.Take(distinct)).Select(names, "the entities");
}

}  // namespace

std::string SourceColumn(const BatchSource& source, const data::RawTable& table, const std::string& name) {
  for (const auto& [column, mapped] : source.field_mapping) {
    if (mapped == name && table.Has(column)) return column;
  }
  return name;
}

Result<std::string> MomentColumn(const data::RawTable& entities) {
  if (entities.Has(kMoment)) return std::string(kMoment);
  std::vector<std::string> times;
  for (const data::RawColumn& column : entities.columns()) {
    if (column.is_time) times.push_back(column.name);
  }
  if (times.size() == 1) return times.front();
  return InvalidArgument("Please provide an entity_df with a column named {} representing the time of events.", kMoment);
}

Result<data::RawTable> HistoricalFeatures(const TableFolders& folders, const HistoryRequest& request, const HistoryOptions& options) {
  std::vector<Joined> views;
  for (const WantedView& wanted : request.views) views.push_back(SW_TRY(OpenView(folders, request, wanted)));
  std::string moment(kMoment);
  data::RawTable entities;
  if (request.entities) {
    entities = *request.entities;
    moment = SW_TRY(MomentColumn(entities));
  } else {
    const TimeUs end = request.end.value_or(options.now);
    const data::RawTable keys = SW_TRY(AllEntities(views, request, options, end));
    const bool has_keys = !keys.columns().empty();
    entities = SW_TRY(data::RawTable::OfTimes(moment, std::vector<TimeUs>(has_keys ? keys.num_rows() : 1, end)));
    if (has_keys) entities = SW_TRY(keys.Beside(entities));
  }
  SW_TRY(CheckNames(entities, views));
  data::RawTable answer = SW_TRY(entities.InUtc({moment}));
  for (const Joined& joined : views) {
    answer = SW_TRY(answer.Beside(SW_TRY(JoinView(entities, moment, joined, request, options))));
  }
  return answer;
}

namespace {

constexpr std::string_view kDummyId = "__dummy_id";

struct Pulled {
  EventTable table;
  std::vector<std::string> columns = {};
  data::TimeUnit unit = data::TimeUnit::kMicroseconds;
  TimeRange range = {};
};

Result<Pulled> OpenPull(const TableFolders& folders, const PullRequest& request) {
  Pulled pulled{.table = {.files = SW_TRY(data::RawFiles::Open(SW_TRY(folders.Find(request.uri)))), .keys = request.keys, .event_time = request.event_time, .created = request.created}};
  const data::RawTable& all = pulled.table.files.no_rows();
  std::vector<std::string> wanted = request.keys;
  wanted.insert(wanted.end(), request.features.begin(), request.features.end());
  wanted.push_back(request.event_time);
  if (!request.created.empty()) wanted.push_back(request.created);
  if (request.features.empty()) {
    for (const data::RawColumn& column : all.columns()) wanted.push_back(column.name);
  }
  std::set<std::string> seen;
  for (const std::string& column : wanted) {
    SW_TRY(all.Index(column, request.uri));
    if (seen.insert(column).second) pulled.columns.push_back(column);
  }
  pulled.table.content.assign(seen.begin(), seen.end());
  pulled.unit = UnitOf(pulled.table);
  if (request.start) pulled.range.from = InUnit(*request.start, pulled.unit);
  if (request.end) pulled.range.to = InUnit(*request.end, pulled.unit);
  return pulled;
}

Result<data::RawTable> Finished(const PullRequest& request, data::RawTable rows) {
  rows = SW_TRY(rows.InUtc({request.event_time, request.created}));
  if (!request.keys.empty()) return rows;
  return rows.Beside(SW_TRY(data::RawTable::OfTexts({{std::string(kDummyId), std::vector<std::string>(rows.num_rows())}})));
}

}  // namespace

Result<data::RawTable> PullLatest(const TableFolders& folders, const PullRequest& request, const HistoryOptions& options) {
  const Pulled pulled = SW_TRY(OpenPull(folders, request));
  const auto rows = SW_TRY(NewestOfEachKey(pulled.table, pulled.range, pulled.unit, {.threads = options.threads}));
  return Finished(request, SW_TRY(pulled.table.files.Gather(pulled.columns, rows, options.threads)));
}

Result<data::RawTable> PullAll(const TableFolders& folders, const PullRequest& request, const HistoryOptions& options) {
  const Pulled pulled = SW_TRY(OpenPull(folders, request));
  const auto rows = SW_TRY(RowsInRange(pulled.table, pulled.range, pulled.unit));
  std::vector<std::int64_t> ascending = rows;
  std::ranges::sort(ascending);
  const data::RawTable gathered = SW_TRY(pulled.table.files.Gather(pulled.columns, ascending, options.threads));
  if (ascending == rows) return Finished(request, gathered);
  std::vector<std::int64_t> at;
  at.reserve(rows.size());
  for (const std::int64_t row : rows) at.push_back(std::ranges::lower_bound(ascending, row) - ascending.begin());
  return Finished(request, SW_TRY(gathered.Take(at)));
}

}  // namespace sw::feast
