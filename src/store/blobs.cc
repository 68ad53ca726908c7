#include "store/blobs.h"

#include <algorithm>

#include "base/errors.h"
#include "base/hash.h"

namespace sw::store {

Result<std::string> Blobs::Put(std::string_view bytes) {
  const auto writer = SW_TRY(NewWriter());
  SW_TRY(writer->Write(bytes));
  return writer->Commit();
}

Result<std::string> Blobs::ReadAll(std::string_view hash) const {
  const std::uint64_t size = SW_TRY(Size(hash));
  std::string bytes = SW_TRY(Read(hash, 0, size));
  if (bytes.size() != size || base::Sha256Hex(bytes) != hash) {
    return DataLoss("blob {}: its bytes are not what was written; restore the file from a backup", hash);
  }
  return bytes;
}

}  // namespace sw::store
