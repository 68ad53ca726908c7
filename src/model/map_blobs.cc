#include "model/map_blobs.h"

#include "base/errors.h"
#include "base/hash.h"

namespace sw::model {

PutBlob MapBlobs::Put() {
  return [this](std::string_view bytes) -> Result<std::string> {
    std::string hash = base::Sha256Hex(bytes);
    blobs.emplace(hash, bytes);
    return hash;
  };
}

GetBlob MapBlobs::Get() const {
  return [this](std::string_view hash) -> Result<std::string> {
    const auto found = blobs.find(std::string(hash));
    if (found == blobs.end()) return NotFound("no blob {}", hash);
    return found->second;
  };
}

SizeOfBlob MapBlobs::SizeOf() const {
  return [get = Get()](std::string_view hash) -> Result<std::uint64_t> { return SW_TRY(get(hash)).size(); };
}

Result<std::unique_ptr<const Package>> LoadInMemory(const PackageContent& content, const EngineOptions& engines) {
  MapBlobs blobs;
  return LoadPackage(SW_TRY(WritePackage(content, blobs.Put())), blobs.Get(), engines);
}

}  // namespace sw::model
