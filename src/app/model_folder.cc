#include "app/model_folder.h"

#include <sys/stat.h>

#include <utility>
#include <vector>

#include "app/graph_file.h"
#include "app/model_source.h"
#include "app/package_builder.h"
#include "app/package_folder.h"
#include "base/errors.h"
#include "base/files.h"
#include "model/model_reader.h"

namespace sw::app {
namespace {

constexpr int kDepthMax = 4;  // folders in folders, as archives have them

bool IsFolder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// The file or folder that is the model.
Result<std::string> FindModel(const std::string& path, int depth) {
  if (!IsFolder(path) || IsPackageFolder(path) || IsGraph(path) || model::IsMlflowFolder(path)) return path;
  std::vector<std::string> names = SW_TRY(base::ListFolder(path));
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  if (names.empty()) return NotFound("{} is empty; put a model file, an MLflow folder or a package folder into it", path);
  if (names.size() == 1 && depth < kDepthMax) return FindModel(base::JoinPath(path, names.front()), depth + 1);
  if (names.size() > 8) names.resize(8);
  return InvalidArgument("{} holds {}: which of them is the model? Leave it alone there, or make a package folder (seaworthy package)",
                         path, fmt::join(names, ", "));
}

}  // namespace

Result<std::unique_ptr<const model::Package>> ServableModel(const Settings& settings, const std::string& path) {
  const std::string found = SW_TRY(FindModel(path, 0));
  if (IsPackageFolder(found)) return SW_TRY(LoadPackageFolder(found, SW_TRY(EnginesOf(settings))));
  return std::move(SW_TRY(BuildPackage(settings, {.model = found, .python = ""})).package);
}

}  // namespace sw::app
