// FeastServer: a Feast repository, served: `seaworthy serve --feast-repo FOLDER`. Owns what its routes point at.
#pragma once

#include <memory>
#include <vector>

#include "app/settings.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/result.h"
#include "feast/offline_writes.h"
#include "feast/registry.h"
#include "feast/repository.h"
#include "net/router.h"

namespace sw::app {

class FeastServer {
 public:
  // nullptr: the setting feast_repo is not given. What is passed outlives it; commands run on `jobs`.
  static Result<std::unique_ptr<FeastServer>> Open(const Settings& settings, const base::Clock& clock, base::IdGenerator& ids, base::Executor& jobs);
  std::vector<net::Route> Routes();

 private:
  FeastServer(feast::Repository repository, feast::TableFolders folders, std::unique_ptr<feast::Registry> registry, const base::Clock& clock,
              base::IdGenerator& ids, base::Executor& jobs);
  const feast::Repository repository_;
  feast::OfflineWrites writes_;
  const std::unique_ptr<feast::Registry> registry_;
  const base::Clock& clock_;
  base::IdGenerator& ids_;
  base::Executor& jobs_;
};

}  // namespace sw::app
