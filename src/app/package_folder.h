// Package folders: a package as files, for people, repositories and CI. The file `id` holds the
// package's id; every part is a file named by its hash.
//
//   std::string id = SW_TRY(WritePackageFolder(content, "late-3"));
//   auto package = SW_TRY(LoadPackageFolder("late-3", {}));
//
// Hostile input: nothing but a hash is opened within the folder.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "model/package.h"

namespace sw::app {

bool IsPackageFolder(const std::string& path);
// The id. ALREADY_EXISTS for a folder that holds another package.
Result<std::string> WritePackageFolder(const model::PackageContent& content, const std::string& folder);
// Puts its parts elsewhere, once it has loaded; the id, which stays.
Result<std::string> CopyPackageFolder(const std::string& folder, model::EngineOptions engines, const model::PutBlob& put);
Result<std::unique_ptr<const model::Package>> LoadPackageFolder(const std::string& folder, model::EngineOptions engines);

}  // namespace sw::app
