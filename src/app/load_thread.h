// LoadThread: the one thread on which models are loaded and freed, beside what is served, and how much memory
// they may take. What a server and a container share of it.
//
//   LoadThread loads({.settings = &settings, .counters = &counters, .holders = ..., .drop_idle = ...});
//   loads.loader().Load(id, parts, engines);
//
// Thread-safe.
#pragma once

#include <functional>
#include <vector>

#include "app/settings.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/json.h"
#include "model/memory_budget.h"
#include "model/package_loader.h"

namespace sw::app {

class LoadThread {
 public:
  struct Options {
    const Settings* settings = nullptr;
    base::Counters* counters = nullptr;
    std::function<std::vector<model::MemoryHolder>()> holders = {};  // see MemoryBudget
    std::function<void()> drop_idle = {};                            // see PackageLoader
  };
  explicit LoadThread(Options options);

  model::PackageLoader& loader() { return loader_; }
  model::MemoryBudget& memory() { return memory_; }

 private:
  base::ThreadPool thread_;
  model::MemoryBudget memory_;
  model::PackageLoader loader_;
};

// {"bytes_max", "used", "promised", "versions": [{"name", "bytes"}]}.
Json MemoryToJson(const model::MemoryUse& use);

}  // namespace sw::app
