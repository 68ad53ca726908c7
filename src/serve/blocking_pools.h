// BlockingPools: threads of an endpoint's own, where a package may wait for another process, with a queue
// and limits of their own. One that hangs delays its own endpoint's requests, and no loop, no other
// endpoint and no look at the logs.
//
// The pools live until the end, because a request in flight may still submit to one; an endpoint that
// comes later gets one that was released. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/executor.h"
#include "serve/admission.h"
#include "serve/shadow_queue.h"

namespace sw::serve {

struct BlockingPool {
  struct Limits {
    std::size_t requests_max, rows_max, shadow_rows_max;
  };
  BlockingPool(std::unique_ptr<base::Executor> executor, const Limits& limits, base::Counters& counters)
      : admission(limits.requests_max, limits.rows_max, counters, "own_"),
        shadows(*executor, limits.shadow_rows_max), threads(std::move(executor)) {}

  Admission admission;
  ShadowQueue shadows;
  const std::unique_ptr<base::Executor> threads;  // last: its tasks use the others
};

class BlockingPools {
 public:
  static constexpr std::size_t kPoolsMax = 64;  // endpoints beyond share
  using Make = std::function<std::unique_ptr<base::Executor>()>;

  BlockingPools(Make make, const BlockingPool::Limits& limits, base::Counters& counters)
      : make_(std::move(make)), limits_(limits), counters_(counters) {}

  BlockingPool* For(const std::string& endpoint);  // nullptr without `make`
  void Release(std::string_view endpoint);
  void WaitUntilEmpty();  // nothing is in flight, and no shadow waits

 private:
  const Make make_;
  const BlockingPool::Limits limits_;
  base::Counters& counters_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<BlockingPool>> pools_;
  std::vector<std::size_t> free_;
  std::map<std::string, std::size_t, std::less<>> of_;
};

}  // namespace sw::serve
