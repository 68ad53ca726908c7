// TempFolder: an empty folder for one test, removed with it. One owner.
#pragma once

#include <string>

#include "base/files.h"

namespace sw::store {

struct TempFolder {
  std::string path = base::MakeTempFolder("sw-store-").value();
  TempFolder() = default;
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { static_cast<void>(base::RemoveFolder(path)); }
  std::string operator/(std::string_view name) const { return base::JoinPath(path, name); }
};

}  // namespace sw::store
