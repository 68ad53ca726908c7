#include "store/segment.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/format_version.h"
#include "base/hash.h"
#include "base/text.h"
#include "data/readers.h"
#include "store/log_rows.h"

namespace sw::store {
namespace {

using data::Batch;
using data::Column;
using data::Field;
using data::Schema;
using data::Type;

constexpr std::string_view kFormatKey = "seaworthy.format";
const base::FormatVersion kFormat{"seaworthy/logbook-segment", 1, 1};
constexpr std::string_view kTwinsKey = "seaworthy.twins";

Batch SystemColumns(std::size_t rows_expected) {
  Batch batch(Schema{{{"_offset", Type::kInt64, false},
                      {"_event_time", Type::kTimestamp, false},
                      {"_id", Type::kString, false},
                      {"_producer", Type::kString, false},
                      {"_sequence", Type::kInt64, false}}});
  batch.Reserve(rows_expected);
  return batch;
}

void AppendSystem(const WalRows& frame, Batch& into) {
  for (std::size_t i = 0; i < frame.rows.num_rows(); ++i) {
    into.column(0).AppendInt(frame.first_offset + static_cast<std::int64_t>(i));
    into.column(2).AppendString(frame.rows.id[i]);
    into.column(3).AppendString(frame.producer);
    into.column(4).AppendInt(frame.sequence);
  }
  into.column(1).AppendInts(frame.rows.event_time);
}

Column Nulls(Type type, std::size_t rows, std::size_t rows_expected) {
  Column column(type);
  column.Reserve(std::max(rows, rows_expected));
  for (std::size_t row = 0; row < rows; ++row) column.AppendNull();
  return column;
}

constexpr char kRowMark = '-';  // before the row's number in the id of a row that its client gave none: "<request>-0"

// What a column repeats: an earlier one, as "x.NAME" of predictions repeats "in.NAME" where there is no feature
// service, and "unit" the id where none was given; or a part of it, as "request_id" does.
struct Twin {
  std::size_t of = 0;
  bool is_request = false;  // the text before its last kRowMark
};

std::string_view RequestOf(std::string_view id) { return id.substr(0, std::min(id.rfind(kRowMark), id.size())); }

bool IsRequestOf(const Column& column, const Column& ids) {
  if (column.type() != Type::kString || column.null_count() > 0) return false;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.String(row) != RequestOf(ids.String(row))) return false;
  }
  return true;
}

std::optional<Twin> TwinOf(const Batch& batch, std::size_t index) {
  if (IsReservedColumn(batch.schema().fields[index].name)) return std::nullopt;
  for (std::size_t i = 0; i < index; ++i) {
    const std::string& name = batch.schema().fields[i].name;
    const bool is_id = name == "_id";
    if (IsReservedColumn(name) && !is_id) continue;
    if (batch.column(i) == batch.column(index)) return Twin{.of = i};
    if (is_id && IsRequestOf(batch.column(index), batch.column(i))) return Twin{.of = i, .is_request = true};
  }
  return std::nullopt;
}

// Takes out columns that repeat others, each with its place, for PutTwinsBack.
Json TakeTwinsOut(Batch& batch) {
  Json twins = Json::MakeArray();
  Batch kept;
  std::vector<std::optional<Twin>> twin_of;  // before any column is moved away
  for (std::size_t i = 0; i < batch.num_columns(); ++i) twin_of.push_back(TwinOf(batch, i));
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const Field& field = batch.schema().fields[i];
    if (!twin_of[i]) {
      kept.AddColumn(field, std::move(batch.column(i)));
      continue;
    }
    const std::string& of = batch.schema().fields[twin_of[i]->of].name;
    twins.Append(Json::MakeObject({{"at", i}, {"name", field.name}, {"of", of}, {"is_request", twin_of[i]->is_request}}));
  }
  batch = std::move(kept);
  return twins;
}

Column RequestsOf(const Column& ids) {
  Column requests(Type::kString);
  requests.Reserve(ids.size());
  for (std::size_t row = 0; row < ids.size(); ++row) requests.AppendString(RequestOf(ids.String(row)));
  return requests;
}

Result<Batch> PutTwinsBack(Batch batch, const Json& twins) {
  if (!twins.IsArray()) return DataLoss("a segment's {} is no list", kTwinsKey);
  Batch whole;
  std::size_t from = 0;
  const auto add_until = [&](std::size_t count) {
    for (; whole.num_columns() < count && from < batch.num_columns(); ++from) {
      whole.AddColumn(batch.schema().fields[from], std::move(batch.column(from)));
    }
  };
  for (const Json& twin : twins.AsArray()) {
    const auto at = static_cast<std::size_t>(SW_TRY(twin.GetInt("at")));
    add_until(at);
    const Column* const of = SW_TRY(whole.Get(SW_TRY(twin.GetString("of")), "the segment"));
    const bool is_request = SW_TRY(twin.GetBool("is_request"));
    if (whole.num_columns() != at || (is_request && of->type() != Type::kString)) {
      return DataLoss("a segment's column {} cannot be made of its column {}", SW_TRY(twin.GetString("name")), SW_TRY(twin.GetString("of")));
    }
    Column column = is_request ? RequestsOf(*of) : *of;
    whole.AddColumn({SW_TRY(twin.GetString("name")), column.type()}, std::move(column));
  }
  add_until(batch.num_columns() + whole.num_columns());
  return whole;
}

Status Publish(const std::string& folder, Batch batch, Segment& segment) {
  data::WriteOptions options{.zstd_level = 1, .metadata = {}};  // each row logged is written so: it must be quick
  const Json twins = TakeTwinsOut(batch);
  base::FormatVersion format = kFormat;
  if (twins.size() == 0) {
    format.reader_min = 0;
  } else {
    options.metadata[std::string(kTwinsKey)] = twins.Dump();
  }
  options.metadata[std::string(kFormatKey)] = base::Trimmed(base::FormatVersionLine(format), "\n");
  const std::string bytes = SW_TRY(data::EncodeParquet(batch, options));
  segment.crc = base::Crc32c(bytes);
  segment.bytes = bytes.size();
  return base::WriteFileAtomic(base::JoinPath(folder, segment.Name()), bytes);
}

Result<Batch> Decode(const std::string& bytes) {
  const std::map<std::string, std::string> metadata = SW_TRY(data::ParquetMetadata(bytes));
  if (const auto format = metadata.find(std::string(kFormatKey)); format != metadata.end()) {
    SW_TRY(base::CheckReadable(SW_TRY(base::ParseFormatVersion(format->second)), kFormat));
  }
  Batch batch = SW_TRY(data::DecodeParquet(bytes));
  const auto twins = metadata.find(std::string(kTwinsKey));
  if (twins == metadata.end()) return batch;
  return PutTwinsBack(std::move(batch), SW_TRY(Json::Parse(twins->second)));
}

std::string Path(const std::string& folder, const Segment& segment) {
  return base::JoinPath(folder, segment.Name());
}

Result<Batch> ReadAll(const std::string& folder, const Segment& segment) {
  const std::string path = Path(folder, segment);
  const std::string bytes = SW_TRY(base::ReadFile(path));
  if (base::Crc32c(bytes) != segment.crc) {
    return DataLoss("{} is damaged (offset 0 to {}): its checksum differs from its name; restore the file from a copy",
                    path, bytes.size());
  }
  Result<Batch> batch = Decode(bytes);
  if (!batch && batch.error().code == ErrorCode::kFailedPrecondition) return std::unexpected(std::move(batch).error().Within(path));
  if (!batch) return DataLoss("{} at offset 0: {}", path, batch.error().message);
  const auto rows = static_cast<std::size_t>(segment.end - segment.first);
  const Column* time = batch->Find("_event_time");
  const Column* id = batch->Find("_id");
  if (batch->num_rows() != rows || time == nullptr || id == nullptr || time->type() != Type::kTimestamp ||
      id->type() != Type::kString) {
    return DataLoss("{} at offset 0: not {} rows with _event_time and _id; restore the file from a copy", path, rows);
  }
  return batch;
}

// The batch with the user's columns nulled where `erased`, and _erased set there.
Batch Tombstones(const Batch& batch, const std::vector<bool>& erased) {
  Batch out;
  Column marks(Type::kBool);
  const Column* old_marks = batch.Find("_erased");
  for (std::size_t row = 0; row < erased.size(); ++row) {
    marks.AppendBool(erased[row] || (old_marks != nullptr && old_marks->Int(row) != 0));
  }
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const Field& field = batch.schema().fields[i];
    if (field.name == "_erased") continue;
    Column column(field.type);
    for (std::size_t row = 0; row < erased.size(); ++row) {
      if (erased[row] && !IsReservedColumn(field.name)) {
        column.AppendNull();
      } else {
        column.AppendFrom(batch.column(i), row);
      }
    }
    out.AddColumn(field, std::move(column));
  }
  out.AddColumn({"_erased", Type::kBool, false}, std::move(marks));
  return out;
}

}  // namespace

std::string Segment::Name() const {
  return fmt::format("seg-{:020}-{:020}-g{:08x}-{:08x}.parquet", first, end, generation, crc);
}

std::optional<Segment> ParseSegmentName(std::string_view name) {
  const std::string text(name);
  Segment segment;
  if (std::sscanf(text.c_str(), "seg-%20" SCNd64 "-%20" SCNd64 "-g%8" SCNx32 "-%8" SCNx32 ".parquet", &segment.first,
                  &segment.end, &segment.generation, &segment.crc) != 4) {
    return std::nullopt;
  }
  if (segment.first < 0 || segment.end <= segment.first || segment.Name() != text) return std::nullopt;
  return segment;
}

SegmentBuilder::SegmentBuilder(std::size_t rows_expected) : rows_expected_(rows_expected), system_(SystemColumns(rows_expected)) {}

bool SegmentBuilder::Takes(const Batch& columns) const { return SameTypes(user_.schema().fields, columns); }

Status SegmentBuilder::Add(const WalRows& frame) {
  if (system_.num_rows() == 0) first_ = frame.first_offset;
  for (const Field& field : UnionFields({&frame.rows.columns})) {
    if (!user_.schema().Find(field.name)) user_.AddColumn(field, Nulls(field.type, system_.num_rows(), rows_expected_));
  }
  AppendSystem(frame, system_);
  return AppendWidened(frame.rows.columns, 0, frame.rows.num_rows(), user_.schema().fields, user_);
}

Result<Segment> SegmentBuilder::Write(const std::string& folder) {
  Batch all = std::exchange(system_, SystemColumns(0));
  Batch user = std::exchange(user_, Batch());
  Segment segment;
  segment.first = first_;
  segment.end = first_ + static_cast<std::int64_t>(all.num_rows());
  for (std::size_t i = 0; i < user.num_columns(); ++i) all.AddColumn(user.schema().fields[i], std::move(user.column(i)));
  SW_TRY(Publish(folder, std::move(all), segment));
  return segment;
}

Result<std::uint64_t> EraseInSegment(const std::string& folder, const std::string& key, std::string_view value,
                                     Segment& segment) {
  const Batch batch = SW_TRY(ReadAll(folder, segment));
  const Column* column = batch.Find(key);
  if (column == nullptr) return 0;
  std::vector<bool> erased(batch.num_rows());
  std::uint64_t count = 0;
  for (std::size_t row = 0; row < erased.size(); ++row) {
    erased[row] = !column->IsNull(row) && column->ToText(row) == value;
    count += erased[row] ? 1 : 0;
  }
  if (count == 0) return 0;
  Segment next = segment;
  ++next.generation;
  SW_TRY(Publish(folder, Tombstones(batch, erased), next));
  segment = next;
  return count;
}

Result<StoredRows> ReadSegment(const std::string& folder, const Segment& segment) {
  Batch batch = SW_TRY(ReadAll(folder, segment));
  StoredRows out;
  out.first_offset = segment.first;
  const Column& time = *batch.Find("_event_time");
  const Column& id = *batch.Find("_id");
  out.rows.event_time.assign(time.ints().begin(), time.ints().end());
  out.rows.id.reserve(batch.num_rows());
  for (std::size_t row = 0; row < batch.num_rows(); ++row) out.rows.id.emplace_back(id.String(row));
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const Field& field = batch.schema().fields[i];
    if (IsReservedColumn(field.name) && field.name != "_erased") continue;
    out.rows.columns.AddColumn(field, std::move(batch.column(i)));
  }
  return out;
}

Result<std::shared_ptr<const StoredRows>> SegmentCache::Load(const std::string& folder, const Segment& segment) {
  const std::string path = Path(folder, segment);
  {
    const std::lock_guard lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->first != path) continue;
      entries_.splice(entries_.begin(), entries_, it);
      return entries_.front().second;
    }
  }
  auto rows = std::make_shared<const StoredRows>(SW_TRY(ReadSegment(folder, segment)));
  const std::lock_guard lock(mutex_);
  entries_.emplace_front(path, rows);
  if (entries_.size() > kSegmentsMax) entries_.pop_back();
  return rows;
}

void SegmentCache::Forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  entries_.remove_if([&](const Entry& entry) { return entry.first == path; });
}

}  // namespace sw::store
