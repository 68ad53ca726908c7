#include "feature/clustered_rows.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"

namespace sw::feature {
namespace {

// What a record begins with. The entity's key follows, then available_at and tie where they are not what most
// rows have, then a bit a value, whether it is there, and the values.
struct Head {
  TimeUs event_time = 0;
  std::uint32_t bytes = 0;           // of the record, this one included
  std::uint32_t key_bytes : 30 = 0;
  std::uint32_t has_available : 1 = 0;  // else it is the event time
  std::uint32_t has_tie : 1 = 0;        // else it is 0
};

// Writes to memory that has room.
template <typename T>
void Put(char*& to, const T& value) {
  std::memcpy(to, &value, sizeof value);
  to += sizeof value;
}

void PutValue(const data::Column& column, std::size_t row, char*& to) {
  if (column.type() == data::Type::kString) {
    const std::string_view text = column.String(row);
    Put(to, static_cast<std::uint32_t>(text.size()));
    std::memcpy(to, text.data(), text.size());
    to += text.size();
  } else if (column.type() == data::Type::kFloat64) {
    Put(to, column.Double(row));
  } else {
    Put(to, column.Int(row));
  }
}

void PutValues(const std::vector<const data::Column*>& values, std::size_t row, char*& to) {
  char* const bits = to;
  std::memset(bits, 0, (values.size() + 7) / 8);
  to += (values.size() + 7) / 8;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]->IsNull(row)) continue;
    bits[i / 8] = static_cast<char>(bits[i / 8] | (1 << (i % 8)));
    PutValue(*values[i], row, to);
  }
}

// At most.
std::size_t ValuesBytes(const std::vector<const data::Column*>& values, std::size_t row) {
  std::size_t bytes = 9 * values.size() + 1;
  for (const data::Column* column : values) {
    if (column->type() == data::Type::kString) bytes += column->String(row).size();
  }
  return bytes;
}

template <typename T>
T Take(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

void TakeValue(const char*& at, data::Column& column) {
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

void TakeValues(const char* at, data::Batch& values) {
  const char* const bits = at;
  at += (values.num_columns() + 7) / 8;
  for (std::size_t i = 0; i < values.num_columns(); ++i) {
    (bits[i / 8] >> (i % 8) & 1) != 0 ? TakeValue(at, values.column(i)) : values.column(i).AppendNull();
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

// By the bits of the hash below those that name the part first: each bucket is then sorted in a core's cache.
std::vector<Ref> InOrder(std::string_view bytes) {
  constexpr int kBits = 11;
  const auto bucket_of = [](std::uint64_t hash) { return hash << 6 >> (64 - kBits); };
  std::vector<Ref> refs;
  refs.reserve(bytes.size() / sizeof(Ref));
  std::array<std::size_t, (1u << kBits) + 1> begin{};
  for (std::size_t at = 0; at < bytes.size();) {
    Head head;
    std::memcpy(&head, bytes.data() + at, sizeof head);
    std::uint64_t tie = 0;
    if (head.has_tie) std::memcpy(&tie, bytes.data() + at + sizeof head + head.key_bytes + (head.has_available ? sizeof(TimeUs) : 0), sizeof tie);
    const std::uint64_t hash = ClusteredRows::HashOf(bytes.substr(at + sizeof head, head.key_bytes));
    refs.push_back({hash, head.event_time, tie, at});
    ++begin[bucket_of(hash) + 1];
    at += head.bytes;
  }
  for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  std::vector<Ref> ordered(refs.size());
  auto next = begin;
  for (const Ref& ref : refs) ordered[next[bucket_of(ref.hash)]++] = ref;
  for (std::size_t i = 0; i + 1 < begin.size(); ++i) {
    std::sort(ordered.begin() + static_cast<std::ptrdiff_t>(begin[i]), ordered.begin() + static_cast<std::ptrdiff_t>(begin[i + 1]));
  }
  return ordered;
}

std::string_view KeyAt(std::string_view bytes, std::size_t at) {
  Head head;
  std::memcpy(&head, bytes.data() + at, sizeof head);
  return bytes.substr(at + sizeof head, head.key_bytes);
}

History HistoryOf(std::string_view bytes, std::span<const Ref> refs, const std::shared_ptr<const data::Schema>& schema) {
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
    history.available_at.push_back(head.has_available ? Take<TimeUs>(at) : head.event_time);
    history.tie.push_back(head.has_tie ? Take<std::uint64_t>(at) : 0);
    TakeValues(at, history.values);
  }
  return history;
}

}  // namespace

// What one thread added.
struct ClusteredRows::Lane {
  struct Part {
    std::string bytes;  // records that are in memory
    base::File file;    // and those before them
    std::uint64_t on_disk = 0;
  };
  std::array<Part, kParts> parts;
  std::size_t buffered = 0;
  std::string folder = {};  // of the files; empty: nothing was spilled
};

std::uint64_t ClusteredRows::HashOf(std::string_view entity_key) { return base::Hash64(entity_key); }

ClusteredRows::ClusteredRows(const ViewPlan& view, Options options) : view_(view), options_(std::move(options)) {
  for (std::size_t i = 0; i < options_.lanes; ++i) lanes_.push_back(std::make_unique<Lane>());
}

ClusteredRows::~ClusteredRows() {
  std::error_code ignored;
  for (const auto& lane : lanes_) {
    if (!lane->folder.empty()) std::filesystem::remove_all(lane->folder, ignored);
  }
}

Status ClusteredRows::Add(std::size_t number, const SourceRows& rows, bool ignore_availability, const KeyFilter& filter) {
  Lane& lane = *lanes_[number];
  std::vector<data::Column> made;
  made.reserve(view_.columns.size());
  std::vector<const data::Column*> values;
  for (const data::Field& field : view_.columns) {
    const data::Column* const found = rows.columns.Find(field.name);
    const bool fits = found != nullptr && found->type() == field.type;
    values.push_back(fits ? found : &made.emplace_back(SW_TRY(ViewColumn(field, rows))));
  }
  for (const data::Field& key : view_.keys) {
    if (rows.columns.Find(key.name) == nullptr) return Ok();
  }
  const auto keys = SW_TRY(KeyColumns(view_, rows.columns, "source " + view_.source));
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const RowTimes times = TimesOf(view_, rows, row, ignore_availability);
    if (times.available_at == kNever) continue;
    const auto key = EntityKey(keys, row);
    if (!key) continue;
    const std::uint64_t hash = HashOf(*key);
    if (!filter.MayHave(hash)) continue;
    const std::uint64_t tie = rows.tie.empty() ? 0 : rows.tie[row];
    Head head{.event_time = times.event_time, .bytes = 0,
              .key_bytes = static_cast<std::uint32_t>(key->size()), .has_available = 0, .has_tie = tie != 0};
    head.has_available = times.available_at != times.event_time;
    std::string& out = lane.parts[PartOf(hash)].bytes;
    const std::size_t begin = out.size();
    out.resize_and_overwrite(begin + sizeof head + key->size() + sizeof(TimeUs) + sizeof(std::uint64_t) + ValuesBytes(values, row), [&](char* data, std::size_t) {
      char* to = data + begin + sizeof head;
      std::memcpy(to, key->data(), key->size());
      to += key->size();
      if (head.has_available) Put(to, times.available_at);
      if (head.has_tie) Put(to, tie);
      PutValues(values, row, to);
      head.bytes = static_cast<std::uint32_t>(to - (data + begin));
      std::memcpy(data + begin, &head, sizeof head);
      return begin + head.bytes;
    });
    lane.buffered += head.bytes;
  }
  return lane.buffered > options_.memory_bytes_max / options_.lanes ? Spill(lane) : Ok();
}

Status ClusteredRows::Spill(Lane& lane) const {
  if (lane.folder.empty()) {
    std::string name = base::JoinPath(options_.spill_folder.empty() ? std::filesystem::temp_directory_path().string() : options_.spill_folder,
                                      "seaworthy-join-XXXXXX");
    if (mkdtemp(name.data()) == nullptr) {
      return Unavailable("no folder could be made in {} for rows that do not fit into memory; set TMPDIR to one with room", name);
    }
    lane.folder = name;
  }
  for (std::size_t i = 0; i < kParts; ++i) {
    Lane::Part& part = lane.parts[i];
    if (part.bytes.empty()) continue;
    if (!part.file.IsOpen()) part.file = SW_TRY(base::File::OpenForReadWrite(base::JoinPath(lane.folder, fmt::format("part-{}", i))));
    SW_TRY(part.file.WriteAt(part.on_disk, part.bytes));
    part.on_disk += part.bytes.size();
    part.bytes.clear();
  }
  lane.buffered = 0;
  return Ok();
}

namespace {

Status Append(const base::File& file, std::uint64_t size, std::string& bytes) {
  const std::size_t before = bytes.size();
  bytes.resize_and_overwrite(before + size, [&](char*, std::size_t) { return before + size; });
  for (std::size_t got = 0; got < size;) {
    const std::size_t more = SW_TRY(file.ReadAt(got, bytes.data() + before + got, size - got));
    if (more == 0) return DataLoss("{} ends at byte {} of {}", file.path(), got, size);
    got += more;
  }
  return Ok();
}

}  // namespace

Status ClusteredRows::ForEachEntity(std::size_t part, const Wants& wants, const Visit& visit) const {
  std::string bytes;
  std::uint64_t size = 0;
  for (const auto& lane : lanes_) size += lane->parts[part].on_disk + lane->parts[part].bytes.size();
  bytes.reserve(size);
  for (const auto& lane : lanes_) {
    const Lane::Part& from = lane->parts[part];
    SW_TRY(Append(from.file, from.on_disk, bytes));
    bytes += from.bytes;
  }
  std::vector<Ref> refs = InOrder(bytes);
  const auto schema = std::make_shared<const data::Schema>(ValuesSchema(view_));
  for (auto begin = refs.begin(); begin != refs.end();) {
    auto end = std::find_if(begin, refs.end(), [&](const Ref& ref) { return ref.hash != begin->hash; });
    if (!wants(begin->hash)) {
      begin = end;
      continue;
    }
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
