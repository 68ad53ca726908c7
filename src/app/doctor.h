// Doctor: what is wrong with a data folder or with how the process is run, and what to do. Each
// check is a function over the stores; it changes nothing. Thread-safe.
//
//   std::vector<Finding> findings = CheckFolder(*data, /*verify=*/true);
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/settings.h"
#include "base/json.h"
#include "model/package.h"
#include "model/package_loader.h"
#include "registry/registry.h"
#include "store/data_folder.h"

namespace sw::app {

struct Finding {
  std::string severity;  // "error": something is broken or lost; "warning": it will be
  std::string subject;   // "blobs", "limits", "environment", ...
  std::string message;   // what was found
  std::string advice;    // what to do about it
};

// Loads a package, as a server would, and lets go of it.
using PackageCheck = std::function<Result<std::shared_ptr<const model::Package>>(const std::string& id, const model::PackageParts& parts)>;

// Reads the stores' books; with `verify` every byte on disk, and loads every registered package.
std::vector<Finding> CheckFolder(store::DataFolder& data, const registry::Registry& registry,
                                 const PackageCheck& load, bool verify);
// Descriptors, free disk space, unknown SEAWORTHY_ variables of this process.
std::vector<Finding> CheckProcess(const Settings& settings);

// {"severity", "subject", "message", "advice"} each.
Json FindingsToJson(const std::vector<Finding>& findings);
// What is wrong when the folder cannot even be opened.
Finding FolderDoesNotOpen(const std::string& folder, const Error& error);

}  // namespace sw::app
