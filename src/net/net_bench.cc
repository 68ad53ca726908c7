// Requests per second and per pipelined request of a trivial handler, client and server on one
// machine.
#include <benchmark/benchmark.h>

#include "net/client.h"
#include "net/server.h"

namespace sw::net {
namespace {

void PostPipelined(benchmark::State& state) {
  base::Counters counters;
  Router router = Router::Make({{.method = Method::kPost, .pattern = "/echo",
                                 .handler = Answer([](const Request& r) -> Result<Response> {
                                   return TextResponse(200, r.body);
                                 })}})
                      .value();
  auto server = Server::Start({.listens = {{.address = "127.0.0.1:0"}}, .loops = 1}, std::move(router), counters).value();
  Client client("127.0.0.1", server->Port());
  std::vector<ClientRequest> requests(static_cast<std::size_t>(state.range(0)),
                                      {Method::kPost, "/echo", std::string(339, 'x'), {}});
  for (auto _ : state) {
    if (!client.Pipeline(requests)) state.SkipWithError("pipeline failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(PostPipelined)->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace sw::net
