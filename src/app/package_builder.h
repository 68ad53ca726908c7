// PackageBuilder: a model file and what its own library says of golden rows, as a package's content.
//
//   BuiltPackage built = SW_TRY(BuildPackage(settings, {.model = "model.txt", .rows = "sample.parquet"}));
//   std::string id = SW_TRY(WritePackageFolder(built.content, "late-3"));
//
// What does not replay is not built: golden rows come from the library, and every one was scored anew.
// Without them (no Python, no library in it) the package is built all the same, and says why it is
// unverified. Blocks. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/settings.h"
#include "base/json.h"
#include "base/result.h"
#include "model/package.h"

namespace sw::app {

// Finds a registered model, such as "late@champion": puts its package's manifest and parts, the id.
using FindRegistered = std::function<Result<std::string>(const std::string& name, const model::PutBlob& put)>;

struct BuildRequest {
  std::string model;               // a model file, an MLflow folder, or a graph of models (app/graph_file.h)
  std::string rows = {};           // a table of rows as they come, for the contract, the profile and golden rows
  std::vector<std::string> output_names = {};  // of the predictions, where the model's file does not say
  std::string python = "python3";  // that has the model's library; "": none is asked
  bool require_verified = false;   // FAILED_PRECONDITION instead of an unverified package
  FindRegistered registered = {};  // of a graph's nodes that name no file; without it there are none
};

struct BuiltPackage {
  model::PackageContent content;
  std::unique_ptr<const model::Package> package;  // of the content, as a load makes it
  // {"format", "inputs", "exactness", "verified", "golden_rows", "golden_from", "outputs"}, and where it applies
  // "output_names", "unverified", "refused_rows", "refused", for people.
  Json about;
};

// FAILED_PRECONDITION names the first golden row whose score is not the library's.
Result<BuiltPackage> BuildPackage(const Settings& settings, const BuildRequest& request);

}  // namespace sw::app
