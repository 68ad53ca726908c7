// PackageLoader: loads packages, and frees them, on a thread of low priority, within a budget of memory.
//
//   PackageLoader loader({.thread = &loads, .memory = &memory});
//   auto package = SW_TRY(loader.Load(id, parts, engines));   // waits; what is served goes on
//
// One load at a time where `thread` has one thread. A package whose model runs in a process of its own is
// loaded by the caller's thread: that process inherits the priority of whoever starts it, and its start is
// waited for, up to a minute, in which nobody else's load should wait. A package that outlives its loader is freed
// by its last user. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "model/memory_budget.h"
#include "model/package.h"

namespace sw::model {

// Where a package's manifest and parts are.
struct PackageParts {
  GetBlob get;
  SizeOfBlob size;
};

class PackageLoader {
 public:
  using Make = std::function<Result<std::unique_ptr<const Package>>()>;
  enum class Where : std::uint8_t { kThread, kHere };  // kHere: on the caller's thread
  // What is pointed at outlives the loader.
  struct Options {
    base::Executor* thread = nullptr;     // of low priority; null: each caller's own
    MemoryBudget* memory = nullptr;       // null: no limit
    std::function<void()> drop_idle = {};  // lets go of packages that nobody uses now
  };
  explicit PackageLoader(Options options);
  ~PackageLoader();
  PackageLoader(const PackageLoader&) = delete;
  PackageLoader& operator=(const PackageLoader&) = delete;

  // As LoadPackage(); RESOURCE_EXHAUSTED where there is no room for it. Must not be called by the thread.
  Result<std::shared_ptr<const Package>> Load(const std::string& id, const PackageParts& parts, const EngineOptions& engines);
  // Any other way to make a package that needs so much; `what` is what a refusal calls it.
  Result<std::shared_ptr<const Package>> Load(const std::string& what, const LoadNeed& need, Where where, const Make& make);

 private:
  Result<std::shared_ptr<const Package>> MakeWithin(const std::string& what, const LoadNeed& need, const Make& make);
  Result<std::shared_ptr<const Package>> OnThread(const std::function<Result<std::shared_ptr<const Package>>()>& load);
  void MakeRoom();

  class Thread;
  const Options options_;
  const std::shared_ptr<Thread> thread_;
};

}  // namespace sw::model
