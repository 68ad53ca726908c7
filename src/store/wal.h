// The logbook's write-ahead files: framing, and reading back after any crash.
//
// A file is a format line, then frames {magic, length, crc32c, payload}. Each frame says how many
// bytes of its file were known to be on disk when it was written. That tells a torn tail, which is
// cut, from damage to bytes that had been on disk, which is DATA_LOSS: a frame after the bad place
// that vouches for it proves damage. A file that was closed cleanly ends with a closing frame, which
// the next rows overwrite: the sync of a closing frame may fail unseen, so nothing stands on it.
//
//   std::string frame = EncodeWalFrame(offset, synced_to, EncodeWalBody("serve-1", 7, rows));
//   WalScan scan = SW_TRY(ScanWal(path, /*may_be_torn=*/true));
//
// Immutable functions; bytes are hostile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/logbook.h"

namespace sw::store {

inline constexpr std::uint64_t kWalFrameBytesMax = 256u << 20;

struct WalFrame {
  std::int64_t first_offset = 0;
  std::uint32_t rows = 0;
  std::uint64_t at = 0;     // byte in the file
  std::uint64_t bytes = 0;  // with its header
  TimeUs event_time_max = 0;
  std::int64_t end() const { return first_offset + rows; }
};

struct WalRows {
  std::int64_t first_offset = 0;
  std::string producer;
  std::int64_t sequence = 0;
  LogRows rows;
};

struct WalProducer {
  std::string name;
  std::int64_t sequence = 0;
  std::int64_t first_offset = 0;
};

struct WalScan {
  std::vector<WalFrame> frames;
  std::vector<WalProducer> producers;  // one a frame that has one, in order
  std::uint64_t good_bytes = 0;        // beyond lies a torn tail
  bool closed = false;                 // ends with a closing frame, ...
  std::uint64_t closing_at = 0;        // ... which begins here
};

std::string WalHeader();
std::string WalName(std::int64_t first_offset);                 // "wal-00000000000000000042.log"
bool ParseWalName(std::string_view name, std::int64_t& first_offset);

// The part of a frame that does not depend on where it lands, so it is made outside locks.
std::string EncodeWalBody(std::string_view producer, std::int64_t sequence, const LogRows& rows);
std::string EncodeWalFrame(std::int64_t first_offset, std::uint64_t synced_to, std::string_view body);
std::string EncodeClosingFrame(std::uint64_t synced_to);

// Checks every frame. Without may_be_torn a bad tail is DATA_LOSS too.
Result<WalScan> ScanWal(const std::string& path, bool may_be_torn);
// `frame` is the bytes that a WalFrame names; `path` and `at` go into messages.
Result<WalRows> DecodeWalFrame(std::string_view frame, const std::string& path, std::uint64_t at);

}  // namespace sw::store
