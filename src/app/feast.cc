#include "app/feast.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "api/feast/flight.h"
#include "api/feast/registry_grpc.h"

namespace sw::app {
namespace {

constexpr std::size_t kThreadsMax = 4;  // of one command

}  // namespace

FeastServer::FeastServer(feast::Repository repository, feast::TableFolders folders, std::unique_ptr<feast::Registry> registry, const base::Clock& clock,
                         base::IdGenerator& ids, base::Executor& jobs)
    : repository_(std::move(repository)), writes_(std::move(folders)), registry_(std::move(registry)), clock_(clock), ids_(ids), jobs_(jobs) {}

Result<std::unique_ptr<FeastServer>> FeastServer::Open(const Settings& settings, const base::Clock& clock, base::IdGenerator& ids, base::Executor& jobs) {
  if (!settings.IsSet("feast_repo")) return nullptr;
  feast::Repository repository = SW_TRY(feast::ReadRepository(settings.Text("feast_repo")));
  feast::TableFolders folders = SW_TRY(feast::TableFolders::Make(repository.folder, settings.List("feast_tables")));
  auto registry = SW_TRY(feast::Registry::Open(repository.registry_path, clock, ids));
  return std::unique_ptr<FeastServer>(new FeastServer(std::move(repository), std::move(folders), std::move(registry), clock, ids, jobs));
}

std::vector<net::Route> FeastServer::Routes() {
  std::vector<net::Route> routes = feast::RegistryRoutes(registry_.get(), clock_, &ids_);
  const std::size_t threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kThreadsMax);
  std::ranges::move(feast::FlightRoutes({.registry = registry_.get(), .project = repository_.project, .writes = &writes_, .clock = &clock_, .executor = &jobs_, .threads = threads}),
                    std::back_inserter(routes));
  return routes;
}

}  // namespace sw::app
