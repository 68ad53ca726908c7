// A write-ahead file of any bytes is read or refused; what is read of it agrees with itself, and is
// written again as it was.
//
// The input is the first row's offset, then frames between lines of "%%": "r" and the body of a rows
// frame, "c" for a closing frame, anything else for bytes as they are. Checksums are made here: the
// fuzzer could not guess them.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"
#include "store/wal.h"

namespace {

namespace store = sw::store;

constexpr std::string_view kBetween = "\n%%\n";

std::string Frame(std::string_view text, std::int64_t& offset, std::uint64_t synced_to) {
  if (text.starts_with('c')) return store::EncodeClosingFrame(synced_to);
  if (!text.starts_with('r'))
    return std::string(text.substr(std::min<std::size_t>(1, text.size())));
  const std::string_view body = text.substr(1);
  const std::string frame = store::EncodeWalFrame(offset, synced_to, body);
  std::uint32_t rows = 0;
  if (body.size() >= sizeof(rows)) std::memcpy(&rows, body.data(), sizeof(rows));
  offset = static_cast<std::int64_t>(static_cast<std::uint64_t>(offset) + rows);
  return frame;
}

std::string Frames(std::string_view text, std::int64_t offset) {
  std::string file = store::WalHeader();
  for (bool has_more = true; has_more;) {
    const std::size_t end = text.find(kBetween);
    has_more = end != std::string_view::npos;
    file += Frame(text.substr(0, end), offset, file.size());
    if (has_more) text.remove_prefix(end + kBetween.size());
  }
  return file;
}

void CheckFrame(const store::WalFrame& found, std::string_view bytes, const std::string& path) {
  SW_CHECK(found.at + found.bytes <= bytes.size(), "a frame lies beyond the file");
  SW_CHECK(found.end() > found.first_offset, "a frame without rows");
  const std::string_view frame = bytes.substr(found.at, found.bytes);
  const sw::Result<store::WalRows> rows = store::DecodeWalFrame(frame, path, found.at);
  if (!rows) return;
  SW_CHECK(rows->first_offset == found.first_offset && rows->rows.num_rows() == found.rows,
           "another frame");
  SW_CHECK(rows->rows.id.size() == found.rows, "rows without ids");
  const std::string body = store::EncodeWalBody(rows->producer, rows->sequence, rows->rows);
  const auto again =
      store::DecodeWalFrame(store::EncodeWalFrame(found.first_offset, 0, body), path, 0);
  SW_CHECK(again && again->rows.columns == rows->rows.columns && again->rows.id == rows->rows.id &&
               again->rows.event_time == rows->rows.event_time && again->producer == rows->producer,
           "rows come back as others");
}

// The file in memory: its name, as long as it is open.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(memfd_create("wal", MFD_CLOEXEC)) {
    SW_CHECK(write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memfd");
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string Path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::int64_t offset = 0;
  if (size < sizeof(offset)) return 0;
  std::memcpy(&offset, data, sizeof(offset));
  const std::string_view text(reinterpret_cast<const char*>(data) + sizeof(offset),
                              size - sizeof(offset));
  const std::string bytes = Frames(text, offset);
  const MemoryFile file(bytes);
  const sw::Result<store::WalScan> torn = store::ScanWal(file.Path(), /*may_be_torn=*/true);
  const sw::Result<store::WalScan> whole = store::ScanWal(file.Path(), /*may_be_torn=*/false);
  SW_CHECK(!whole || torn, "a sound file is refused when it may be torn");
  if (!torn) return 0;
  SW_CHECK(torn->good_bytes <= bytes.size(), "good bytes beyond the file");
  SW_CHECK(!whole || whole->good_bytes == bytes.size(), "a torn tail in a sound file");
  for (const store::WalFrame& frame : torn->frames) CheckFrame(frame, bytes, file.Path());
  return 0;
}
