// FormatVersion: what every file and folder on disk begins with (invariant 11).
//
// `version` says what wrote it, `reader_min` the lowest reader that understands it. A file that is
// too new is refused: "store/logbook: written by format 3, needs a reader of 2, this is 1; upgrade
// seaworthy". Immutable.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sw::base {

struct FormatVersion {
  std::string name;    // "seaworthy/logbook"
  int version = 0;     // of the writer
  int reader_min = 0;  // the lowest reader that understands it
  bool operator==(const FormatVersion&) const = default;
};

// One line: "seaworthy/logbook version=0 reader_min=0\n".
std::string FormatVersionLine(const FormatVersion& format);
Result<FormatVersion> ParseFormatVersion(std::string_view line);
// FAILED_PRECONDITION when `found` needs a newer reader than `ours`, or is of another name.
Status CheckReadable(const FormatVersion& found, const FormatVersion& ours);
// Writes folder/FORMAT when absent (WriteFileAtomic), else checks it.
Status OpenFormat(const std::string& folder, const FormatVersion& ours);

}  // namespace sw::base
