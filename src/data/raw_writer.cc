// RawTables into Parquet files: under another name until they are whole.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>

#include "base/errors.h"
#include "base/files.h"
#include "base/random.h"
#include "data/raw_files.h"
#include "data/raw_impl.h"

namespace sw::data {
namespace {

constexpr std::size_t kPartitionsMax = 10'000;

// Removes what it did not publish.
class TempFile {
 public:
  explicit TempFile(const std::string& path) : path_(path) {
    static std::atomic<std::uint64_t> number{0};
    temp_ = fmt::format("{}.tmp-{}-{}", path, getpid(), ++number);
  }
  ~TempFile() {
    if (!published_) static_cast<void>(base::RemoveFile(temp_));
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& temp() const { return temp_; }
  Status Publish() {
    SW_TRY(base::PublishFile(temp_, path_));
    published_ = true;
    return Ok();
  }

 private:
  std::string path_, temp_;
  bool published_ = false;
};

// Calls `fill` with a writer of the schema, and publishes the file when all went well.
Status WriteFile(const std::string& path, const arrow::Schema& schema, const std::function<Status(parquet::arrow::FileWriter&)>& fill) {
  TempFile file(path);
  const auto written = CatchingExceptions<bool>([&]() -> Result<bool> {
    const auto sink = SW_TRY(Ours(arrow::io::FileOutputStream::Open(file.temp())));
    const auto properties = parquet::WriterProperties::Builder().created_by("seaworthy")->compression(parquet::Compression::SNAPPY)->build();
    const auto kept = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    const auto writer = SW_TRY(Ours(parquet::arrow::FileWriter::Open(schema, arrow::default_memory_pool(), sink, properties, kept)));
    SW_TRY(fill(*writer));
    SW_TRY(OursOf(writer->Close()));
    SW_TRY(OursOf(sink->Close()));
    return true;
  });
  if (!written) return std::unexpected(Error(written.error()).Within(fmt::format("writing {}", path)));
  return file.Publish();
}

Status Append(parquet::arrow::FileWriter& writer, const RawTable& rows) {
  arrow::TableBatchReader batches(*rows.impl().table);
  batches.set_chunksize(static_cast<std::int64_t>(RawFiles::kBlockRows));
  std::shared_ptr<arrow::RecordBatch> batch;
  while (true) {
    SW_TRY(OursOf(batches.ReadNext(&batch)));
    if (batch == nullptr) return Ok();
    SW_TRY(OursOf(writer.WriteRecordBatch(*batch)));
  }
}

std::vector<std::string> NamesOf(const RawTable& table) {
  std::vector<std::string> names;
  for (const RawColumn& column : table.columns()) names.push_back(column.name);
  return names;
}

// A value as the name of a folder.
Result<std::string> FolderName(const RawTable& table, std::size_t row, std::size_t column) {
  const RawValue value = SW_TRY(table.Value(row, column));
  std::string name;
  if (const auto* text = std::get_if<std::string>(&value.value)) name = *text;
  if (const auto* number = std::get_if<std::int64_t>(&value.value)) name = std::to_string(*number);
  if (const auto* time = std::get_if<RawValue::Time>(&value.value)) name = base::FormatTime(time->us);
  if (table.columns()[column].type.starts_with("date")) name = name.substr(0, name.find('T'));
  const bool is_name = !name.empty() && name.size() <= 200 && !name.starts_with('.') && !name.starts_with('_') && name.find('/') == name.npos && name.find('\0') == name.npos;
  if (!is_name) return InvalidArgument("column \"{}\", row {}: this value cannot be the name of a folder; partition by another column", table.columns()[column].name, row + 1);
  return name;
}

}  // namespace

Status RawTable::WriteParquet(const std::string& path) const {
  return WriteFile(path, *impl_->table->schema(), [&](parquet::arrow::FileWriter& writer) { return Append(writer, *this); });
}

Status PrependToParquet(const std::string& path, const RawTable& table) {
  if (!base::Exists(path)) return table.WriteParquet(path);
  if (std::filesystem::is_directory(path)) return AddToFolder(path, SW_TRY(table.As(SW_TRY(RawFiles::Open(path)).no_rows())), {});
  const RawFiles old = SW_TRY(RawFiles::Open(path));
  const RawTable added = SW_TRY(table.As(old.no_rows()));
  return WriteFile(path, *old.no_rows().impl().table->schema(), [&](parquet::arrow::FileWriter& writer) -> Status {
    SW_TRY(Append(writer, added));
    for (std::size_t part = 0; part < old.parts().size(); ++part) {
      const auto blocks = SW_TRY(old.Read(part, NamesOf(old.no_rows())));
      while (const auto block = SW_TRY(blocks->Next())) SW_TRY(Append(writer, SW_TRY(block->Select(NamesOf(old.no_rows()), path))));
    }
    return Ok();
  });
}

Status AddToFolder(const std::string& folder, const RawTable& table, const std::vector<std::string>& partition_by) {
  std::vector<std::size_t> by;
  for (const std::string& name : partition_by) by.push_back(SW_TRY(table.Index(name, "the rows")));
  std::map<std::string, std::vector<std::int64_t>> rows;
  for (std::size_t row = 0; !by.empty() && row < table.num_rows(); ++row) {
    std::string below = folder;
    for (const std::size_t column : by) below = base::JoinPath(below, SW_TRY(FolderName(table, row, column)));
    rows[below].push_back(static_cast<std::int64_t>(row));
    if (rows.size() > kPartitionsMax) return ResourceExhausted("the rows have more than {} partitions", kPartitionsMax);
  }
  std::vector<std::string> kept;
  for (const std::string& name : NamesOf(table)) {
    if (std::ranges::find(partition_by, name) == partition_by.end()) kept.push_back(name);
  }
  base::Random random = base::Random::FromSystem();
  const std::string name = fmt::format("{:016x}{:016x}.parquet", random.NextU64(), random.NextU64());
  if (by.empty()) {
    SW_TRY(base::MakeFolders(folder));
    return table.WriteParquet(base::JoinPath(folder, name));
  }
  const RawTable values = SW_TRY(table.Select(kept, "the rows"));
  for (const auto& [below, which] : rows) {
    SW_TRY(base::MakeFolders(below));
    SW_TRY(SW_TRY(values.Take(which)).WriteParquet(base::JoinPath(below, name)));
  }
  return Ok();
}

}  // namespace sw::data
