#include "feature/arrival.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/errors.h"
#include "base/hash.h"
#include "base/json.h"
#include "feature/kernel.h"

namespace sw::feature {
namespace {

constexpr std::size_t kContentIdDigits = 32;
constexpr std::uint64_t kOtherSeed = 0x5ea0047a4ull;

Result<const data::Column*> TimeColumn(const SourceDef& source, const std::string& name, const data::Batch& rows) {
  const data::Column* column = SW_TRY(rows.Get(name, "source " + source.name));
  if (column->type() != data::Type::kTimestamp) {
    return InvalidArgument("source.{}: column \"{}\" is {}, expected timestamp", source.name, name,
                           data::TypeName(column->type()));
  }
  return column;
}

TimeUs Later(TimeUs time, DurationUs delay) { return time > kNever - delay ? kNever : time + delay; }

Status AddTimes(const SourceDef& source, Arrival& arrival) {
  const std::size_t rows = arrival.columns.num_rows();
  if (source.is_static) {
    arrival.event_time.assign(rows, kAlways);
    arrival.available_at.assign(rows, kAlways);
    return Ok();
  }
  const data::Column& event = *SW_TRY(TimeColumn(source, source.event_time, arrival.columns));
  const data::Column* created = nullptr;
  if (!source.created_time.empty()) created = arrival.columns.Find(source.created_time);
  if (created != nullptr) SW_TRY(TimeColumn(source, source.created_time, arrival.columns));
  arrival.event_time.reserve(rows);
  arrival.available_at.reserve(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    if (event.IsNull(row)) {
      return InvalidArgument("source.{}: row {} has no {}, its event time; filter such rows with where", source.name,
                             row, source.event_time);
    }
    const bool is_unknown = !source.created_time.empty() && (created == nullptr || created->IsNull(row));
    const TimeUs known = created == nullptr || is_unknown ? kAlways : created->Int(row);
    arrival.event_time.push_back(event.Int(row));
    arrival.available_at.push_back(is_unknown ? kNever : std::max(Later(event.Int(row), source.delay), known));
  }
  return Ok();
}

// One text column names a row as it is; anything else as a JSON array, which no two keys share.
std::string KeyId(const std::vector<const data::Column*>& columns, std::size_t row) {
  if (columns.size() == 1 && columns[0]->type() == data::Type::kString && !columns[0]->IsNull(row)) {
    const std::string_view text = columns[0]->String(row);
    if (!text.empty() && !text.starts_with('[')) return std::string(text);
  }
  Json key = Json::MakeArray();
  for (const data::Column* column : columns) key.Append(column->ToJson(row));
  return key.Dump();
}

void AppendBytes(std::string& out, std::string_view text) { out.append(std::to_string(text.size())).append(1, ':').append(text); }

// Nulls do not count, so that a column that a push leaves out and one that it has as null are alike.
std::string ContentId(const data::Batch& rows, const std::vector<std::size_t>& columns_by_name, std::size_t row) {
  std::string content;
  for (const std::size_t index : columns_by_name) {
    const data::Column& column = rows.column(index);
    if (column.IsNull(row)) continue;
    AppendBytes(content, rows.schema().fields[index].name);
    if (column.type() == data::Type::kString) {
      AppendBytes(content, column.String(row));
    } else {
      const std::uint64_t bits = column.type() == data::Type::kFloat64 ? std::bit_cast<std::uint64_t>(column.Double(row))
                                                                       : static_cast<std::uint64_t>(column.Int(row));
      AppendBytes(content, std::to_string(bits));
    }
  }
  return base::Sha256Hex(content).substr(0, kContentIdDigits);
}

Status AddIds(const SourceDef& source, Arrival& arrival) {
  const data::Batch& rows = arrival.columns;
  std::vector<const data::Column*> named_by;
  for (const std::string& name : source.dedupe) named_by.push_back(SW_TRY(rows.Get(name, "source " + source.name)));
  std::vector<std::size_t> by_name(rows.num_columns());
  std::iota(by_name.begin(), by_name.end(), std::size_t{0});
  std::sort(by_name.begin(), by_name.end(), [&](std::size_t a, std::size_t b) {
    return rows.schema().fields[a].name < rows.schema().fields[b].name;
  });
  arrival.id.reserve(rows.num_rows());
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    arrival.id.push_back(named_by.empty() ? ContentId(rows, by_name, row) : KeyId(named_by, row));
  }
  return Ok();
}

}  // namespace

Result<Arrival> MakeArrival(const SourceDef& source, data::Batch derived, bool is_named) {
  Arrival arrival;
  arrival.columns = std::move(derived);
  SW_TRY(AddTimes(source, arrival));
  if (is_named) SW_TRY(AddIds(source, arrival));
  return arrival;
}

RowName NameOf(std::string_view id) { return {base::Hash64(id, kOtherSeed), base::Hash64(id)}; }

Arrival Take(const Arrival& arrival, const std::vector<std::size_t>& rows) {
  Arrival taken;
  for (const std::size_t row : rows) {
    taken.event_time.push_back(arrival.event_time[row]);
    taken.available_at.push_back(arrival.available_at[row]);
    taken.id.push_back(arrival.id[row]);
  }
  taken.columns = arrival.columns.Take(rows);
  return taken;
}

}  // namespace sw::feature
