// Feast's offline server: Arrow Flight, as `offline_store: {type: remote}` speaks it.
//
//   FlightServer server{...};
//   std::ranges::move(FlightRoutes({.registry = registry, .project = "credit", .writes = &writes, .clock = &clock,
//                                   .executor = &jobs}), std::back_inserter(routes));
//
// A command that reads comes by DoExchange with its table, and is answered there. Clients before 0.67 send it by
// DoPut, GetFlightInfo gives its ticket, DoGet its answer. What writes does so within DoPut. Commands run on the
// executor, not on an event loop.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "feast/offline_writes.h"
#include "feast/registry.h"
#include "net/router.h"

namespace sw::feast {

// What is pointed at outlives the routes.
struct FlightContext {
  const Registry* registry = nullptr;
  std::string project;                                   // of the repository
  OfflineWrites* writes = nullptr;
  const base::Clock* clock = nullptr;
  base::Executor* executor = nullptr;
  std::size_t threads = 2;                               // of one command
  std::size_t upload_bytes_max = std::size_t{512} << 20;
  std::size_t uploads_bytes_max = std::size_t{1} << 30;  // of all that come in or are being answered
  std::size_t spool_bytes_max = std::size_t{1} << 30;    // of uploads that wait
};

std::vector<net::Route> FlightRoutes(const FlightContext& context);

}  // namespace sw::feast
