// ClockFile: where a manual clock stands, kept through a restart.
//
//   ClockFile file = SW_TRY(ClockFile::Open("/data/clock"));
//   SW_TRY(file.Save(now));                      // no sync: a few microseconds
//   const TimeUs last = SW_TRY(file.Read());     // 0 when nothing, or nothing whole, is there
//
// It survives the death of the process. After a power failure it may be old or unreadable, which is
// why the catalog keeps the hour as well. One owner.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"

namespace sw::app {

class ClockFile {
 public:
  static Result<ClockFile> Open(const std::string& path);
  Status Save(TimeUs now);
  Result<TimeUs> Read() const;

 private:
  explicit ClockFile(base::File file) : file_(std::move(file)) {}
  base::File file_;
};

}  // namespace sw::app
