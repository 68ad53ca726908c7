#include "feature/clustered_rows.h"

#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"

namespace sw::feature {
namespace {

// What a record begins with; the entity's key and the values follow, each with whether it is there.
struct Head {
  std::uint64_t hash = 0;
  TimeUs event_time = 0;
  TimeUs available_at = 0;
  std::uint64_t tie = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t bytes = 0;  // of the record, this one included
};

void PutValue(const data::Column& column, std::size_t row, std::string& out) {
  const bool is_there = !column.IsNull(row);
  out.push_back(static_cast<char>(is_there));
  if (!is_there) return;
  if (column.type() == data::Type::kString) {
    const std::string_view text = column.String(row);
    const auto size = static_cast<std::uint32_t>(text.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
  } else if (column.type() == data::Type::kFloat64) {
    const double value = column.Double(row);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  } else {
    const std::int64_t value = column.Int(row);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
}

template <typename T>
T Take(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

void TakeValue(const char*& at, data::Column& column) {
  if (!Take<bool>(at)) return column.AppendNull();
  if (column.type() == data::Type::kString) {
    const auto size = Take<std::uint32_t>(at);
    column.AppendString({at, size});
    at += size;
  } else if (column.type() == data::Type::kFloat64) {
    column.AppendDouble(Take<double>(at));
  } else {
    column.AppendInt(Take<std::int64_t>(at));
  }
}

// Where a record lies, and what puts it in order.
struct Ref {
  std::uint64_t hash = 0;
  TimeUs event_time = 0;
  std::uint64_t tie = 0;
  std::size_t at = 0;  // records lie as they were added

  bool operator<(const Ref& other) const {
    if (hash != other.hash) return hash < other.hash;
    if (event_time != other.event_time) return event_time < other.event_time;
    return tie != other.tie ? tie < other.tie : at < other.at;
  }
};

std::vector<Ref> InOrder(std::string_view bytes) {
  std::vector<Ref> refs;
  for (std::size_t at = 0; at < bytes.size();) {
    Head head;
    std::memcpy(&head, bytes.data() + at, sizeof head);
    refs.push_back({head.hash, head.event_time, head.tie, at});
    at += head.bytes;
  }
  std::sort(refs.begin(), refs.end());
  return refs;
}

std::string_view KeyAt(std::string_view bytes, std::size_t at) {
  Head head;
  std::memcpy(&head, bytes.data() + at, sizeof head);
  return bytes.substr(at + sizeof head, head.key_bytes);
}

History HistoryOf(std::string_view bytes, std::span<const Ref> refs, const data::Schema& schema) {
  History history;
  history.values = data::Batch(schema);
  history.values.Reserve(refs.size());
  history.event_time.reserve(refs.size());
  history.available_at.reserve(refs.size());
  history.tie.reserve(refs.size());
  for (std::size_t i = 0; i < refs.size(); ++i) {
    const bool is_again = i > 0 && refs[i].event_time == refs[i - 1].event_time && refs[i].tie == refs[i - 1].tie;
    if (is_again) continue;
    const char* at = bytes.data() + refs[i].at;
    const Head head = Take<Head>(at);
    at += head.key_bytes;
    history.event_time.push_back(head.event_time);
    history.available_at.push_back(head.available_at);
    history.tie.push_back(head.tie);
    for (std::size_t c = 0; c < schema.fields.size(); ++c) TakeValue(at, history.values.column(c));
  }
  return history;
}

}  // namespace

struct ClusteredRows::Part {
  std::string bytes;     // records that are in memory
  base::File file;       // and those before them
  std::uint64_t on_disk = 0;
};

std::uint64_t ClusteredRows::HashOf(std::string_view entity_key) { return base::Hash64(entity_key); }

ClusteredRows::ClusteredRows(const ViewPlan& view, Options options) : view_(view), options_(std::move(options)) {
  for (auto& part : parts_) part = std::make_unique<Part>();
}

ClusteredRows::~ClusteredRows() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Status ClusteredRows::Add(const SourceRows& rows, bool ignore_availability) {
  std::vector<data::Column> values;
  for (const data::Field& field : view_.columns) values.push_back(SW_TRY(ViewColumn(field, rows)));
  for (const data::Field& key : view_.keys) {
    if (rows.columns.Find(key.name) == nullptr) return Ok();
  }
  const auto keys = SW_TRY(KeyColumns(view_, rows.columns, "source " + view_.source));
  const bool over_available = view_.window_over_available && !ignore_availability;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const TimeUs known = ignore_availability ? kAlways : rows.available_at[row];
    if (known == kNever) continue;
    const auto key = EntityKey(keys, row);
    if (!key) continue;
    Head head{.hash = HashOf(*key), .event_time = over_available ? known : rows.event_time[row], .available_at = known, .tie = rows.tie[row],
              .key_bytes = static_cast<std::uint32_t>(key->size())};
    std::string& out = parts_[PartOf(head.hash)]->bytes;
    const std::size_t begin = out.size();
    out.append(reinterpret_cast<const char*>(&head), sizeof head).append(*key);
    for (const data::Column& column : values) PutValue(column, row, out);
    head.bytes = static_cast<std::uint32_t>(out.size() - begin);
    std::memcpy(out.data() + begin, &head, sizeof head);
    buffered_ += head.bytes;
    ++rows_;
  }
  return buffered_ > options_.memory_bytes_max ? Spill() : Ok();
}

Status ClusteredRows::Spill() {
  if (folder_.empty()) {
    std::string name = base::JoinPath(options_.spill_folder.empty() ? std::filesystem::temp_directory_path().string() : options_.spill_folder,
                                      "seaworthy-join-XXXXXX");
    if (mkdtemp(name.data()) == nullptr) {
      return Unavailable("no folder could be made in {} for rows that do not fit into memory; set TMPDIR to one with room", name);
    }
    folder_ = name;
  }
  for (std::size_t i = 0; i < kParts; ++i) {
    Part& part = *parts_[i];
    if (part.bytes.empty()) continue;
    if (!part.file.IsOpen()) part.file = SW_TRY(base::File::OpenForReadWrite(base::JoinPath(folder_, fmt::format("part-{}", i))));
    SW_TRY(part.file.WriteAt(part.on_disk, part.bytes));
    part.on_disk += part.bytes.size();
    spilled_bytes_ += part.bytes.size();
    part.bytes.clear();
  }
  buffered_ = 0;
  return Ok();
}

Status ClusteredRows::ForEachEntity(std::size_t part, const Visit& visit) const {
  const Part& from = *parts_[part];
  std::string loaded;
  std::string_view bytes = from.bytes;
  if (from.on_disk > 0) {
    loaded.resize(from.on_disk);
    for (std::size_t got = 0; got < from.on_disk;) {
      const std::size_t more = SW_TRY(from.file.ReadAt(got, loaded.data() + got, from.on_disk - got));
      if (more == 0) return DataLoss("{} ends at byte {} of {}", from.file.path(), got, from.on_disk);
      got += more;
    }
    loaded += from.bytes;
    bytes = loaded;
  }
  std::vector<Ref> refs = InOrder(bytes);
  const data::Schema schema = ValuesSchema(view_);
  for (auto begin = refs.begin(); begin != refs.end();) {
    auto end = std::find_if(begin, refs.end(), [&](const Ref& ref) { return ref.hash != begin->hash; });
    const std::string_view key = KeyAt(bytes, begin->at);
    const auto is_same = [&](const Ref& ref) { return KeyAt(bytes, ref.at) == key; };
    if (!std::all_of(begin, end, is_same)) end = std::stable_partition(begin, end, is_same);  // two keys, one hash
    const History history = HistoryOf(bytes, {begin, end}, schema);
    repeats_ += static_cast<std::size_t>(end - begin) - history.num_rows();
    SW_TRY(visit(key, history));
    begin = end;
  }
  return Ok();
}

}  // namespace sw::feature
