#include "data/arrow_stream.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>

#include <utility>

#include "base/errors.h"
#include "data/arrow_table.h"
#include "data/limited_pool.h"

namespace sw::data {
namespace {

constexpr std::int64_t kGrowthMax = 4;
constexpr std::int64_t kSlackBytes = 1 << 20;

Result<Batch> Decode(std::string_view bytes, const ArrowStreamLimits& limits) {
  const auto pool = MakeLimitedPool(kGrowthMax * static_cast<std::int64_t>(bytes.size()) + kSlackBytes);
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  options.memory_pool = pool.get();
  const auto input = std::make_shared<arrow::io::BufferReader>(
      arrow::Buffer::Wrap(bytes.data(), bytes.size()));
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(input, options);
  if (!reader.ok()) return FromArrow(reader.status());
  arrow::RecordBatchVector batches;
  std::uint64_t rows = 0;
  while (true) {
    const auto batch = (*reader)->Next();
    if (!batch.ok()) return FromArrow(batch.status());
    if (*batch == nullptr) break;
    if ((*batch)->num_rows() < 0) return InvalidArgument("the stream has a batch of {} rows", (*batch)->num_rows());
    rows += static_cast<std::uint64_t>((*batch)->num_rows());
    if (rows > limits.rows_max) return ResourceExhausted("the stream has {} rows or more, the limit is {}", rows, limits.rows_max);
    batches.push_back(*batch);
  }
  const auto table = arrow::Table::FromRecordBatches((*reader)->schema(), std::move(batches));
  if (!table.ok()) return FromArrow(table.status());
  return BatchFromArrow(**table);
}

Result<std::string> Encode(const Batch& batch) {
  const auto table = SW_TRY(TableFromBatch(batch));
  const auto sink = arrow::io::BufferOutputStream::Create();
  if (!sink.ok()) return FromArrow(sink.status());
  const auto writer = arrow::ipc::MakeStreamWriter(*sink, table->schema());
  if (!writer.ok()) return FromArrow(writer.status());
  arrow::Status status = (*writer)->WriteTable(*table);
  if (status.ok()) status = (*writer)->Close();
  if (!status.ok()) return FromArrow(status);
  const auto buffer = (*sink)->Finish();
  if (!buffer.ok()) return FromArrow(buffer.status());
  return (*buffer)->ToString();
}

}  // namespace

Result<std::string> EncodeArrowStream(const Batch& batch) {
  return CatchingExceptions<std::string>([&] { return Encode(batch); });
}

Result<Batch> DecodeArrowStream(std::string_view bytes, const ArrowStreamLimits& limits) {
  return CatchingExceptions<Batch>([&] { return Decode(bytes, limits); });
}

}  // namespace sw::data
