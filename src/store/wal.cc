#include "store/wal.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "base/errors.h"
#include "base/files.h"
#include "base/format_version.h"
#include "base/hash.h"

namespace sw::store {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are little-endian");

constexpr std::string_view kMagic = "SWF\x01";
constexpr std::size_t kHeaderBytes = 12;  // magic, length, crc
constexpr std::uint8_t kRowsFrame = 1;
constexpr std::uint8_t kClosingFrame = 2;
const base::FormatVersion kFormat{"seaworthy/logbook-wal", 0, 0};

template <typename N>
void Put(std::string& out, N value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Takes values off the front of untrusted bytes; false once they run out.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  template <typename N>
  bool Take(N& value) {
    if (bytes_.size() < sizeof(value)) return false;
    std::memcpy(&value, bytes_.data(), sizeof(value));
    bytes_.remove_prefix(sizeof(value));
    return true;
  }
  bool TakeText(std::string& text) {
    std::uint32_t size = 0;
    if (!Take(size) || bytes_.size() < size) return false;
    text.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return true;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

struct Payload {
  std::uint8_t kind = 0;
  std::uint64_t synced_to = 0;
  std::int64_t first_offset = 0;
  std::uint32_t rows = 0;
  std::string producer;
  std::int64_t sequence = 0;
  std::vector<TimeUs> event_time;
  std::string_view rest;  // ids, then columns
};

// Of a payload in two parts.
std::string Frame(std::string_view head, std::string_view body) {
  std::string frame;
  frame.reserve(kHeaderBytes + head.size() + body.size());
  frame.append(kMagic);
  Put(frame, static_cast<std::uint32_t>(head.size() + body.size()));
  Put(frame, base::Crc32c(body, base::Crc32c(head, base::Crc32c(std::string_view(frame).substr(4, 4)))));
  return frame.append(head).append(body);
}

// The payload of the frame at the front of `bytes`; nothing when it is not whole and sound.
std::optional<std::string_view> SoundPayload(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  std::uint32_t length = 0;
  std::uint32_t crc = 0;
  std::memcpy(&length, bytes.data() + 4, 4);
  std::memcpy(&crc, bytes.data() + 8, 4);
  if (length > kWalFrameBytesMax || bytes.size() - kHeaderBytes < length) return std::nullopt;
  const std::string_view payload = bytes.substr(kHeaderBytes, length);
  if (base::Crc32c(payload, base::Crc32c(bytes.substr(4, 4))) != crc) return std::nullopt;
  return payload;
}

bool ParsePayload(std::string_view bytes, Payload& payload) {
  Cursor cursor(bytes);
  if (!cursor.Take(payload.kind) || !cursor.Take(payload.synced_to)) return false;
  if (payload.kind == kClosingFrame) return true;
  if (payload.kind != kRowsFrame || !cursor.Take(payload.first_offset) || payload.first_offset < 0) return false;
  if (!cursor.Take(payload.rows) || payload.rows == 0 || !cursor.Take(payload.sequence)) return false;
  if (payload.first_offset > std::numeric_limits<std::int64_t>::max() - payload.rows) return false;
  if (!cursor.TakeText(payload.producer)) return false;
  if (cursor.rest().size() / sizeof(TimeUs) < payload.rows) return false;
  payload.event_time.resize(payload.rows);
  for (TimeUs& time : payload.event_time) cursor.Take(time);
  payload.rest = cursor.rest();
  return true;
}

// Finds a sound frame beyond `at` that says the bytes at `at` had been on disk.
bool VouchedFor(std::string_view bytes, std::uint64_t at) {
  for (std::size_t next = bytes.find(kMagic, at + 1); next != std::string_view::npos;
       next = bytes.find(kMagic, next + 1)) {
    Payload payload;
    const auto sound = SoundPayload(bytes.substr(next));
    if (sound && ParsePayload(*sound, payload) && payload.synced_to > at) return true;
  }
  return false;
}

Result<std::size_t> CheckHeader(std::string_view bytes, const std::string& path) {
  const std::size_t line = bytes.substr(0, 256).find('\n');
  if (line == std::string_view::npos) {
    return DataLoss("{} has no format line at offset 0; restore the file from a copy", path);
  }
  SW_TRY(base::CheckReadable(SW_TRY(base::ParseFormatVersion(bytes.substr(0, line + 1))), kFormat));
  return line + 1;
}

void Index(Payload payload, std::uint64_t at, std::uint64_t bytes, WalScan& scan) {
  scan.closed = payload.kind == kClosingFrame;
  scan.closing_at = at;
  if (scan.closed) return;
  const TimeUs latest = *std::max_element(payload.event_time.begin(), payload.event_time.end());
  scan.frames.push_back({payload.first_offset, payload.rows, at, bytes, latest});
  if (payload.producer.empty()) return;
  scan.producers.push_back({std::move(payload.producer), payload.sequence, payload.first_offset});
}

}  // namespace

std::string WalHeader() { return base::FormatVersionLine(kFormat); }

std::string WalName(std::int64_t first_offset) { return fmt::format("wal-{:020}.log", first_offset); }

bool ParseWalName(std::string_view name, std::int64_t& first_offset) {
  if (name.size() != 28 || !name.starts_with("wal-") || !name.ends_with(".log")) return false;
  const char* end = name.data() + 24;
  const auto [stop, error] = std::from_chars(name.data() + 4, end, first_offset);
  return error == std::errc() && stop == end && first_offset >= 0;
}

std::string EncodeWalBody(std::string_view producer, std::int64_t sequence, const LogRows& rows) {
  std::size_t id_bytes = 0;
  for (const std::string& id : rows.id) id_bytes += sizeof(std::uint32_t) + id.size();
  std::string body;
  body.reserve(16 + producer.size() + rows.num_rows() * sizeof(TimeUs) + id_bytes);
  Put(body, static_cast<std::uint32_t>(rows.num_rows()));
  Put(body, sequence);
  Put(body, static_cast<std::uint32_t>(producer.size()));
  body.append(producer);
  for (const TimeUs time : rows.event_time) Put(body, time);
  for (const std::string& id : rows.id) {
    Put(body, static_cast<std::uint32_t>(id.size()));
    body.append(id);
  }
  data::AppendEncoded(rows.columns, body);
  return body;
}

std::string EncodeWalFrame(std::int64_t first_offset, std::uint64_t synced_to, std::string_view body) {
  std::string head;
  Put(head, kRowsFrame);
  Put(head, synced_to);
  Put(head, first_offset);
  return Frame(head, body);
}

std::string EncodeClosingFrame(std::uint64_t synced_to) {
  std::string payload;
  Put(payload, kClosingFrame);
  Put(payload, synced_to);
  return Frame(payload, {});
}

Result<WalScan> ScanWal(const std::string& path, bool may_be_torn) {
  const std::string bytes = SW_TRY(base::ReadFile(path));
  WalScan scan;
  std::uint64_t at = SW_TRY(CheckHeader(bytes, path));
  while (at < bytes.size()) {
    const auto sound = SoundPayload(std::string_view(bytes).substr(at));
    Payload payload;
    if (!sound || !ParsePayload(*sound, payload)) {
      if (may_be_torn && !sound && !VouchedFor(bytes, at)) break;
      return DataLoss("{} is damaged at offset {}, before rows that were written later; restore the file from "
                      "a copy", path, at);
    }
    if (payload.kind == kRowsFrame && !scan.frames.empty() && scan.frames.back().end() != payload.first_offset) {
      return DataLoss("{} at offset {} goes on with row {} after row {}; restore the file from a copy", path, at,
                      payload.first_offset, scan.frames.back().end());
    }
    const std::uint64_t size = kHeaderBytes + sound->size();
    Index(std::move(payload), at, size, scan);
    at += size;
  }
  scan.good_bytes = at;
  return scan;
}

Result<WalRows> DecodeWalFrame(std::string_view frame, const std::string& path, std::uint64_t at) {
  const auto sound = SoundPayload(frame);
  Payload payload;
  if (!sound || !ParsePayload(*sound, payload) || payload.kind != kRowsFrame) {
    return DataLoss("{} is damaged at offset {}; restore the file from a copy", path, at);
  }
  WalRows out{payload.first_offset, std::move(payload.producer), payload.sequence, {}};
  out.rows.event_time = std::move(payload.event_time);
  Cursor cursor(payload.rest);
  out.rows.id.resize(payload.rows);
  for (std::string& id : out.rows.id) {
    if (!cursor.TakeText(id)) return DataLoss("{} at offset {} lacks ids; restore the file from a copy", path, at);
  }
  Result<data::Batch> columns = data::DecodeBatch(cursor.rest());
  if (!columns) return DataLoss("{} at offset {}: {}", path, at, columns.error().message);
  if (columns->num_columns() > 0 && columns->num_rows() != payload.rows) {
    return DataLoss("{} at offset {} has {} rows of columns for {}", path, at, columns->num_rows(), payload.rows);
  }
  out.rows.columns = *std::move(columns);
  return out;
}

}  // namespace sw::store
