#include "feature/history.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/errors.h"
#include "base/hash.h"
#include "feature/lineage.h"

namespace sw::feature {
namespace {

constexpr std::string_view kErased = "_erased";

// The highest byte first.
void AppendNumber(std::string& out, std::uint64_t bits) {
  if constexpr (std::endian::native == std::endian::little) bits = std::byteswap(bits);
  out.append(reinterpret_cast<const char*>(&bits), sizeof bits);
}

}  // namespace

Result<data::Column> ViewColumn(const data::Field& field, const SourceRows& rows) {
  data::Column column(field.type);
  column.Reserve(rows.num_rows());
  if (field.name == kEveryRow) {
    for (std::size_t row = 0; row < rows.num_rows(); ++row) column.AppendBool(true);
    return column;
  }
  const data::Column* const found = rows.columns.Find(field.name);
  if (found != nullptr && found->type() == field.type) return *found;
  if (found != nullptr && found->null_count() < found->size()) {
    return DataLoss("column \"{}\" holds {} where its source's rows are {}", field.name, data::TypeName(found->type()),
                    data::TypeName(field.type));
  }
  for (std::size_t row = 0; row < rows.num_rows(); ++row) column.AppendNull();
  return column;
}

namespace {

bool Before(const History& a, std::size_t row_a, const History& b, std::size_t row_b) {
  if (a.event_time[row_a] != b.event_time[row_b]) return a.event_time[row_a] < b.event_time[row_b];
  return a.tie[row_a] < b.tie[row_b];
}

void AppendChunk(store::LogChunk&& chunk, SourceRows& into) {
  const data::Column* const erased = chunk.rows.columns.Find(kErased);
  const data::Column& known = *chunk.rows.columns.Find(kAvailableColumn);
  std::vector<std::size_t> kept;
  for (std::size_t row = 0; row < chunk.rows.num_rows(); ++row) {
    if (erased != nullptr && !erased->IsNull(row) && erased->Int(row) != 0) continue;
    kept.push_back(row);
    into.event_time.push_back(chunk.rows.event_time[row]);
    into.available_at.push_back(known.IsNull(row) ? kNever : known.Int(row));
    into.tie.push_back(TieOf(chunk.rows.id[row]));
    into.offset.push_back(chunk.offset[row]);
  }
  const bool all = kept.size() == chunk.rows.num_rows();
  into.columns.AppendAll(all ? chunk.rows.columns : chunk.rows.columns.Take(kept));
}

}  // namespace

std::uint64_t TieOf(std::string_view row_id) { return base::Hash64(row_id); }

Result<SourceRows> ReadSourceRows(const store::Logbook& logbook, std::string_view source, std::int64_t from,
                                  std::int64_t to, const std::vector<data::Field>& fields) {
  store::ReadRequest request;
  request.stream = StreamOf(source);
  request.columns = fields;
  request.columns.push_back({std::string(kAvailableColumn), data::Type::kTimestamp});
  request.columns.push_back({std::string(kErased), data::Type::kBool});
  request.to = to;
  SourceRows rows;
  rows.columns = data::Batch(data::Schema{request.columns});
  rows.columns.Reserve(static_cast<std::size_t>(std::max<std::int64_t>(to - from, 0)));
  for (request.from = from; request.from < to;) {
    store::LogChunk chunk = SW_TRY(logbook.Read(request));
    if (chunk.next <= request.from) {
      return FailedPrecondition("source {} ends at row {}, before the cut {}; give a cut of this logbook", source,
                                request.from, to);
    }
    request.from = chunk.next;
    AppendChunk(std::move(chunk), rows);
  }
  return rows;
}

std::vector<std::size_t> TotalOrder(const std::vector<TimeUs>& time, const std::vector<std::uint64_t>& tie) {
  std::vector<std::size_t> order(time.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return time[a] != time[b] ? time[a] < time[b] : tie[a] < tie[b];
  });
  return order;
}

std::vector<data::Field> FieldsOf(const std::vector<const ViewPlan*>& views) {
  std::vector<data::Field> fields;
  const auto add = [&](const data::Field& field) {
    const auto same = [&](const data::Field& known) { return known.name == field.name; };
    if (field.name != kEveryRow && std::none_of(fields.begin(), fields.end(), same)) {
      fields.push_back({field.name, field.type});
    }
  };
  for (const ViewPlan* view : views) {
    for (const data::Field& key : view->keys) add(key);
    for (const data::Field& column : view->columns) add(column);
  }
  return fields;
}

std::optional<std::string> EntityKey(const std::vector<const data::Column*>& columns, std::size_t row) {
  std::string key;
  for (const data::Column* column : columns) {
    if (column->IsNull(row)) return std::nullopt;
    if (column->type() == data::Type::kString) {
      const std::string_view text = column->String(row);
      key.append(text).push_back('\0');  // the length behind tells apart what a zero byte in it would not
      AppendNumber(key, text.size());
    } else if (column->type() == data::Type::kFloat64) {
      AppendNumber(key, CanonicalBits(column->Double(row)));
    } else {
      AppendNumber(key, static_cast<std::uint64_t>(column->Int(row)));
    }
  }
  return key;
}

Result<std::vector<const data::Column*>> KeyColumns(const ViewPlan& view, const data::Batch& table,
                                                    std::string_view table_name) {
  std::vector<const data::Column*> columns;
  for (const data::Field& key : view.keys) {
    const data::Column* column = SW_TRY(table.Get(key.name, table_name));
    if (column->type() != key.type) {
      return InvalidArgument("column \"{}\" of {} is {}, the key of entity {} is {}", key.name, table_name,
                             data::TypeName(column->type()), view.entity, data::TypeName(key.type));
    }
    columns.push_back(column);
  }
  return columns;
}

data::Schema ValuesSchema(const ViewPlan& view) { return data::Schema{view.columns}; }

Result<Entities> GroupRows(const ViewPlan& view, const SourceRows& rows, bool ignore_availability) {
  Entities entities;
  for (const data::Field& key : view.keys) {
    if (rows.columns.Find(key.name) == nullptr) return entities;
  }
  data::Batch values;
  for (const data::Field& field : view.columns) values.AddColumn(field, SW_TRY(ViewColumn(field, rows)));
  std::vector<TimeUs> time, known;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const RowTimes times = TimesOf(view, rows, row, ignore_availability);
    time.push_back(times.event_time);
    known.push_back(times.available_at);
  }
  const auto keys = SW_TRY(KeyColumns(view, rows.columns, "source " + view.source));
  for (const std::size_t row : TotalOrder(time, rows.tie)) {
    if (known[row] == kNever) continue;
    const auto key = EntityKey(keys, row);
    if (!key) continue;
    const auto [found, is_new] = entities.try_emplace(*key);
    History& history = found->second;
    if (is_new) history.values = data::Batch(values.schema());
    history.event_time.push_back(time[row]);
    history.available_at.push_back(known[row]);
    history.tie.push_back(rows.tie[row]);
    if (!rows.offset.empty()) history.offset.push_back(rows.offset[row]);
    history.values.AppendRow(values, row);
  }
  return entities;
}

void Merge(History& into, const History& more, std::size_t begin, std::size_t end) {
  if (begin == end) return;
  into.index = nullptr;
  if (into.num_rows() == 0 || !Before(more, begin, into, into.num_rows() - 1)) {
    for (std::size_t row = begin; row < end; ++row) AppendHistoryRow(more, row, into);
    return;
  }
  History merged;
  merged.values = data::Batch(into.values.schema());
  for (std::size_t a = 0, b = begin; a < into.num_rows() || b < end;) {
    const bool take_more = a == into.num_rows() || (b < end && Before(more, b, into, a));
    take_more ? AppendHistoryRow(more, b++, merged) : AppendHistoryRow(into, a++, merged);
  }
  into = std::move(merged);
}

}  // namespace sw::feature
