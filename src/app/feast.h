// FeastServer: what Feast's clients are served: a repository's project (`seaworthy serve --feast-repo FOLDER`), and
// without one the projects that are applied to the data folder's own registry. Owns what its routes point at.
#pragma once

#include <memory>
#include <vector>

#include "api/feast/feature_server.h"
#include "app/settings.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/result.h"
#include "feast/materialize.h"
#include "feast/offline_writes.h"
#include "feast/online_rows.h"
#include "feast/registry.h"
#include "feast/repository.h"
#include "net/router.h"
#include "store/online.h"

namespace sw::app {

class FeastServer {
 public:
  // What is passed outlives it: long commands run on `jobs`, large requests on `workers`.
  static Result<std::unique_ptr<FeastServer>> Open(const Settings& settings, const base::Clock& clock, base::IdGenerator& ids, base::Executor& jobs,
                                                   base::Executor& workers);
  std::vector<net::Route> Routes();
  // Those of a server that has no repository, for documents; their handlers must not be called.
  static std::vector<net::Route> DocumentedRoutes(const base::Clock& clock);

 private:
  struct Parts {
    feast::Repository repository;  // without a project: none was given
    feast::TableFolders folders;
    std::unique_ptr<feast::Registry> registry;
    std::unique_ptr<store::OnlineStore> online;
  };
  FeastServer(Parts parts, const base::Clock& clock, base::IdGenerator& ids, base::Executor& jobs, base::Executor& workers);
  const feast::Repository repository_;
  feast::OfflineWrites writes_;
  const std::unique_ptr<feast::Registry> registry_;
  const std::unique_ptr<store::OnlineStore> online_;
  feast::OnlineRows rows_;
  const base::Clock& clock_;
  base::IdGenerator& ids_;
  base::Executor& jobs_;
  base::Executor& workers_;
  feast::Materializer materializer_;
  feast::FeatureServer server_;
};

// The data folder that a server of this repository uses when none is named.
std::string DataFolderOf(const std::string& feast_repo);

}  // namespace sw::app
