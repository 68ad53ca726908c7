// FolderHash: one SHA-256 for all files below a folder, so that a model that stays outside of the
// package cannot change unnoticed. Pure but for the disk.
#pragma once

#include <string>

#include "base/result.h"

namespace sw::model {

inline constexpr std::size_t kFolderFilesMax = 100'000;

// Of the files' paths and contents in the order of their paths: of the lines "SHA-256 path". Folders
// named __pycache__ do not count. INVALID_ARGUMENT for a symbolic link or another special file;
// RESOURCE_EXHAUSTED above kFolderFilesMax.
Result<std::string> FolderHash(const std::string& folder);

}  // namespace sw::model
