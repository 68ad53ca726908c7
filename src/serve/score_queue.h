// ScoreQueue: an endpoint's requests that wait for a thread, the most urgent first. Those for one version that
// wait together are scored together, in one call of the engine.
//
//   SW_TRY(queue.Add(call, executor));       // on an error the call is still the caller's, to be answered
//
// As many turns wait in the executor as requests do here, and each takes what waits by then. With `max_delay_us` a request waits for others first; without, nobody waits for anybody.
// Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "serve/endpoint.h"

namespace sw::serve {

class PredictCall;
struct LiveEndpoint;
struct ServeCore;

class ScoreQueue {
 public:
  using Owned = std::unique_ptr<PredictCall>;

  // `may_join`: a request is not refused for another's rows.
  ScoreQueue(const QueuePolicy& policy, bool may_join, base::Counter& refused, base::Counter& batches);
  ~ScoreQueue();

  // Takes the call, or answers RESOURCE_EXHAUSTED and leaves it: limit queue_max, or the executor's own. A call
  // of lower priority that waits goes before one of a higher is refused.
  Status Add(Owned& call, ServeCore& core, base::Executor& executor);

 private:
  class Turn;
  static constexpr std::size_t kPriorities = 3;
  // Of one version, or of all that is not pinned.
  struct Lane {
    std::array<std::deque<Owned>, kPriorities> waiting;
    std::size_t calls = 0, rows = 0;  // that wait
    std::size_t turns = 0;     // in the executor: at most one for each that waits
    std::size_t running = 0;   // turns that score
    bool is_delayed = false;   // a turn comes when max_delay is over
  };

  void Count(Lane& lane, const PredictCall& call, bool is_added);
  Status SubmitTurn(const std::shared_ptr<const LiveEndpoint>& endpoint, Lane& lane, base::Executor& executor);
  Status MakeRoom(const PredictCall* added, Priority priority, Lane& lane, Owned& call, Status refusal);
  Owned Shed(Priority above);
  std::vector<Owned> TakeBatch(Lane& lane);
  void RunTurn(const std::shared_ptr<const LiveEndpoint>& endpoint, Lane& lane, base::Executor& executor);
  void EndDelay(const std::shared_ptr<const LiveEndpoint>& endpoint, Lane& lane, base::Executor& executor);
  void DropAll(Lane& lane);

  const QueuePolicy policy_;
  const bool may_join_;
  base::Counter& refused_;
  base::Counter& batches_;
  std::mutex mutex_;
  std::map<const Arm*, Lane> lanes_;  // by the arm that a request is pinned to; a lane stays
  std::size_t waiting_ = 0;
};

}  // namespace sw::serve
