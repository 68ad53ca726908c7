#include "base/format_version.h"

#include <charconv>

#include "base/errors.h"
#include "base/files.h"

namespace sw::base {
namespace {

// Takes " key=<digits>" from the front of `rest`.
bool TakeNumber(std::string_view& rest, std::string_view key, int& number) {
  if (!rest.starts_with(key)) return false;
  rest.remove_prefix(key.size());
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (code != std::errc() || number < 0) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

}  // namespace

std::string FormatVersionLine(const FormatVersion& format) {
  return fmt::format("{} version={} reader_min={}\n", format.name, format.version, format.reader_min);
}

Result<FormatVersion> ParseFormatVersion(std::string_view line) {
  FormatVersion format;
  std::string_view rest = line;
  const std::size_t space = rest.find(' ');
  bool fits = space != std::string_view::npos && space > 0 && space <= 128;
  if (fits) {
    format.name = rest.substr(0, space);
    rest.remove_prefix(space);
    fits = TakeNumber(rest, " version=", format.version) &&
           TakeNumber(rest, " reader_min=", format.reader_min) && (rest == "\n" || rest.empty());
  }
  if (fits) return format;
  return DataLoss("format line is not \"<name> version=<n> reader_min=<n>\": \"{}\"; this was not "
                  "written by seaworthy, or is damaged",
                  line.substr(0, 80));
}

Status CheckReadable(const FormatVersion& found, const FormatVersion& ours) {
  if (found.name != ours.name) {
    return FailedPrecondition("{}: found the format {} in its place; give another folder", ours.name,
                              found.name);
  }
  if (found.reader_min > ours.version) {
    return FailedPrecondition(
        "{}: written by format {}, needs a reader of {}, this is {}; upgrade seaworthy", ours.name,
        found.version, found.reader_min, ours.version);
  }
  return Ok();
}

Status OpenFormat(const std::string& folder, const FormatVersion& ours) {
  const std::string path = JoinPath(folder, "FORMAT");
  if (!Exists(path)) return WriteFileAtomic(path, FormatVersionLine(ours));
  Result<FormatVersion> found = ParseFormatVersion(SW_TRY(ReadFile(path, 4096)));
  if (!found) return std::unexpected(std::move(found).error().Within(path));
  return CheckReadable(*found, ours);
}

}  // namespace sw::base
