#include "data/flight_payload.h"

#include <arrow/api.h>
#include <arrow/ipc/api.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "base/errors.h"
#include "data/limited_pool.h"
#include "data/raw_impl.h"

namespace sw::data {
namespace {

constexpr std::int64_t kMessageBytes = 1 << 20;
constexpr std::int64_t kGrowthMax = 8;
constexpr std::int64_t kSlackBytes = 1 << 20;
constexpr std::int64_t kBufferAlignment = 8;

FlightMessage MessageOf(const arrow::ipc::IpcPayload& payload) {
  FlightMessage message{.header = payload.metadata->ToString(), .body = {}};
  message.body.reserve(static_cast<std::size_t>(std::max<std::int64_t>(0, payload.body_length)));
  for (const auto& buffer : payload.body_buffers) {
    if (buffer == nullptr) continue;
    message.body.append(reinterpret_cast<const char*>(buffer->data()), static_cast<std::size_t>(buffer->size()));
    message.body.append(static_cast<std::size_t>(arrow::bit_util::RoundUp(buffer->size(), kBufferAlignment) - buffer->size()), '\0');
  }
  return message;
}

// Keeps what Arrow would write to a stream.
class Keeper final : public arrow::ipc::internal::IpcPayloadWriter {
 public:
  explicit Keeper(std::deque<FlightMessage>& messages) : messages_(messages) {}
  arrow::Status WritePayload(const arrow::ipc::IpcPayload& payload) override {
    messages_.push_back(MessageOf(payload));
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return arrow::Status::OK(); }

 private:
  std::deque<FlightMessage>& messages_;
};

// Hands on what came from a client.
class Messages final : public arrow::ipc::MessageReader {
 public:
  explicit Messages(std::vector<FlightMessage> messages) : messages_(std::move(messages)) {}
  arrow::Result<std::unique_ptr<arrow::ipc::Message>> ReadNextMessage() override {
    if (next_ == messages_.size()) return nullptr;
    FlightMessage& message = messages_[next_++];
    ARROW_ASSIGN_OR_RAISE(auto read, arrow::ipc::Message::Open(arrow::Buffer::FromString(std::move(message.header)), arrow::Buffer::FromString(std::move(message.body))));
    // Arrow checks this only where it reads from a stream.
    if (read->body_length() != read->body()->size()) return arrow::Status::Invalid("a message says that its body has ", read->body_length(), " bytes, and it has ", read->body()->size());
    return read;
  }

 private:
  std::vector<FlightMessage> messages_;
  std::size_t next_ = 0;
};

}  // namespace

struct FlightEncoder::State {
  explicit State(RawTable rows) : table(std::move(rows)), batches(*table.impl().table) {}
  RawTable table;
  arrow::TableBatchReader batches;
  std::deque<FlightMessage> messages;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer;
  bool at_end = false;
};

Result<FlightEncoder> FlightEncoder::Make(RawTable table) {
  return CatchingExceptions<FlightEncoder>([&]() -> Result<FlightEncoder> {
    auto state = std::make_shared<State>(std::move(table));
    const auto rows = static_cast<std::int64_t>(state->table.num_rows());
    const auto row_bytes = rows == 0 ? 1 : static_cast<std::int64_t>(state->table.bytes()) / rows + 1;
    state->batches.set_chunksize(std::clamp<std::int64_t>(kMessageBytes / row_bytes, 1, 1 << 20));
    const auto schema = state->table.impl().table->schema();
    state->writer = SW_TRY(Ours(arrow::ipc::internal::OpenRecordBatchWriter(std::make_unique<Keeper>(state->messages), schema)));
    return FlightEncoder(std::move(state));
  });
}

Result<std::optional<FlightMessage>> FlightEncoder::Next() {
  return CatchingExceptions<std::optional<FlightMessage>>([&]() -> Result<std::optional<FlightMessage>> {
    while (state_->messages.empty() && !state_->at_end) {
      std::shared_ptr<arrow::RecordBatch> batch;
      SW_TRY(OursOf(state_->batches.ReadNext(&batch)));
      state_->at_end = batch == nullptr;
      SW_TRY(OursOf(state_->at_end ? state_->writer->Close() : state_->writer->WriteRecordBatch(*batch)));
    }
    if (state_->messages.empty()) return std::nullopt;
    FlightMessage message = std::move(state_->messages.front());
    state_->messages.pop_front();
    return message;
  });
}

Result<std::string> EncodeFlightSchema(const RawTable& table) {
  const auto bytes = SW_TRY(Ours(arrow::ipc::SerializeSchema(*table.impl().table->schema())));
  return bytes->ToString();
}

Status FlightDecoder::Add(FlightMessage message) {
  bytes_ += message.header.size() + message.body.size();
  if (bytes_ > limits_.bytes_max) return ResourceExhausted("limit flight_bytes_max: the upload has more than {} bytes; send fewer rows at once", limits_.bytes_max);
  if (messages_.size() >= limits_.messages_max) return ResourceExhausted("limit flight_messages_max: the upload has more than {} messages", limits_.messages_max);
  if (!message.header.empty()) messages_.push_back(std::move(message));  // else it is metadata of the application
  return Ok();
}

Result<RawTable> FlightDecoder::Finish() {
  return CatchingExceptions<RawTable>([&]() -> Result<RawTable> {
    if (messages_.empty()) return InvalidArgument("the upload holds no schema");
    const auto pool = MakeLimitedPool(kGrowthMax * static_cast<std::int64_t>(bytes_) + kSlackBytes);
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.use_threads = false;
    options.memory_pool = pool.get();
    options.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;
    const auto reader = SW_TRY(Ours(arrow::ipc::RecordBatchStreamReader::Open(std::make_unique<Messages>(std::exchange(messages_, {})), options)));
    auto table = SW_TRY(Ours(reader->ToTable()));
    return CheckedRawFromArrow(std::move(table), {pool});
  });
}

}  // namespace sw::data
