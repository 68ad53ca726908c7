// ServableModel: a package that can be served at once, of whatever stands in a folder.
//
//   auto package = SW_TRY(ServableModel(settings, "/opt/ml/model"));
//
// Blocks. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "app/settings.h"
#include "base/result.h"
#include "model/package.h"

namespace sw::app {

// `path` is a model file of any format that is read, a package or MLflow folder, or a folder with one of
// these in it and no other file beside. A bare file's package has no golden rows: nobody asks its library.
Result<std::unique_ptr<const model::Package>> ServableModel(const Settings& settings, const std::string& path);

}  // namespace sw::app
