#include "feast/repository.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "base/errors.h"
#include "base/files.h"

namespace sw::feast {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBytesMax = 1 << 20;

Result<std::string> RegistryOf(const YAML::Node& registry) {
  if (!registry) return std::string("data/registry.db");
  if (registry.IsScalar()) return registry.as<std::string>();
  if (!registry.IsMap()) return InvalidArgument("registry is neither a path nor a map");
  const auto type = registry["registry_type"].as<std::string>("file");
  if (type != "file") return Unimplemented("registry_type {}: only a registry in a file is served here", type);
  if (!registry["path"]) return InvalidArgument("registry has no path");
  return registry["path"].as<std::string>();
}

Result<Repository> Parse(const std::string& folder, const std::string& text) {
  const YAML::Node root = YAML::Load(text);
  if (!root.IsMap()) return InvalidArgument("it holds no keys");
  if (!root["project"]) return InvalidArgument("it has no project");
  Repository repository{.folder = folder, .project = root["project"].as<std::string>(), .registry_path = {}};
  std::string path = SW_TRY(RegistryOf(root["registry"]));
  constexpr std::string_view kFile = "file://";
  if (path.starts_with(kFile)) path = path.substr(kFile.size());
  if (path.find("://") != path.npos) return Unimplemented("registry {}: only a local file is served here", path);
  repository.registry_path = (fs::path(folder) / path).lexically_normal().string();
  return repository;
}

}  // namespace

Result<Repository> ReadRepository(const std::string& folder) {
  std::error_code failed;
  const fs::path real = fs::canonical(folder, failed);
  if (failed) return NotFound("there is no folder {}", folder);
  const std::string path = base::JoinPath(real.string(), "feature_store.yaml");
  const std::string text = SW_TRY(base::ReadFile(path, kBytesMax));
  try {
    auto repository = Parse(real.string(), text);
    if (!repository) return std::unexpected(std::move(repository).error().Within(path));
    return repository;
  } catch (const YAML::Exception& error) {
    return InvalidArgument("{}: {}", path, error.what());
  }
}

}  // namespace sw::feast
