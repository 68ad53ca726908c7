// Blobs: immutable bytes named by their SHA-256 (64 hex digits). Local disk here, S3 later.
//
//   auto writer = SW_TRY(blobs.NewWriter());
//   SW_TRY(writer->Write(bytes));
//   std::string hash = SW_TRY(writer->Commit());     // on disk when it returns
//
// Writing the same content twice keeps one copy. Thread-safe; a Writer has one owner.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace sw::store {

class BlobWriter {
 public:
  virtual ~BlobWriter() = default;  // without Commit: nothing was written
  virtual Status Write(std::string_view bytes) = 0;
  virtual Result<std::string> Commit() = 0;
  // As Commit, but DATA_LOSS when the content's hash is not `expected`.
  virtual Status CommitAs(std::string_view expected_hash) = 0;
};

class Blobs {
 public:
  virtual ~Blobs() = default;
  virtual Result<std::unique_ptr<BlobWriter>> NewWriter() = 0;
  virtual Result<bool> Has(std::string_view hash) const = 0;
  virtual Result<std::uint64_t> Size(std::string_view hash) const = 0;
  // At most `bytes_max` from `offset`; NOT_FOUND names the hash.
  virtual Result<std::string> Read(std::string_view hash, std::uint64_t offset, std::uint64_t bytes_max) const = 0;
  // A file with the content, through a cache where the engine is remote.
  virtual Result<std::string> LocalPath(std::string_view hash) const = 0;
  virtual Status ForEach(const std::function<Status(std::string_view hash, std::uint64_t bytes, TimeUs written)>& visit) const = 0;
  // Removes what is not in `marked` and was written more than `grace` ago; returns bytes freed.
  virtual Result<std::uint64_t> Sweep(const std::set<std::string>& marked, DurationUs grace) = 0;
  // DATA_LOSS names the first blob whose bytes are not what its name says.
  virtual Status Verify() const = 0;

  // Writes and reads a whole blob.
  Result<std::string> Put(std::string_view bytes);
  Result<std::string> ReadAll(std::string_view hash) const;  // checks the hash: DATA_LOSS
};

Result<std::unique_ptr<Blobs>> OpenDiskBlobs(const std::string& folder, const base::Clock& clock);

}  // namespace sw::store
