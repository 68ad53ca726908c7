#include "store/logbook.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "base/errors.h"
#include "store/log_rows.h"

namespace sw::store {
namespace {

void AppendRows(LogRows& into, LogRows&& more) {
  into.event_time.insert(into.event_time.end(), more.event_time.begin(), more.event_time.end());
  into.id.insert(into.id.end(), std::make_move_iterator(more.id.begin()), std::make_move_iterator(more.id.end()));
}

struct Gathered {
  LogRows rows;                       // times and ids
  std::vector<data::Batch> columns;   // a chunk each, in the same order
  std::vector<std::size_t> counts;    // rows of each chunk, which may have no column
};

Status Gather(const Logbook& logbook, ReadRequest request, Gathered& out) {
  while (request.from < request.to) {
    LogChunk chunk = SW_TRY(logbook.Read(request));
    if (chunk.next <= request.from) {
      return FailedPrecondition("stream {} partition {} ends at row {}, before the cut {}; read a cut of this logbook",
                                request.stream, request.partition, request.from, request.to);
    }
    request.from = chunk.next;
    if (chunk.rows.num_rows() == 0) continue;
    out.counts.push_back(chunk.rows.num_rows());
    out.columns.push_back(std::move(chunk.rows.columns));
    AppendRows(out.rows, std::move(chunk.rows));
  }
  return Ok();
}

// Indices in the order (event time, id), first of a repeated id only. An empty id repeats nothing.
std::vector<std::size_t> FoldOrder(const LogRows& rows) {
  std::vector<std::size_t> order(rows.num_rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (rows.event_time[a] != rows.event_time[b]) return rows.event_time[a] < rows.event_time[b];
    return rows.id[a] < rows.id[b];
  });
  std::set<std::string_view> seen;
  std::erase_if(order, [&](std::size_t row) { return !rows.id[row].empty() && !seen.insert(rows.id[row]).second; });
  return order;
}

}  // namespace

Json CutToJson(const Cut& cut) {
  Json json = Json::MakeObject();
  for (const auto& [partition, offset] : cut) json.Set(std::to_string(partition), offset);
  return json;
}

Result<Cut> CutFromJson(const Json& json) {
  if (!json.IsObject()) return InvalidArgument("a cut is an object of partition to offset, not {}", json.TypeName());
  Cut cut;
  for (const auto& [key, offset] : json.AsObject()) {
    std::int32_t partition = 0;
    const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), partition);
    if (error != std::errc() || std::to_string(partition) != key || partition < 0) {
      return InvalidArgument("cut names partition \"{}\"; partitions are 0, 1, ...", key);
    }
    if (!offset.IsInt() || offset.AsInt() < 0) {
      return InvalidArgument("cut of partition {} is {}; an offset is an integer from 0", key, offset.Dump());
    }
    cut[partition] = offset.AsInt();
  }
  return cut;
}

Result<LogRows> ReadFold(const Logbook& logbook, std::string_view stream, const Cut& from, const Cut& cut,
                         const std::vector<data::Field>& columns) {
  Gathered gathered;
  for (const auto& [partition, end] : cut) {
    const auto start = from.find(partition);
    ReadRequest request;
    request.stream = std::string(stream);
    request.partition = partition;
    request.from = start == from.end() ? 0 : start->second;
    request.to = end;
    request.columns = columns;
    SW_TRY(Gather(logbook, std::move(request), gathered));
  }
  std::vector<const data::Batch*> parts;
  for (const data::Batch& part : gathered.columns) parts.push_back(&part);
  const std::vector<data::Field> fields = columns.empty() ? UnionFields(parts) : columns;
  data::Batch all(data::Schema{fields});
  for (std::size_t i = 0; i < gathered.columns.size(); ++i) {
    SW_TRY(AppendWidened(gathered.columns[i], 0, gathered.counts[i], fields, all));
  }
  const std::vector<std::size_t> order = FoldOrder(gathered.rows);
  LogRows out;
  for (const std::size_t row : order) {
    out.event_time.push_back(gathered.rows.event_time[row]);
    out.id.push_back(gathered.rows.id[row]);
  }
  if (all.num_columns() > 0) out.columns = all.Take(order);
  return out;
}

}  // namespace sw::store
