// EngineTuner: lets the engine of a served package find its fastest way in the background, and keeps
// what it chose in the catalog, by package and kind of CPU.
//
//   auto tuner = SW_TRY(EngineTuner::Open({.catalog = &catalog, .executor = &shadows, ...}));
//   tuner->TakeOver(*package);      // when it is loaded: what was timed before, perhaps by another process
//   tuner->TuneLater(package);      // when it is published: times it, unless somebody has
//
// One engine at a time is timed, for tens of milliseconds of one thread. Whatever fails is logged, and
// the engine's default rule stands: no score depends on any of it. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "model/package.h"
#include "store/catalog.h"

namespace sw::flow {

class EngineTuner {
 public:
  static constexpr std::size_t kWaitingMax = 1'000;  // limit engines_waiting_max

  struct Options {
    store::Catalog* catalog = nullptr;
    base::Executor* executor = nullptr;  // of low priority
    const base::Clock* clock = nullptr;
    base::Logger* log = nullptr;
    base::Counters* counters = nullptr;
    std::string cpu = {};                // model::CpuText(): what a choice holds for
  };
  // What is pointed at outlives the tuner.
  static Result<std::unique_ptr<EngineTuner>> Open(Options options);
  ~EngineTuner();  // forgets what waits, and returns when nothing is timed any more
  EngineTuner(const EngineTuner&) = delete;
  EngineTuner& operator=(const EngineTuner&) = delete;

  // Reads one row of the catalog, and nothing where there is nothing to choose or it is chosen.
  void TakeOver(const model::Package& package) const;
  // Returns at once. A package that nobody holds any more when its turn comes is left out.
  void TuneLater(const std::shared_ptr<const model::Package>& package);
  // What scores, and why: engine().Describe() with {"chosen": "only way" | "default rule" | "timed" |
  // "cached", "timed": when, "cpu", "exactness", "verified", "unverified": why it is not,
  // "golden_rows", "golden_from"}.
  Result<Json> Describe(const model::Package& package) const;

 private:
  struct Stored {
    Json choice;
    TimeUs time = 0;
  };
  explicit EngineTuner(Options options);
  Result<std::optional<Stored>> Find(const std::string& package_id) const;
  Status Store(const std::string& package_id, const Json& choice) const;
  void SubmitNext();
  void RunNext();
  std::shared_ptr<const model::Package> TakeNext();
  void Tune(const model::Package& package) const;

  const Options options_;
  base::Counter& timed_;
  base::Counter& refused_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<std::weak_ptr<const model::Package>> waiting_;  // guarded by mutex_, as the next
  bool is_running_ = false;                                  // RunNext is submitted or runs
};

}  // namespace sw::flow
