#include "facts.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>

#include "base/errors.h"
#include "base/files.h"
#include "base/random.h"
#include "store/partition.h"
#include "store/stream_folder.h"

namespace sw::crash {
namespace {

constexpr std::size_t kEveryRow = 1'000'000;
constexpr std::string_view kFollowedKey = "followed";  // how many rows the online store holds

constexpr std::array kMigrations = {store::Migration{1, R"(
  CREATE TABLE crash_items(number BIGINT NOT NULL, part BIGINT NOT NULL, text TEXT NOT NULL,
                           PRIMARY KEY (number, part));
  CREATE TABLE crash_bulk(one BIGINT PRIMARY KEY, number BIGINT NOT NULL, text TEXT NOT NULL);
)"}};

Result<std::int64_t> FollowedBy(store::DataFolder& data) {
  const std::vector<std::string> keys = {std::string(kFollowedKey)};
  return std::atoll(SW_TRY(data.online().GetNow(keys))[0].value_or("0").c_str());
}

Status NoteStreams(const store::Logbook& logbook, std::vector<std::string>& names) {
  for (const store::StreamStats& stream : SW_TRY(logbook.Streams())) names.push_back(stream.spec.name);
  return Ok();
}

// Collects what is there of one store; a check that fails is a problem.
class Looker {
 public:
  Looker(Stores& stores, Found& found) : stores_(stores), found_(found) {}

  void All() {
    for (const std::string& stream : stores_.streams_found) found_.facts.insert("declared " + stream);
    Try("catalog", Catalog());
    Try("bulk", Bulk());
    Try("events", Events());
    Try("blobs", Blobs());
    for (std::int32_t partition = 0; partition < kRowsPartitions; ++partition) Try("rows", Rows(partition));
    Try("online", Online());
    Try("people", People());
    Try("short", Numbered(stores_.data->logbook(), kShortStream));
    Try("small", Numbered(*stores_.small, kSmallStream));
    Try("logbook", stores_.data->logbook().Verify());
    Try("small logbook", stores_.small->Verify());
  }

 private:
  void Try(std::string_view what, const Status& status) {
    if (!status) found_.failures.push_back(fmt::format("{} {}", what, status.error().ToString()));
  }
  void Problem(std::string_view what, std::string_view problem) {
    found_.problems.push_back(fmt::format("{}: {}", what, problem));
  }
  void Fact(std::string_view kind, std::int64_t number) { found_.facts.insert(fmt::format("{} {}", kind, number)); }

  Status Catalog() {
    std::map<std::int64_t, std::int64_t> parts;
    SW_TRY(stores_.data->catalog().Read([&](store::CatalogReader& reader) -> Status {
      for (const store::SqlRow& row : SW_TRY(reader.Query("SELECT number, part, text FROM crash_items"))) {
        ++parts[row.Int(0)];
        const std::string text = TextOf("item", row.Int(0) * kCatalogParts + row.Int(1), 3'000);
        if (row.Text(2) != text) Problem("catalog", fmt::format("row {} {} has another text", row.Int(0), row.Int(1)));
      }
      return Ok();
    }));
    for (const auto& [number, count] : parts) {
      if (count != kCatalogParts) Problem("catalog", fmt::format("write {} has {} rows", number, count));
      numbers_.insert(number);
      Fact("catalog", number);
    }
    return Ok();
  }

  Status Bulk() {
    return stores_.data->catalog().Read([&](store::CatalogReader& reader) -> Status {
      for (const store::SqlRow& row : SW_TRY(reader.Query("SELECT number, text FROM crash_bulk"))) {
        if (row.Text(1) != TextOf("bulk", row.Int(0), 300'000)) Problem("bulk", "another text");
        for (std::int64_t number = 0; number <= row.Int(0); ++number) Fact("bulk", number);
      }
      return Ok();
    });
  }

  // Each write of the catalog published one event; the outbox brings it to the logbook once.
  Status Events() {
    std::map<std::int64_t, int> events;
    for (const std::string& id : SW_TRY(Read(stores_.data->logbook(), kEventsStream, 0)).rows.id) ++events[std::atoll(id.c_str())];
    for (const auto& [number, count] : events) {
      if (count != 1) Problem("events", fmt::format("event {} is there {} times", number, count));
      if (!numbers_.contains(number)) Problem("events", fmt::format("event {} of a write that is not there", number));
    }
    for (const std::int64_t number : numbers_) {
      if (!events.contains(number)) Problem("events", fmt::format("write {} has no event", number));
    }
    return Ok();
  }

  Status Blobs() {
    SW_TRY(stores_.data->blobs().Verify());
    return stores_.data->blobs().ForEach([&](std::string_view hash, std::uint64_t, TimeUs) -> Status {
      const std::string bytes = SW_TRY(stores_.data->blobs().ReadAll(hash));
      const std::int64_t number = std::atoll(bytes.c_str());
      if (bytes != BlobOf(number)) Problem("blobs", fmt::format("{} has bytes that nobody wrote", hash));
      Fact("blob", number);
      return Ok();
    });
  }

  Status Rows(std::int32_t partition) {
    const store::LogChunk chunk = SW_TRY(Read(stores_.data->logbook(), kRowsStream, partition));
    std::size_t at = 0;
    for (std::int64_t number = 0; at < chunk.rows.num_rows(); ++number) {
      const store::LogRows wanted = RowsOf(partition, number);
      for (std::size_t row = 0; row < wanted.num_rows(); ++row, ++at) {
        if (at == chunk.rows.num_rows() || chunk.rows.id[at] != wanted.id[row] || !SameTexts(chunk.rows, at, wanted, row)) {
          Problem("rows", fmt::format("partition {}: append {} is not whole at row {}", partition, number, at));
          return Ok();
        }
      }
      found_.facts.insert(fmt::format("append {} {}", partition, number));
    }
    return Ok();
  }

  static bool SameTexts(const store::LogRows& have, std::size_t at, const store::LogRows& wanted, std::size_t row) {
    if (have.event_time[at] != wanted.event_time[row]) return false;
    for (std::size_t i = 0; i < wanted.columns.num_columns(); ++i) {
      const data::Column* column = have.columns.Find(wanted.columns.schema().fields[i].name);
      if (column == nullptr || column->IsNull(at) || column->ToText(at) != wanted.columns.column(i).ToText(row)) return false;
    }
    return true;
  }

  Status Online() {
    const store::LogChunk chunk = SW_TRY(Read(stores_.data->logbook(), kValuesStream, 0));
    std::map<std::string, std::string> newest;
    for (std::size_t row = 0; row < chunk.rows.num_rows(); ++row) {
      const auto number = static_cast<std::int64_t>(row);
      newest[OnlineKeyOf(number)] = TextOf("value", number, 2'000);
      if (chunk.rows.id[row] != std::to_string(number)) Problem("values", fmt::format("row {} is row {}", row, chunk.rows.id[row]));
      Fact("value", number);
    }
    newest[std::string(kFollowedKey)] = std::to_string(chunk.rows.num_rows());
    found_.online_was_lost = stores_.data->online_was_lost();
    found_.followed = SW_TRY(FollowedBy(*stores_.data));
    SW_TRY(FollowValues(*stores_.data));
    stores_.data->OnlineWasRebuilt();
    std::map<std::string, std::string> online;
    SW_TRY(stores_.data->online().ForEach("", [&](std::string_view key, std::string_view value) {
      online.emplace(key, value);
      return Ok();
    }));
    if (online != newest) Problem("online", fmt::format("{} values are not what {} rows of the logbook say", online.size(), newest.size()));
    return Ok();
  }

  Status People() {
    const store::LogChunk chunk = SW_TRY(Read(stores_.data->logbook(), kPeopleStream, 0));
    const data::Column* secret = chunk.rows.columns.Find("secret");
    std::set<std::int64_t> erased;
    std::set<std::int64_t> kept;
    for (std::size_t row = 0; row < chunk.rows.num_rows(); ++row) {
      const auto number = static_cast<std::int64_t>(row);
      const bool gone = secret == nullptr || secret->IsNull(row);
      (gone ? erased : kept).insert(PersonOf(number));
      if (!gone && secret->String(row) != TextOf("secret", number, 400)) Problem("people", fmt::format("row {} has another secret", row));
      Fact("people", number);
    }
    for (const std::int64_t person : erased) {
      if (!kept.contains(person)) Fact("erase", person);
    }
    return Ok();
  }

  // Rows named by their number, all of one text column.
  Status Numbered(const store::Logbook& logbook, std::string_view stream) {
    const store::LogChunk chunk = SW_TRY(Read(logbook, stream, 0));
    std::int64_t last = -1;
    for (std::size_t row = 0; row < chunk.rows.num_rows(); ++row) {
      const std::int64_t number = std::atoll(chunk.rows.id[row].c_str());
      const data::Column* text = chunk.rows.columns.Find("text");
      if (text == nullptr || text->String(row) != TextOf(stream, number, 400)) Problem(stream, fmt::format("row {} has another text", number));
      if (number <= last) Problem(stream, fmt::format("row {} comes after row {}", number, last));
      last = number;
      Fact(stream, number);
    }
    return Ok();
  }

  static Result<store::LogChunk> Read(const store::Logbook& logbook, std::string_view stream, std::int32_t partition) {
    store::ReadRequest request;
    request.stream = std::string(stream);
    request.partition = partition;
    request.rows_max = kEveryRow;
    return logbook.Read(request);
  }

  Stores& stores_;
  Found& found_;
  std::set<std::int64_t> numbers_;  // of the catalog's writes
};

// Adds a problem where `columns` holds the secret of an erased person.
void FindSecrets(const data::Batch& columns, const std::set<std::int64_t>& erased, const std::string& path,
                 std::vector<std::string>& problems) {
  const data::Column* person = columns.Find("person");
  const data::Column* secret = columns.Find("secret");
  if (person == nullptr || secret == nullptr) return;
  for (std::size_t row = 0; row < columns.num_rows(); ++row) {
    if (secret->IsNull(row) || person->IsNull(row)) continue;
    const std::int64_t whose = std::atoll(person->ToText(row).c_str());
    if (erased.contains(whose)) problems.push_back(fmt::format("{} still has a secret of person {}", path, whose));
  }
}

}  // namespace

std::string TextOf(std::string_view what, std::int64_t number, std::size_t bytes_max) {
  std::string text = fmt::format("{} {} ", what, number);
  std::uint64_t mix = base::MixU64(static_cast<std::uint64_t>(number) * 977 + what.size());
  const std::size_t size = text.size() + mix % bytes_max;
  while (text.size() < size) {
    mix = base::MixU64(mix);
    text += fmt::format("{:016x}", mix);
  }
  text.resize(size);
  return text;
}

std::string BlobOf(std::int64_t number) { return fmt::format("{} {}", number, TextOf("blob", number, 20'000)); }

std::int64_t PersonOf(std::int64_t row) { return row / 3; }

std::string OnlineKeyOf(std::int64_t row) { return fmt::format("key-{}", row % 7); }

Result<std::int64_t> FollowValues(store::DataFolder& data) {
  const std::int64_t followed = SW_TRY(FollowedBy(data));
  const std::int64_t end = SW_TRY(data.logbook().End(kValuesStream)).at(0);
  std::vector<store::OnlineWrite> writes;
  for (std::int64_t row = followed; row < end; ++row) {
    writes.push_back({OnlineKeyOf(row), TextOf("value", row, 2'000)});
  }
  if (followed > end) return DataLoss("the online store holds {} rows of {}", followed, end);
  writes.push_back({std::string(kFollowedKey), std::to_string(end)});
  SW_TRY(data.online().PutNow(std::move(writes)));
  return end;
}

store::LogRows OneRow(TimeUs time, std::string id, std::vector<std::pair<std::string, std::string>> texts) {
  store::LogRows rows;
  rows.event_time.push_back(time);
  rows.id.push_back(std::move(id));
  for (auto& [name, text] : texts) {
    data::Column column(data::Type::kString);
    column.AppendString(text);
    rows.columns.AddColumn({name, data::Type::kString}, std::move(column));
  }
  return rows;
}

store::LogRows RowsOf(std::int32_t partition, std::int64_t number) {
  const std::int64_t count = 1 + number % 4;
  store::LogRows rows;
  data::Column value(number % 10 < 5 ? data::Type::kInt64 : data::Type::kString);
  data::Column text(data::Type::kString);
  for (std::int64_t row = 0; row < count; ++row) {
    rows.event_time.push_back(number * 1'000 + row);
    rows.id.push_back(fmt::format("{}-{}-{}", partition, number, row));
    if (value.type() == data::Type::kInt64) {
      value.AppendInt(number);
    } else {
      value.AppendString(std::to_string(number));
    }
    text.AppendString(TextOf("row", number * 4 + row, 700));
  }
  const data::Field field{"value", value.type()};
  rows.columns.AddColumn(field, std::move(value));
  rows.columns.AddColumn({number % 3 == 0 ? "text" : "more", data::Type::kString}, std::move(text));
  return rows;
}

Result<Stores> Stores::Open(const std::string& folder, const base::Clock& clock, base::Counters& counters) {
  Stores stores;
  stores.data = SW_TRY(store::DataFolder::Open(folder, clock, counters, "crash test"));
  SW_TRY(stores.data->catalog().Migrate("crash", kMigrations));
  store::Logbook& logbook = stores.data->logbook();
  SW_TRY(NoteStreams(logbook, stores.streams_found));
  SW_TRY(logbook.Declare({.name = std::string(kRowsStream), .partitions = kRowsPartitions}));
  SW_TRY(logbook.Declare({.name = std::string(kEventsStream)}));
  SW_TRY(logbook.Declare({.name = std::string(kValuesStream)}));
  SW_TRY(logbook.Declare({.name = std::string(kPeopleStream), .erasure_key = "person"}));
  SW_TRY(logbook.Declare({.name = std::string(kShortStream), .retention = kShortRetention}));
  store::FileLogbookOptions options;
  options.folder = base::JoinPath(folder, "small");
  options.clock = &clock;
  options.segment_bytes = 3'000;
  stores.small = SW_TRY(store::OpenFileLogbook(options));
  SW_TRY(NoteStreams(*stores.small, stores.streams_found));
  SW_TRY(stores.small->Declare({.name = std::string(kSmallStream)}));
  return stores;
}

Found LookAt(Stores& stores) {
  Found found;
  Looker(stores, found).All();
  return found;
}

std::vector<std::string> SecretsOnDisk(const std::string& folder, const std::set<std::int64_t>& erased) {
  std::vector<std::string> problems;
  const std::string partition = folder + "/logbook/streams/" + store::StreamFolderName(kPeopleStream).value() + "/0";
  if (erased.empty() || !base::Exists(partition)) return problems;
  const auto names = base::ListFolder(partition);
  if (!names) return {names.error().message};
  for (const std::string& name : *names) {
    const std::string path = base::JoinPath(partition, name);
    std::int64_t first = 0;
    if (const auto segment = store::ParseSegmentName(name)) {
      if (const auto rows = store::ReadSegment(partition, *segment)) FindSecrets(rows->rows.columns, erased, path, problems);
    } else if (store::ParseWalName(name, first)) {
      const auto scan = store::ScanWal(path, true);
      const auto frames = scan ? store::ReadWalFrames(path, scan->frames) : std::vector<store::WalRows>();
      if (!frames) continue;
      for (const store::WalRows& frame : *frames) FindSecrets(frame.rows.columns, erased, path, problems);
    }
  }
  return problems;
}

}  // namespace sw::crash
