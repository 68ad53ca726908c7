#include "app/feast.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "api/feast/flight.h"
#include "api/feast/frame_table.h"
#include "api/feast/http.h"
#include "api/feast/registry_grpc.h"
#include "api/feast/serving_grpc.h"
#include "base/files.h"

namespace sw::app {
namespace {

constexpr std::size_t kThreadsMax = 4;  // of one command

std::size_t ThreadsOfCommand() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kThreadsMax); }

// Without a repository, sources' relative paths are below the data folder's own feast/.
Result<feast::Repository> RepositoryOf(const Settings& settings) {
  if (settings.IsSet("feast_repo")) return feast::ReadRepository(settings.Text("feast_repo"));
  const std::string folder = base::JoinPath(settings.Text("data"), "feast");
  SW_TRY(base::MakeFolders(folder));
  return feast::Repository{.folder = folder, .project = {}, .registry_path = base::JoinPath(folder, "registry.db")};
}

}  // namespace

std::string DataFolderOf(const std::string& feast_repo) { return base::JoinPath(feast_repo, ".seaworthy"); }

FeastServer::FeastServer(Parts parts, const base::Clock& clock, base::IdGenerator& ids, base::Executor& jobs, base::Executor& workers)
    : repository_(std::move(parts.repository)),
      writes_(std::move(parts.folders)),
      registry_(std::move(parts.registry)),
      online_(std::move(parts.online)),
      rows_(online_.get()),
      clock_(clock),
      ids_(ids),
      jobs_(jobs),
      workers_(workers),
      materializer_({.registry = registry_.get(), .rows = &rows_, .folders = &writes_.folders(), .clock = &clock, .ids = &ids, .threads = ThreadsOfCommand()}),
      server_({.registry = registry_.get(),
               .rows = &rows_,
               .clock = &clock,
               .project = repository_.project,
               .write_offline = [this](const feast::Project&, const feast::View& view, const Json& frame) -> Status {
                 return writes_.AppendToView(view, SW_TRY(feast::TableOfFrame(writes_.folders(), view, frame)));
               }}) {}

Result<std::unique_ptr<FeastServer>> FeastServer::Open(const Settings& settings, const base::Clock& clock, base::IdGenerator& ids, base::Executor& jobs,
                                                       base::Executor& workers) {
  feast::Repository repository = SW_TRY(RepositoryOf(settings));
  feast::TableFolders folders = SW_TRY(feast::TableFolders::Make(repository.folder, settings.List("feast_tables")));
  auto registry = SW_TRY(feast::Registry::Open(repository.registry_path, clock, ids));
  // Rows that were pushed are in no logbook: what a push reported is on disk.
  const std::string rows = base::JoinPath(settings.Text("data"), "feast/online");
  auto online = SW_TRY(store::OpenLmdbOnline({.folder = rows, .durable = true}));
  return std::unique_ptr<FeastServer>(
      new FeastServer({std::move(repository), std::move(folders), std::move(registry), std::move(online)}, clock, ids, jobs, workers));
}

std::vector<net::Route> FeastServer::Routes() {
  std::vector<net::Route> routes = feast::RegistryRoutes(registry_.get(), clock_, &ids_);
  const auto add = [&](std::vector<net::Route> more) { std::ranges::move(more, std::back_inserter(routes)); };
  add(feast::FlightRoutes({.registry = registry_.get(), .project = repository_.project, .writes = &writes_, .clock = &clock_, .executor = &jobs_,
                           .threads = ThreadsOfCommand()}));
  add(feast::FeatureRoutes({.server = &server_, .materializer = &materializer_, .workers = &workers_, .jobs = &jobs_, .at_root = !repository_.project.empty()}));
  add(feast::ServingRoutes(&server_, clock_));
  return routes;
}

std::vector<net::Route> FeastServer::DocumentedRoutes(const base::Clock& clock) {
  std::vector<net::Route> routes = feast::RegistryRoutes(nullptr, clock, nullptr);
  std::ranges::move(feast::FeatureRoutes({}), std::back_inserter(routes));
  return routes;
}

}  // namespace sw::app
