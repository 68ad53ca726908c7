// Parquet, Arrow IPC and CSV files that grow block by block under another name until they are whole.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <unistd.h>

#include <functional>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "data/arrow_table.h"
#include "data/file_formats.h"

namespace sw::data {
namespace {

constexpr int kZstdLevel = 1;

using Sink = std::shared_ptr<arrow::io::FileOutputStream>;

// One format's bytes.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual Status Append(Batch batch) = 0;
  virtual Status Close() = 0;
};

Status StatusFromArrow(const arrow::Status& status) {
  if (!status.ok()) return FromArrow(status);
  return Ok();
}

// Runs what calls Arrow.
Status Catching(const std::function<Status()>& body) {
  const auto done = CatchingExceptions<bool>([&]() -> Result<bool> {
    SW_TRY(body());
    return true;
  });
  if (!done) return std::unexpected(done.error());
  return Ok();
}

class CsvEncoder final : public Encoder {
 public:
  CsvEncoder(Sink sink, const Schema& schema) : sink_(std::move(sink)) { AppendCsvHeader(text_, schema); }

  Status Append(Batch batch) override {
    AppendCsvRows(text_, batch);
    const Status written = Write();
    text_.clear();
    return written;
  }
  Status Close() override { return Write(); }

 private:
  Status Write() { return StatusFromArrow(sink_->Write(text_.data(), static_cast<std::int64_t>(text_.size()))); }
  Sink sink_;
  std::string text_;  // the header, until rows come
};

class ArrowEncoder final : public Encoder {
 public:
  explicit ArrowEncoder(std::shared_ptr<arrow::ipc::RecordBatchWriter> writer) : writer_(std::move(writer)) {}

  Status Append(Batch batch) override {
    const auto rows = SW_TRY(RowsFromBatch(batch));
    return StatusFromArrow(writer_->WriteRecordBatch(*rows));
  }
  Status Close() override { return StatusFromArrow(writer_->Close()); }

 private:
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

// Gathers batches into row groups. The first says how columns are best written.
class ParquetEncoder final : public Encoder {
 public:
  ParquetEncoder(Sink sink, const Schema& schema) : sink_(std::move(sink)), empty_(schema) {}

  Status Append(Batch batch) override {
    rows_ += batch.num_rows();
    waiting_.push_back(std::move(batch));
    const bool is_full = rows_ >= kGroupRows || rows_ * empty_.num_columns() >= kGroupValuesMax;
    return is_full ? WriteGroup() : Ok();
  }
  Status Close() override {
    if (!waiting_.empty() || writer_ == nullptr) SW_TRY(WriteGroup());
    return StatusFromArrow(writer_->Close());
  }

 private:
  static constexpr std::size_t kGroupRows = 65'536, kGroupValuesMax = 16'000'000;

  Status Begin(const Batch& first) {
    const auto rows = SW_TRY(RowsFromBatch(empty_));
    auto writer = parquet::arrow::FileWriter::Open(*rows->schema(), arrow::default_memory_pool(), sink_, ParquetProperties(first, kZstdLevel));
    if (!writer.ok()) return FromArrow(writer.status());
    writer_ = *std::move(writer);
    return Ok();
  }

  // Of all that waits, without a copy.
  Status WriteGroup() {
    if (writer_ == nullptr) SW_TRY(Begin(waiting_.empty() ? empty_ : waiting_.front()));
    arrow::RecordBatchVector parts;
    for (const Batch& batch : waiting_) parts.push_back(SW_TRY(RowsFromBatch(batch)));
    const auto table = arrow::Table::FromRecordBatches(parts);
    if (!parts.empty() && !table.ok()) return FromArrow(table.status());
    const arrow::Status written = parts.empty() ? arrow::Status::OK() : writer_->WriteTable(**table, static_cast<std::int64_t>(rows_));
    waiting_.clear();
    rows_ = 0;
    return StatusFromArrow(written);
  }

  Sink sink_;
  Batch empty_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::vector<Batch> waiting_;
  std::size_t rows_ = 0;
};

Result<std::unique_ptr<Encoder>> MakeEncoder(std::string_view format, const Sink& sink, const Schema& schema) {
  if (format == "csv") return std::make_unique<CsvEncoder>(sink, schema);
  if (format == "parquet") return std::make_unique<ParquetEncoder>(sink, schema);
  const auto empty = SW_TRY(RowsFromBatch(Batch(schema)));
  auto writer = arrow::ipc::MakeFileWriter(sink, empty->schema());
  if (!writer.ok()) return FromArrow(writer.status());
  return std::make_unique<ArrowEncoder>(*std::move(writer));
}

class FileTableWriter final : public TableWriter {
 public:
  FileTableWriter(std::string path, std::string temp, Sink sink, std::unique_ptr<Encoder> encoder)
      : path_(std::move(path)), temp_(std::move(temp)), sink_(std::move(sink)), encoder_(std::move(encoder)) {}
  ~FileTableWriter() override {
    if (published_) return;
    static_cast<void>(sink_->Close());
    static_cast<void>(base::RemoveFile(temp_));
  }

  Status Append(Batch batch) override {
    return Named(Catching([&] { return encoder_->Append(std::move(batch)); }));
  }

  Status Finish() override {
    SW_TRY(Named(Catching([&]() -> Status {
      SW_TRY(encoder_->Close());
      return StatusFromArrow(sink_->Close());
    })));
    SW_TRY(base::PublishFile(temp_, path_));
    published_ = true;
    return Ok();
  }

 private:
  Status Named(Status status) const {
    if (!status) return std::unexpected(std::move(status).error().Within(fmt::format("writing {}", path_)));
    return status;
  }

  std::string path_, temp_;
  Sink sink_;
  std::unique_ptr<Encoder> encoder_;
  bool published_ = false;
};

Result<std::string_view> WrittenFormat(const std::string& path) {
  if (path.ends_with(".parquet")) return "parquet";
  if (path.ends_with(".csv")) return "csv";
  if (path.ends_with(".arrow") || path.ends_with(".feather")) return "arrow";
  return InvalidArgument("cannot tell what to write from the name {}; end it in .parquet, .csv, .arrow or .feather",
                         path);
}

}  // namespace

Result<std::unique_ptr<TableWriter>> CreateTable(const std::string& path, const Schema& schema) {
  return CatchingExceptions<std::unique_ptr<TableWriter>>([&]() -> Result<std::unique_ptr<TableWriter>> {
    const std::string_view format = SW_TRY(WrittenFormat(path));
    std::string temp = fmt::format("{}.tmp-{}", path, getpid());
    const auto sink = arrow::io::FileOutputStream::Open(temp);
    if (!sink.ok()) return NotFound("{}", sink.status().message());
    auto encoder = MakeEncoder(format, *sink, schema);
    if (!encoder) {
      static_cast<void>(base::RemoveFile(temp));
      return std::unexpected(std::move(encoder).error());
    }
    return std::make_unique<FileTableWriter>(path, std::move(temp), *sink, *std::move(encoder));
  });
}

}  // namespace sw::data
