// MapBlobs: the parts of packages in memory.
//
//   MapBlobs blobs;
//   const std::string id = SW_TRY(WritePackage(content, blobs.Put()));
//   auto package = SW_TRY(LoadPackage(id, blobs.Get()));
//
// What Put and Get give borrows this. Externally synchronised.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "model/package.h"

namespace sw::model {

class MapBlobs {
 public:
  PutBlob Put();
  GetBlob Get() const;        // NOT_FOUND
  SizeOfBlob SizeOf() const;  // NOT_FOUND

  std::map<std::string, std::string> blobs;  // by hash
};

// The content as a load makes it: golden rows are replayed.
Result<std::unique_ptr<const Package>> LoadInMemory(const PackageContent& content, const EngineOptions& engines = {});

}  // namespace sw::model
