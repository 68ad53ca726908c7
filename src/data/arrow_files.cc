// CSV and Arrow IPC files, read by Arrow. Single-threaded: rows are then named in messages.
#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "data/arrow_table.h"
#include "data/file_formats.h"

namespace sw::data {
namespace {

constexpr std::int32_t kBlockBytes = 8 << 20;  // a row longer than this is refused by Arrow

Result<std::shared_ptr<arrow::io::ReadableFile>> Open(const std::string& path) {
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) return NotFound("{}", file.status().message());
  return *std::move(file);
}

std::shared_ptr<arrow::DataType> CsvType(Type type) {
  switch (type) {
    case Type::kBool: return arrow::boolean();
    case Type::kInt64: return arrow::int64();
    case Type::kFloat64: return arrow::float64();
    default: return arrow::utf8();  // timestamps too: ParseTime takes more forms than Arrow
  }
}

arrow::csv::ConvertOptions Conversion(const ReadOptions& options) {
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = options.null_values;
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;  // keeps "" and "NA" of a text column
  convert.include_columns = options.columns;
  for (const auto& [name, type] : options.types) convert.column_types[name] = CsvType(type);
  return convert;
}

arrow::csv::ReadOptions Reading() {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = kBlockBytes;
  return read;
}

arrow::csv::ParseOptions Parsing(const ReadOptions& options) {
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.delimiter = options.delimiter;
  parse.newlines_in_values = true;
  return parse;
}

// Arrow's "In CSV column #2" counts from 0; people go by names.
std::string WithColumnName(std::string message, const std::string& path, const ReadOptions& options) {
  constexpr std::string_view kMark = "In CSV column #";
  const std::size_t at = message.find(kMark);
  if (at == std::string::npos) return message;
  const std::size_t digits = at + kMark.size();
  const std::size_t end = message.find_first_not_of("0123456789", digits);
  std::size_t index = 0;
  std::from_chars(message.data() + digits, message.data() + std::min(end, message.size()), index);
  const auto file = Open(path);
  if (!file) return message;
  const auto reader = arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), *file, Reading(),
                                                        Parsing(options), arrow::csv::ConvertOptions::Defaults());
  if (!reader.ok() || static_cast<int>(index) >= (*reader)->schema()->num_fields()) return message;
  const std::string& name = (*reader)->schema()->field(static_cast<int>(index))->name();
  return message.replace(at, end - at, fmt::format("column \"{}\"", name));
}

Result<Batch> ParseCsv(const std::string& path, const ReadOptions& options) {
  const auto file = SW_TRY(Open(path));
  const auto reader = arrow::csv::TableReader::Make(arrow::io::default_io_context(), file, Reading(), Parsing(options),
                                                    Conversion(options));
  if (!reader.ok()) return FromArrow(reader.status());
  const auto table = (*reader)->Read();
  if (table.ok()) return BatchFromArrow(**table);
  Error error = FromArrow(table.status()).error();
  error.message = WithColumnName(std::move(error.message), path, options);
  return std::unexpected(std::move(error));
}

// Parses a column of text as timestamps; the error names the row as a person counts them.
Result<Column> TimesFromText(const Column& text, std::string_view name) {
  Column times(Type::kTimestamp);
  times.Reserve(text.size());
  for (std::size_t row = 0; row < text.size(); ++row) {
    if (text.IsNull(row)) {
      times.AppendNull();
      continue;
    }
    const Status status = times.AppendText(text.String(row));
    if (!status) return InvalidArgument("column \"{}\", row {}: {}", name, row + 1, status.error().message);
  }
  return times;
}

Result<Batch> WithDeclaredTimes(Batch batch, const ReadOptions& options) {
  Batch converted;
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    Field field = batch.schema().fields[i];
    const auto declared = options.types.find(field.name);
    if (declared == options.types.end() || declared->second != Type::kTimestamp) {
      converted.AddColumn(std::move(field), std::move(batch.column(i)));
      continue;
    }
    field.type = Type::kTimestamp;
    Column times = SW_TRY(TimesFromText(batch.column(i), field.name));
    converted.AddColumn(std::move(field), std::move(times));
  }
  return converted;
}

using IpcReader = std::shared_ptr<arrow::ipc::RecordBatchFileReader>;

Result<IpcReader> OpenIpc(const std::string& path) {
  const auto file = SW_TRY(Open(path));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  auto reader = arrow::ipc::RecordBatchFileReader::Open(file, options);
  if (!reader.ok()) return FromArrow(reader.status());
  return *std::move(reader);
}

// Cuts the file's own record batches, which may be of any size, into blocks.
class ArrowBlocks final : public TableReader {
 public:
  ArrowBlocks(IpcReader file, std::vector<int> columns, const ReadOptions& options, std::size_t block_rows)
      : file_(std::move(file)), columns_(std::move(columns)), rows_max_(options.rows_max),
        block_rows_(static_cast<std::int64_t>(block_rows)) {}

  Result<std::optional<Batch>> Next() override {
    return CatchingExceptions<std::optional<Batch>>([&]() -> Result<std::optional<Batch>> {
      while (rows_ == nullptr || offset_ >= rows_->num_rows()) {
        if (next_ >= file_->num_record_batches()) return std::nullopt;
        SW_TRY(ReadRecordBatch());
      }
      const auto block = rows_->Slice(offset_, block_rows_);
      offset_ += block->num_rows();
      return SW_TRY(BatchFromArrow(*block));
    });
  }

  double fraction() const override {
    const double part = rows_ == nullptr || rows_->num_rows() == 0
                            ? 1
                            : static_cast<double>(offset_) / static_cast<double>(rows_->num_rows());
    return next_ == 0 ? 0 : (next_ - 1 + part) / file_->num_record_batches();
  }

 private:
  Status ReadRecordBatch() {
    const auto whole = file_->ReadRecordBatch(next_++);
    if (!whole.ok()) return FromArrow(whole.status());
    rows_read_ += static_cast<std::uint64_t>((*whole)->num_rows());
    if (rows_read_ > rows_max_) return ResourceExhausted("{} rows exceed rows_max = {}", rows_read_, rows_max_);
    const auto selected = (*whole)->SelectColumns(columns_);
    if (!selected.ok()) return FromArrow(selected.status());
    // Offsets of a hostile file are checked before anything is cut by them.
    if (const arrow::Status valid = (*selected)->Validate(); !valid.ok()) return FromArrow(valid);
    rows_ = *selected;
    offset_ = 0;
    return Ok();
  }

  IpcReader file_;
  std::vector<int> columns_;
  std::uint64_t rows_max_;
  std::int64_t block_rows_;
  std::shared_ptr<arrow::RecordBatch> rows_;
  std::int64_t offset_ = 0;
  int next_ = 0;
  std::uint64_t rows_read_ = 0;
};

Result<std::shared_ptr<arrow::Table>> ReadIpc(const std::string& path) {
  const IpcReader reader = SW_TRY(OpenIpc(path));
  arrow::RecordBatchVector batches;
  for (int i = 0; i < reader->num_record_batches(); ++i) {
    const auto batch = reader->ReadRecordBatch(i);
    if (!batch.ok()) return FromArrow(batch.status());
    batches.push_back(*batch);
  }
  const auto table = arrow::Table::FromRecordBatches(reader->schema(), batches);
  if (!table.ok()) return FromArrow(table.status());
  return *table;
}

}  // namespace

Result<Batch> ReadCsvFile(const std::string& path, const ReadOptions& options) {
  return CatchingExceptions<Batch>([&]() -> Result<Batch> {
    auto batch = ParseCsv(path, options);
    if (!batch && !options.columns.empty()) {
      // Arrow does not know near misses: without the selection the header can be asked for them.
      ReadOptions all = options;
      all.columns.clear();
      const Batch everything = SW_TRY(ParseCsv(path, all));
      for (const std::string& column : options.columns) SW_TRY(everything.Get(column, path));
    }
    if (!batch) return batch;
    return WithDeclaredTimes(*std::move(batch), options);
  });
}

Result<std::unique_ptr<TableReader>> OpenArrowBlocks(const std::string& path, const ReadOptions& options,
                                                     std::size_t block_rows) {
  return CatchingExceptions<std::unique_ptr<TableReader>>([&]() -> Result<std::unique_ptr<TableReader>> {
    IpcReader reader = SW_TRY(OpenIpc(path));
    std::vector<int> columns = SW_TRY(IndicesOf(*reader->schema(), options.columns, path));
    return std::make_unique<ArrowBlocks>(std::move(reader), std::move(columns), options, block_rows);
  });
}

Result<Batch> ReadArrowFile(const std::string& path, const ReadOptions& options) {
  return CatchingExceptions<Batch>([&]() -> Result<Batch> {
    const auto table = SW_TRY(ReadIpc(path));
    const Batch batch = SW_TRY(BatchFromArrow(*table));
    if (options.columns.empty()) return batch;
    for (const std::string& column : options.columns) SW_TRY(batch.Get(column, path));
    return batch.Select(options.columns);
  });
}

}  // namespace sw::data
