// Parquet to and from memory. A file's footer is checked against the limits before its rows are
// read, since a few bytes of it can promise any number of them.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "data/arrow_table.h"
#include "data/file_formats.h"
#include "data/parquet_numbers.h"
#include "data/readers.h"

namespace sw::data {
namespace {

using Reader = std::unique_ptr<parquet::arrow::FileReader>;

Result<Reader> OpenReader(std::shared_ptr<arrow::io::RandomAccessFile> file) {
  auto reader = parquet::arrow::OpenFile(std::move(file), arrow::default_memory_pool());
  if (!reader.ok()) return FromArrow(reader.status());
  return *std::move(reader);
}

Result<Reader> OpenBytes(std::string_view bytes) {
  return OpenReader(std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(bytes)));
}

Result<Reader> OpenPath(const std::string& path) {
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) return NotFound("{}", file.status().message());
  return OpenReader(*std::move(file));
}

// Leaves of the top-level columns named, or of all; NOT_FOUND with near misses.
Result<std::vector<int>> LeafIndices(const parquet::SchemaDescriptor& schema,
                                     const std::vector<std::string>& columns, std::string_view table) {
  Schema names;
  for (int i = 0; i < schema.group_node()->field_count(); ++i) {
    names.fields.push_back({.name = schema.group_node()->field(i)->name()});
  }
  for (const std::string& column : columns) SW_TRY(names.Index(column, table));
  const std::set<std::string> wanted(columns.begin(), columns.end());
  std::vector<int> leaves;
  for (int i = 0; i < schema.num_columns(); ++i) {
    if (columns.empty() || wanted.contains(schema.GetColumnRoot(i)->name())) leaves.push_back(i);
  }
  return leaves;
}

Status CheckRowCount(std::int64_t rows, const ReadOptions& options) {
  if (rows < 0) return InvalidArgument("a negative number of rows");
  if (static_cast<std::uint64_t>(rows) <= options.rows_max) return Ok();
  return ResourceExhausted("{} rows exceed rows_max = {}", rows, options.rows_max);
}

Result<Batch> ReadRows(parquet::arrow::FileReader& reader, const ReadOptions& options, std::string_view table) {
  const auto& metadata = *reader.parquet_reader()->metadata();
  SW_TRY(CheckRowCount(metadata.num_rows(), options));
  const std::vector<int> leaves = SW_TRY(LeafIndices(*metadata.schema(), options.columns, table));
  const auto rows = reader.ReadTable(leaves);
  if (!rows.ok()) return FromArrow(rows.status());
  const Batch batch = SW_TRY(BatchFromArrow(**rows));
  if (options.columns.empty()) return batch;
  return batch.Select(options.columns);
}

Result<Reader> OpenInBlocks(const std::string& path, std::size_t block_rows) {
  parquet::ReaderProperties reading = parquet::default_reader_properties();
  reading.set_buffer_size(std::int64_t{1} << 16);
  reading.enable_buffered_stream();  // else a row group's columns lie in memory, each as a whole
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(static_cast<std::int64_t>(block_rows));
  properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  const arrow::Status opened = builder.OpenFile(path, false, reading);
  if (!opened.ok()) return FromArrow(opened);
  auto reader = builder.properties(properties)->Build();
  if (!reader.ok()) return FromArrow(reader.status());
  return *std::move(reader);
}

class ParquetBlocks final : public TableReader {
 public:
  // `columns`: those of `rows`, in the order asked for.
  ParquetBlocks(Reader file, std::unique_ptr<arrow::RecordBatchReader> rows, std::vector<int> columns)
      : file_(std::move(file)), rows_(std::move(rows)), columns_(std::move(columns)),
        rows_total_(file_->parquet_reader()->metadata()->num_rows()) {}

  Result<std::optional<Batch>> Next() override {
    return CatchingExceptions<std::optional<Batch>>([&]() -> Result<std::optional<Batch>> {
      std::shared_ptr<arrow::RecordBatch> rows;
      const arrow::Status status = rows_->ReadNext(&rows);
      if (!status.ok()) return FromArrow(status);
      if (rows == nullptr) return std::nullopt;
      rows_read_ += rows->num_rows();
      const auto selected = rows->SelectColumns(columns_);
      if (!selected.ok()) return FromArrow(selected.status());
      return SW_TRY(BatchFromArrow(**selected));
    });
  }

  double fraction() const override {
    return rows_total_ <= 0 ? 1 : static_cast<double>(rows_read_) / static_cast<double>(rows_total_);
  }

 private:
  Reader file_;  // outlives rows_
  std::unique_ptr<arrow::RecordBatchReader> rows_;
  std::vector<int> columns_;
  std::int64_t rows_total_ = 0;
  std::int64_t rows_read_ = 0;
};

std::shared_ptr<arrow::KeyValueMetadata> KeyValues(const std::map<std::string, std::string>& metadata) {
  auto pairs = std::make_shared<arrow::KeyValueMetadata>();
  for (const auto& [key, value] : metadata) pairs->Append(key, value);
  return pairs;
}

// Whether a dictionary of the values would cost a hash a value, and save nothing.
bool HardlyRepeats(const Column& column) {
  constexpr std::size_t kSample = 512;
  if (column.type() == Type::kBool || column.size() < kSample) return false;
  std::set<std::uint64_t> distinct;
  for (std::size_t i = 0; i < kSample; ++i) {
    const std::size_t row = i * (column.size() / kSample);
    if (column.type() == Type::kFloat64) distinct.insert(std::bit_cast<std::uint64_t>(column.Double(row)));
    else if (column.type() == Type::kString) distinct.insert(base::Hash64(column.String(row)));
    else distinct.insert(static_cast<std::uint64_t>(column.Int(row)));
  }
  return distinct.size() > kSample / 2;
}

// Whether compression makes less than nine tenths of the numbers: of most scores it does not.
bool Shrinks(const Column& column, int zstd_level) {
  constexpr std::size_t kSample = 4096;
  if (column.type() != Type::kFloat64) return true;
  const std::span<const double> values = column.doubles().first(std::min(kSample, column.size()));
  const auto bytes = static_cast<std::int64_t>(values.size_bytes());
  const auto codec = arrow::util::Codec::Create(arrow::Compression::ZSTD, zstd_level);
  if (!codec.ok()) return true;
  const auto* const from = reinterpret_cast<const std::uint8_t*>(values.data());
  std::vector<std::uint8_t> into(static_cast<std::size_t>((*codec)->MaxCompressedLen(bytes, from)));
  const auto size = (*codec)->Compress(bytes, from, static_cast<std::int64_t>(into.size()), into.data());
  return !size.ok() || *size * 10 < bytes * 9;
}

arrow::Status WriteTo(const arrow::Table& table, std::shared_ptr<parquet::WriterProperties> properties, const WriteOptions& options,
                      std::shared_ptr<arrow::io::OutputStream> sink) {
  ARROW_ASSIGN_OR_RAISE(auto writer, parquet::arrow::FileWriter::Open(
                                         *table.schema(), arrow::default_memory_pool(), std::move(sink),
                                         std::move(properties)));
  ARROW_RETURN_NOT_OK(writer->WriteTable(table));
  ARROW_RETURN_NOT_OK(writer->AddKeyValueMetadata(KeyValues(options.metadata)));
  return writer->Close();
}

Result<std::string> Encode(const Batch& batch, const WriteOptions& options) {
  const auto table = SW_TRY(TableFromBatch(batch));
  auto sink = arrow::io::BufferOutputStream::Create();
  if (!sink.ok()) return FromArrow(sink.status());
  const arrow::Status written = WriteTo(*table, ParquetProperties(batch, options.zstd_level), options, *sink);
  if (!written.ok()) return FromArrow(written);
  const auto buffer = (*sink)->Finish();
  if (!buffer.ok()) return FromArrow(buffer.status());
  return (*buffer)->ToString();
}

}  // namespace

std::shared_ptr<parquet::WriterProperties> ParquetProperties(const Batch& sample, int zstd_level) {
  parquet::WriterProperties::Builder builder;
  builder.created_by("seaworthy");
  for (std::size_t i = 0; i < sample.num_columns(); ++i) {
    const Column& column = sample.column(i);
    const std::string& name = sample.schema().fields[i].name;
    const bool hardly_repeats = HardlyRepeats(column);
    const bool is_number_in_steps = column.type() == Type::kInt64 || column.type() == Type::kTimestamp;
    if (!hardly_repeats || Shrinks(column, zstd_level)) builder.compression(name, parquet::Compression::ZSTD)->compression_level(name, zstd_level);
    if (hardly_repeats) builder.disable_dictionary(name);
    if (hardly_repeats && is_number_in_steps) builder.encoding(name, parquet::Encoding::DELTA_BINARY_PACKED);
  }
  return builder.build();
}

Result<Batch> ReadParquetFile(const std::string& path, const ReadOptions& options) {
  return CatchingExceptions<Batch>([&]() -> Result<Batch> {
    const Reader reader = SW_TRY(OpenPath(path));
    return ReadRows(*reader, options, path);
  });
}

Result<Schema> ReadParquetSchema(const std::string& path) {
  return CatchingExceptions<Schema>([&]() -> Result<Schema> {
    const Reader reader = SW_TRY(OpenPath(path));
    std::shared_ptr<arrow::Schema> schema;
    const arrow::Status status = reader->GetSchema(&schema);
    if (!status.ok()) return FromArrow(status);
    return SchemaFromArrow(*schema);
  });
}

Result<std::string> EncodeParquet(const Batch& batch, const WriteOptions& options) {
  return CatchingExceptions<std::string>([&] { return Encode(batch, options); });
}

Result<std::unique_ptr<TableReader>> OpenParquetBlocks(const std::string& path, const ReadOptions& options,
                                                       std::size_t block_rows) {
  return CatchingExceptions<std::unique_ptr<TableReader>>([&]() -> Result<std::unique_ptr<TableReader>> {
    Reader reader = SW_TRY(OpenInBlocks(path, block_rows));
    const auto& metadata = *reader->parquet_reader()->metadata();
    SW_TRY(CheckRowCount(metadata.num_rows(), options));
    const std::vector<int> leaves = SW_TRY(LeafIndices(*metadata.schema(), options.columns, path));
    if (auto numbers = FindNumbers(*reader, options.columns)) {
      return MakeNumberBlocks(std::move(reader), *std::move(numbers), options.rows_max, block_rows);
    }
    std::vector<int> groups(static_cast<std::size_t>(metadata.num_row_groups()));
    std::iota(groups.begin(), groups.end(), 0);
    auto rows = reader->GetRecordBatchReader(groups, leaves);
    if (!rows.ok()) return FromArrow(rows.status());
    std::vector<int> columns = SW_TRY(IndicesOf(*(*rows)->schema(), options.columns, path));
    return std::make_unique<ParquetBlocks>(std::move(reader), *std::move(rows), std::move(columns));
  });
}

Status WriteParquet(const Batch& batch, const std::string& path, const WriteOptions& options) {
  return base::WriteFileAtomic(path, SW_TRY(EncodeParquet(batch, options)));
}

Result<Batch> DecodeParquet(std::string_view bytes, const std::vector<std::string>& columns) {
  return CatchingExceptions<Batch>([&]() -> Result<Batch> {
    const Reader reader = SW_TRY(OpenBytes(bytes));
    ReadOptions options;
    options.columns = columns;
    return ReadRows(*reader, options, "the Parquet bytes");
  });
}

Result<std::map<std::string, std::string>> ParquetMetadata(std::string_view bytes) {
  using Pairs = std::map<std::string, std::string>;
  return CatchingExceptions<Pairs>([&]() -> Result<Pairs> {
    const Reader reader = SW_TRY(OpenBytes(bytes));
    const auto found = reader->parquet_reader()->metadata()->key_value_metadata();
    Pairs pairs;
    if (found == nullptr) return pairs;
    for (std::int64_t i = 0; i < found->size(); ++i) pairs[found->key(i)] = found->value(i);
    return pairs;
  });
}

}  // namespace sw::data
