// DataFolder: one `--data` folder with its lock, its format version and the four stores in it.
//
// Opening takes the lock; a second process is told who holds it: "the data folder ... is in use by
// process 1234 (seaworthy serve); stop it, or talk to its server". Layout: FORMAT, LOCK,
// catalog.sqlite, blobs/, logbook/, online/. One owner; the stores are thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/counters.h"
#include "base/files.h"
#include "store/blobs.h"
#include "store/catalog.h"
#include "store/logbook.h"
#include "store/online.h"

namespace sw::store {

class DataFolder {
 public:
  // `purpose` names the command for the message above. Rebuilds nothing; `online_was_lost` says
  // that the online store was not closed cleanly and must be rebuilt from the logbook.
  static Result<std::unique_ptr<DataFolder>> Open(const std::string& folder, const base::Clock& clock,
                                                  base::Counters& counters, std::string_view purpose);
  ~DataFolder();

  Catalog& catalog() { return *catalog_; }
  Blobs& blobs() { return *blobs_; }
  Logbook& logbook() { return *logbook_; }
  OnlineStore& online() { return *online_; }
  const std::string& path() const { return path_; }
  bool online_was_lost() const { return online_was_lost_; }
  // Call when the online store holds again what the logbook says; until then every start answers
  // online_was_lost.
  void OnlineWasRebuilt() { online_was_lost_ = false; }
  // Moves committed outbox rows into the logbook; call after writes that publish, and at start.
  // Thread-safe.
  Status DrainOutbox();

 private:
  DataFolder() = default;
  std::string path_;
  base::File lock_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Blobs> blobs_;
  std::unique_ptr<Logbook> logbook_;
  std::unique_ptr<OnlineStore> online_;
  bool online_was_lost_ = false;
  std::mutex drain_mutex_;
};

}  // namespace sw::store
