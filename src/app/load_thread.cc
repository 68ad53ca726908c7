#include "app/load_thread.h"

#include <utility>

#include "base/memory.h"

namespace sw::app {
namespace {

constexpr std::size_t kLoadsMax = 1'024;  // limit loads_queue_max: loads, and packages to free

}  // namespace

// The lowest priority there is but SCHED_IDLE: of a core that something else wants all of, it still gets a
// share of 15 in 1,039. One thread: two loads at once would each take twice as long and twice the memory.
LoadThread::LoadThread(Options options)
    : thread_({.name = "loads",
               .threads = 1,
               .queue_max = kLoadsMax,
               .nice = 19,
               .refused = &options.counters->Get("app_refused_total", "Work turned away.", {{"limit", "loads_queue_max"}})}),
      memory_({.bytes_max = model::MemoryBytesMax(options.settings->Bytes("memory_bytes_max"), base::MemoryOfMachine()),
               .used = [] { return base::PrivateBytes() + base::PrivateBytesOfChildren(); },
               .holders = std::move(options.holders),
               .counters = options.counters}),
      loader_({.thread = &thread_, .memory = &memory_, .drop_idle = std::move(options.drop_idle)}) {
  memory_.Note();
}

Json MemoryToJson(const model::MemoryUse& use) {
  Json versions = Json::MakeArray();
  for (const model::MemoryHolder& holder : use.holders) versions.Append(Json::MakeObject({{"name", holder.name}, {"bytes", holder.bytes}}));
  return Json::MakeObject({{"bytes_max", use.bytes_max}, {"used", use.used}, {"promised", use.promised}, {"versions", std::move(versions)}});
}

}  // namespace sw::app
