#include "app/package_folder.h"

#include <map>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "model/model_reader.h"

namespace sw::app {
namespace {

constexpr std::uint64_t kIdBytesMax = 1024;

std::string IdPath(const std::string& folder) { return base::JoinPath(folder, "id"); }

Result<std::string> ReadId(const std::string& folder) {
  std::string id = SW_TRY(base::ReadFile(IdPath(folder), kIdBytesMax));
  while (!id.empty() && (id.back() == '\n' || id.back() == '\r')) id.pop_back();
  return id;
}

// A part's name comes from the manifest: only a hash is let through to the file system.
Result<std::string> ReadPart(const std::string& folder, std::string_view hash) {
  if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != hash.npos) {
    return DataLoss("a part is named {}, which is no hash", hash);
  }
  return base::ReadFile(base::JoinPath(folder, hash), model::kModelBytesMax);
}

Result<std::unique_ptr<const model::Package>> Load(const std::string& folder, const model::GetBlob& get,
                                                   model::EngineOptions engines) {
  auto package = model::LoadPackage(SW_TRY(ReadId(folder)), get, std::move(engines));
  if (!package) return std::unexpected(std::move(package).error().Within(folder));
  return package;
}

}  // namespace

bool IsPackageFolder(const std::string& path) { return base::Exists(IdPath(path)); }

Result<std::string> WritePackageFolder(const model::PackageContent& content, const std::string& folder) {
  SW_TRY(base::MakeFolders(folder));
  const std::string id = SW_TRY(model::WritePackage(content, [&](std::string_view bytes) -> Result<std::string> {
    std::string hash = base::Sha256Hex(bytes);
    SW_TRY(base::WriteFileAtomic(base::JoinPath(folder, hash), bytes));
    return hash;
  }));
  if (IsPackageFolder(folder) && SW_TRY(ReadId(folder)) != id) {
    return AlreadyExists("{} holds another package; name a new folder", folder);
  }
  SW_TRY(base::WriteFileAtomic(IdPath(folder), id + "\n"));
  return id;
}

Result<std::string> CopyPackageFolder(const std::string& folder, model::EngineOptions engines, const model::PutBlob& put) {
  std::map<std::string, std::string> parts;  // what loading read: the manifest, and all that it names
  const auto get = [&](std::string_view hash) -> Result<std::string> {
    return parts[std::string(hash)] = SW_TRY(ReadPart(folder, hash));
  };
  const auto package = SW_TRY(Load(folder, get, std::move(engines)));
  for (const auto& [hash, bytes] : parts) {
    if (hash != package->id()) SW_TRY(put(bytes));
  }
  return put(parts.at(package->id()));
}

Result<std::unique_ptr<const model::Package>> LoadPackageFolder(const std::string& folder, model::EngineOptions engines) {
  return Load(folder, [&](std::string_view hash) { return ReadPart(folder, hash); }, std::move(engines));
}

}  // namespace sw::app
