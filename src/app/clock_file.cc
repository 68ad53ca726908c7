#include "app/clock_file.h"

#include <array>

#include "base/errors.h"

namespace sw::app {
namespace {

// The version, then a time of fixed width, so that a new one covers the old.
constexpr std::string_view kMark = "seaworthy clock 1\n";
constexpr std::size_t kBytes = 64;

}  // namespace

Result<ClockFile> ClockFile::Open(const std::string& path) {
  return ClockFile(SW_TRY(base::File::OpenForReadWrite(path)));
}

Status ClockFile::Save(TimeUs now) {
  return file_.WriteAt(0, fmt::format("{}{:020}\n", kMark, now));
}

Result<TimeUs> ClockFile::Read() const {
  std::array<char, kBytes> bytes{};
  const std::size_t size = SW_TRY(file_.ReadAt(0, bytes.data(), bytes.size()));
  const std::string_view text(bytes.data(), size);
  if (text.empty() || !text.ends_with('\n')) return 0;
  if (!text.starts_with(kMark)) {
    return FailedPrecondition("{}: not a clock of this version of the program; remove it, or use a newer version",
                              file_.path());
  }
  TimeUs now = 0;
  for (const char digit : text.substr(kMark.size(), text.size() - kMark.size() - 1)) {
    if (digit < '0' || digit > '9') return 0;
    now = now * 10 + (digit - '0');
  }
  return now;
}

}  // namespace sw::app
