#include "data/raw_files.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "base/errors.h"
#include "data/raw_impl.h"
#include "data/schema.h"

namespace sw::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kReadBytes = 256 << 10;  // of a column, at once

struct OpenFile {
  std::string path;
  std::shared_ptr<arrow::io::RandomAccessFile> file;
  std::shared_ptr<parquet::FileMetaData> metadata;
  std::shared_ptr<arrow::Schema> schema;
};

bool IsHidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') || name.starts_with('_');
}

Result<std::vector<std::string>> FilesOf(const std::string& path) {
  std::error_code failed;
  const fs::file_status status = fs::status(path, failed);
  if (failed || !fs::exists(status)) return NotFound("there is no file or folder {}", path);
  if (!fs::is_directory(status)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  fs::recursive_directory_iterator walk(path, failed);
  for (; !failed && walk != fs::recursive_directory_iterator(); walk.increment(failed)) {
    if (IsHidden(walk->path())) {
      if (walk->is_directory(failed)) walk.disable_recursion_pending();
      continue;
    }
    if (walk->path().extension() != ".parquet" || !walk->is_regular_file(failed)) continue;
    files.push_back(walk->path().string());
    if (files.size() > RawFiles::kFilesMax) return ResourceExhausted("folder {} has more than {} files; put them together", path, RawFiles::kFilesMax);
  }
  if (failed) return NotFound("reading the folder {}: {}", path, failed.message());
  if (files.empty()) return NotFound("folder {} has no file that ends in .parquet", path);
  std::ranges::sort(files);
  return files;
}

Status CheckNames(const arrow::Schema& schema) {
  std::set<std::string> names;
  for (const auto& field : schema.fields()) {
    if (!names.insert(field->name()).second) return InvalidArgument("two columns are named \"{}\"", field->name());
  }
  return Ok();
}

Result<OpenFile> OpenOne(const std::string& path) {
  OpenFile opened{.path = path, .file = {}, .metadata = {}, .schema = {}};
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) return NotFound("{}", file.status().message());
  opened.file = *std::move(file);
  opened.metadata = parquet::ReadMetaData(opened.file);
  SW_TRY(OursOf(parquet::arrow::FromParquetSchema(opened.metadata->schema(), parquet::default_arrow_reader_properties(), opened.metadata->key_value_metadata(),
                                                  &opened.schema)));
  opened.schema = opened.schema->RemoveMetadata();
  SW_TRY(CheckNames(*opened.schema));
  return opened;
}

Result<OpenFile> OpenNamed(const std::string& path) {
  auto opened = CatchingExceptions<OpenFile>([&] { return OpenOne(path); });
  if (!opened) return std::unexpected(std::move(opened).error().Within(path));
  return opened;
}

std::vector<int> LeavesOf(const parquet::SchemaDescriptor& schema, const std::vector<std::string>& columns) {
  const std::set<std::string> wanted(columns.begin(), columns.end());
  std::vector<int> leaves;
  for (int i = 0; i < schema.num_columns(); ++i) {
    if (wanted.contains(schema.GetColumnRoot(i)->name())) leaves.push_back(i);
  }
  return leaves;
}

class GroupBlocks final : public RawBlocks {
 public:
  GroupBlocks(std::unique_ptr<parquet::arrow::FileReader> file, std::unique_ptr<arrow::RecordBatchReader> rows, std::size_t rows_max)
      : file_(std::move(file)), rows_(std::move(rows)), rows_left_(rows_max) {}

  Result<std::optional<RawTable>> Next() override {
    return CatchingExceptions<std::optional<RawTable>>([&]() -> Result<std::optional<RawTable>> {
      std::shared_ptr<arrow::RecordBatch> batch;
      SW_TRY(OursOf(rows_->ReadNext(&batch)));
      if (batch == nullptr) return std::nullopt;
      const auto rows = static_cast<std::size_t>(batch->num_rows());
      if (rows > rows_left_) return InvalidArgument("a row group has more rows than it says");
      rows_left_ -= rows;
      SW_TRY(OursOf(batch->Validate()));
      return RawFromArrow(SW_TRY(Ours(arrow::Table::FromRecordBatches({batch}))));
    });
  }

 private:
  std::unique_ptr<parquet::arrow::FileReader> file_;  // outlives rows_
  std::unique_ptr<arrow::RecordBatchReader> rows_;
  std::size_t rows_left_;
};

// Without values, only rows.
class EmptyBlocks final : public RawBlocks {
 public:
  explicit EmptyBlocks(std::size_t rows) : rows_(static_cast<std::int64_t>(rows)) {}
  Result<std::optional<RawTable>> Next() override {
    if (std::exchange(done_, true)) return std::nullopt;
    return RawFromArrow(arrow::Table::Make(arrow::schema({}), arrow::ChunkedArrayVector{}, rows_));
  }

 private:
  std::int64_t rows_;
  bool done_ = false;
};

std::int64_t UsOf(std::int64_t value, const parquet::LogicalType& type) {
  using Unit = parquet::LogicalType::TimeUnit;
  std::int64_t us = value;
  switch (static_cast<const parquet::TimestampLogicalType&>(type).time_unit()) {
    case Unit::MILLIS:
      if (__builtin_mul_overflow(value, base::kMillisecondUs, &us)) us = value < 0 ? INT64_MIN : INT64_MAX;
      return us;
    case Unit::NANOS: return value / 1'000 - (value % 1'000 < 0 ? 1 : 0);
    default: return us;
  }
}

}  // namespace

struct RawFiles::Impl {
  std::vector<OpenFile> files;
  std::vector<Part> parts;
  std::size_t rows = 0;
  RawTable no_rows;

  Status AddParts(std::size_t file) {
    const parquet::FileMetaData& metadata = *files[file].metadata;
    for (int group = 0; group < metadata.num_row_groups(); ++group) {
      const std::int64_t count = metadata.RowGroup(group)->num_rows();
      if (count < 0 || count > (std::int64_t{1} << 40)) return InvalidArgument("{}: a row group of {} rows", files[file].path, count);
      parts.push_back({.file = file, .group = group, .first_row = rows, .rows = static_cast<std::size_t>(count)});
      rows += static_cast<std::size_t>(count);
    }
    return Ok();
  }

  Status Unify() {
    std::vector<std::shared_ptr<arrow::Schema>> schemas;
    for (const OpenFile& file : files) schemas.push_back(file.schema);
    const auto unified = arrow::UnifySchemas(schemas, arrow::Field::MergeOptions::Permissive());
    if (!unified.ok()) return InvalidArgument("the files of {} do not fit together: {}", fs::path(files.front().path).parent_path().string(), unified.status().message());
    no_rows = RawFromArrow(SW_TRY(Ours(arrow::Table::MakeEmpty(*unified))));
    return Ok();
  }
};

Result<RawFiles> RawFiles::Open(const std::string& path) {
  const std::vector<std::string> paths = SW_TRY(FilesOf(path));
  auto impl = std::make_shared<Impl>();
  for (const std::string& each : paths) {
    impl->files.push_back(SW_TRY(OpenNamed(each)));
    SW_TRY(impl->AddParts(impl->files.size() - 1));
  }
  SW_TRY(impl->Unify());
  return RawFiles(std::move(impl));
}

const RawTable& RawFiles::no_rows() const { return impl_->no_rows; }
const std::vector<RawFiles::Part>& RawFiles::parts() const { return impl_->parts; }
std::size_t RawFiles::num_rows() const { return impl_->rows; }

Result<std::unique_ptr<RawBlocks>> RawFiles::Read(std::size_t number, const std::vector<std::string>& columns, std::size_t block_rows) const {
  return CatchingExceptions<std::unique_ptr<RawBlocks>>([&]() -> Result<std::unique_ptr<RawBlocks>> {
    const Part& part = impl_->parts[number];
    const OpenFile& from = impl_->files[part.file];
    const std::vector<int> leaves = LeavesOf(*from.metadata->schema(), columns);
    if (leaves.empty()) return std::make_unique<EmptyBlocks>(part.rows);
    parquet::ReaderProperties reading = parquet::default_reader_properties();
    reading.set_buffer_size(kReadBytes);
    reading.enable_buffered_stream();  // else a row group's columns lie in memory, each as a whole
    parquet::ArrowReaderProperties properties;
    properties.set_batch_size(static_cast<std::int64_t>(block_rows));
    properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    SW_TRY(OursOf(builder.Open(from.file, reading, from.metadata)));
    auto reader = SW_TRY(Ours(builder.properties(properties)->Build()));
    auto rows = SW_TRY(Ours(reader->GetRecordBatchReader({part.group}, leaves)));
    return std::make_unique<GroupBlocks>(std::move(reader), std::move(rows), part.rows);
  });
}

namespace {

// The rows of one part that are asked for, in the columns that its file has.
Result<RawTable> GatherPart(const RawFiles& files, std::size_t number, const std::vector<std::string>& columns, std::span<const std::int64_t> rows) {
  const auto blocks = SW_TRY(files.Read(number, columns));
  auto begin = static_cast<std::int64_t>(files.parts()[number].first_row);
  std::vector<RawTable> taken;
  while (!rows.empty()) {
    const auto block = SW_TRY(blocks->Next());
    if (!block) return InvalidArgument("a row group has fewer rows than it says");
    const std::int64_t end = begin + static_cast<std::int64_t>(block->num_rows());
    const auto count = static_cast<std::size_t>(std::ranges::lower_bound(rows, end) - rows.begin());
    std::vector<std::int64_t> within;
    for (const std::int64_t row : rows.first(count)) within.push_back(row - begin);
    if (count == block->num_rows()) taken.push_back(*block);
    else if (count > 0) taken.push_back(SW_TRY(block->Take(within)));
    rows = rows.subspan(count);
    begin = end;
  }
  return RawTable::Concat(taken);
}

}  // namespace

Result<RawTable> RawFiles::Gather(const std::vector<std::string>& columns, std::span<const std::int64_t> rows, std::size_t threads) const {
  struct Work {
    std::size_t part;
    std::span<const std::int64_t> rows;
    RawTable table = {};
  };
  std::vector<Work> works;
  for (std::size_t number = 0; number < impl_->parts.size(); ++number) {
    const Part& part = impl_->parts[number];
    const auto end = std::ranges::lower_bound(rows, static_cast<std::int64_t>(part.first_row + part.rows));
    const std::span<const std::int64_t> of_part(rows.begin(), end);
    if (!of_part.empty()) works.push_back({number, of_part});
    rows = {end, rows.end()};
  }
  std::atomic<std::size_t> next{0};
  SW_TRY(OnThreads(std::min(threads, std::max<std::size_t>(1, works.size())), [&](std::size_t) -> Status {
    for (std::size_t i = next++; i < works.size(); i = next++) works[i].table = SW_TRY(GatherPart(*this, works[i].part, columns, works[i].rows));
    return Ok();
  }));
  const RawTable wanted = SW_TRY(impl_->no_rows.Select(columns, impl_->files.front().path));
  std::vector<RawTable> tables{wanted};
  for (Work& work : works) tables.push_back(std::move(work.table));
  return SW_TRY(RawTable::Concat(tables)).Select(columns, "the table");
}

std::optional<std::pair<TimeUs, TimeUs>> RawFiles::TimeRange(std::size_t number, std::string_view column) const {
  using Times = std::optional<std::pair<TimeUs, TimeUs>>;
  const auto found = CatchingExceptions<Times>([&]() -> Result<Times> {
    const Part& part = impl_->parts[number];
    const parquet::FileMetaData& metadata = *impl_->files[part.file].metadata;
    for (int i = 0; i < metadata.schema()->num_columns(); ++i) {
      const parquet::ColumnDescriptor& leaf = *metadata.schema()->Column(i);
      if (leaf.path()->ToDotString() != column) continue;
      if (leaf.physical_type() != parquet::Type::INT64 || leaf.logical_type() == nullptr || !leaf.logical_type()->is_timestamp()) return Times();
      const auto statistics = metadata.RowGroup(part.group)->ColumnChunk(i)->statistics();
      if (statistics == nullptr || !statistics->HasMinMax()) return Times();
      const auto& typed = static_cast<const parquet::Int64Statistics&>(*statistics);
      return Times({UsOf(typed.min(), *leaf.logical_type()), UsOf(typed.max(), *leaf.logical_type())});
    }
    return Times();
  });
  return found ? *found : std::nullopt;
}

Status OnThreads(std::size_t threads, const std::function<Status(std::size_t thread)>& work) {
  std::vector<Status> said(threads);
  {
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < threads; ++thread) others.emplace_back([&, thread] { said[thread] = work(thread); });
    said[0] = work(0);
  }
  for (const Status& status : said) SW_TRY(status);
  return Ok();
}

}  // namespace sw::data
