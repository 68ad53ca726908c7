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

using Sink = std::shared_ptr<arrow::io::FileOutputStream>;

// One format's bytes.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual Status Append(const Batch& batch) = 0;
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

  Status Append(const Batch& batch) override {
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

// By a writer of Arrow's own, which has the same two calls for Parquet and for IPC.
template <typename Writer>
class TableEncoder final : public Encoder {
 public:
  explicit TableEncoder(Writer writer) : writer_(std::move(writer)) {}

  Status Append(const Batch& batch) override {
    const auto table = SW_TRY(TableFromBatch(batch));
    return StatusFromArrow(writer_->WriteTable(*table));
  }
  Status Close() override { return StatusFromArrow(writer_->Close()); }

 private:
  Writer writer_;
};

Result<std::unique_ptr<Encoder>> MakeEncoder(std::string_view format, const Sink& sink, const Schema& schema) {
  if (format == "csv") return std::make_unique<CsvEncoder>(sink, schema);
  const auto empty = SW_TRY(TableFromBatch(Batch(schema)));
  if (format == "arrow") {
    auto writer = arrow::ipc::MakeFileWriter(sink, empty->schema());
    if (!writer.ok()) return FromArrow(writer.status());
    return std::make_unique<TableEncoder<std::shared_ptr<arrow::ipc::RecordBatchWriter>>>(*std::move(writer));
  }
  const auto properties =
      parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->created_by("seaworthy")->build();
  auto writer = parquet::arrow::FileWriter::Open(*empty->schema(), arrow::default_memory_pool(), sink, properties);
  if (!writer.ok()) return FromArrow(writer.status());
  return std::make_unique<TableEncoder<std::unique_ptr<parquet::arrow::FileWriter>>>(*std::move(writer));
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

  Status Append(const Batch& batch) override {
    return Named(Catching([&] { return encoder_->Append(batch); }));
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
