#include "serve/score_queue.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "serve/predict_call.h"

namespace sw::serve {
namespace {

constexpr std::size_t kBatchRowsMax = 1'024;  // beyond, an engine gains nothing, and the first waits for the last

}  // namespace

// Whoever drops it without running it leaves nobody without an answer.
class ScoreQueue::Turn {
 public:
  Turn(std::shared_ptr<const LiveEndpoint> endpoint, ScoreQueue& queue, Lane& lane, base::Executor& executor)
      : endpoint_(std::move(endpoint)), queue_(queue), lane_(lane), executor_(executor) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!std::exchange(is_over_, true)) queue_.DropAll(lane_);
  }
  void Run() {
    is_over_ = true;
    queue_.RunTurn(endpoint_, lane_, executor_);
  }
  void Cancel() { is_over_ = true; }

 private:
  const std::shared_ptr<const LiveEndpoint> endpoint_;  // keeps the queue
  ScoreQueue& queue_;
  Lane& lane_;
  base::Executor& executor_;
  bool is_over_ = false;
};

ScoreQueue::ScoreQueue(const QueuePolicy& policy, bool may_join, base::Counter& refused, base::Counter& batches)
    : policy_(policy), may_join_(may_join), refused_(refused), batches_(batches) {}

ScoreQueue::~ScoreQueue() = default;

Status ScoreQueue::Add(Owned& call, ServeCore& core, base::Executor& executor) {
  const PredictCall* const added = call.get();
  const std::shared_ptr<const LiveEndpoint> endpoint = call->endpoint();
  const Priority priority = call->priority();
  Owned shed;
  Lane* lane = nullptr;
  bool is_delayed = false, begins_delay = false, needs_turn = false;
  {
    const std::lock_guard lock(mutex_);
    if (policy_.queue_max > 0 && waiting_ >= policy_.queue_max) {
      shed = Shed(priority);
      if (shed == nullptr) {
        refused_.Add();
        return ResourceExhausted("limit queue_max: {} requests of this endpoint wait; retry later", waiting_);
      }
    }
    lane = &lanes_[call->pinned()];
    Count(*lane, *call, true);
    lane->waiting[static_cast<std::size_t>(priority)].push_back(std::move(call));
    is_delayed = policy_.max_delay_us > 0 && lane->rows < kBatchRowsMax;
    begins_delay = is_delayed && !std::exchange(lane->is_delayed, true);
    needs_turn = !is_delayed && lane->turns < (policy_.max_delay_us > 0 ? 1 : lane->calls);
    if (needs_turn) ++lane->turns;
  }
  if (shed != nullptr) PredictCall::Refuse(std::move(shed), "queue_max");
  if (begins_delay) {
    core.later(policy_.max_delay_us, [this, endpoint, lane, &executor] { EndDelay(endpoint, *lane, executor); });
  }
  if (!needs_turn) return Ok();
  Status submitted = SubmitTurn(endpoint, *lane, executor);
  if (submitted) return Ok();
  return MakeRoom(added, priority, *lane, call, std::move(submitted));
}

// With mutex_ held.
void ScoreQueue::Count(Lane& lane, const PredictCall& call, bool is_added) {
  waiting_ += is_added ? 1 : -1;
  lane.calls += is_added ? 1 : -1;
  lane.rows += is_added ? call.rows() : -call.rows();
}

// Of a turn that is counted already.
Status ScoreQueue::SubmitTurn(const std::shared_ptr<const LiveEndpoint>& endpoint, Lane& lane, base::Executor& executor) {
  const auto turn = std::make_shared<Turn>(endpoint, *this, lane, executor);
  Status submitted = executor.Submit([turn] { turn->Run(); });
  if (submitted) return submitted;
  turn->Cancel();
  const std::lock_guard lock(mutex_);
  --lane.turns;
  return submitted;
}

// The turn of one that is shed, or of one that another turn took, is left for the call that has none.
Status ScoreQueue::MakeRoom(const PredictCall* added, Priority priority, Lane& lane, Owned& call, Status refusal) {
  Owned shed;
  {
    const std::lock_guard lock(mutex_);
    auto& waiting = lane.waiting[static_cast<std::size_t>(priority)];
    const auto found = std::ranges::find_if(waiting, [&](const Owned& each) { return each.get() == added; });
    if (found == waiting.end()) return Ok();
    shed = Shed(priority);
    if (shed == nullptr) {
      call = std::move(*found);
      waiting.erase(found);
      Count(lane, *call, false);
      return refusal;
    }
  }
  PredictCall::Refuse(std::move(shed), "scoring_queue_max");
  return Ok();
}

// The newest of the lowest priority below. With mutex_ held.
ScoreQueue::Owned ScoreQueue::Shed(Priority above) {
  for (std::size_t priority = kPriorities - 1; priority > static_cast<std::size_t>(above); --priority) {
    for (auto& [arm, lane] : lanes_) {
      auto& waiting = lane.waiting[priority];
      if (waiting.empty()) continue;
      Owned shed = std::move(waiting.back());
      waiting.pop_back();
      Count(lane, *shed, false);
      return shed;
    }
  }
  return nullptr;
}

void ScoreQueue::EndDelay(const std::shared_ptr<const LiveEndpoint>& endpoint, Lane& lane, base::Executor& executor) {
  {
    const std::lock_guard lock(mutex_);
    lane.is_delayed = false;
    if (lane.calls == 0) return;
    ++lane.turns;
  }
  if (!SubmitTurn(endpoint, lane, executor)) DropAll(lane);
}

// With mutex_ held.
std::vector<ScoreQueue::Owned> ScoreQueue::TakeBatch(Lane& lane) {
  std::vector<Owned> batch;
  std::size_t rows = 0;
  for (auto& waiting : lane.waiting) {
    while (!waiting.empty()) {
      PredictCall& next = *waiting.front();
      const bool joins = batch.empty() || (may_join_ && rows + next.rows() <= kBatchRowsMax && next.MayJoin(*batch.front()));
      if (!joins) return batch;
      rows += next.rows();
      Count(lane, next, false);
      batch.push_back(std::move(waiting.front()));
      waiting.pop_front();
    }
  }
  return batch;
}

void ScoreQueue::RunTurn(const std::shared_ptr<const LiveEndpoint>& endpoint, Lane& lane, base::Executor& executor) {
  while (true) {
    std::vector<Owned> batch;
    {
      const std::lock_guard lock(mutex_);
      --lane.turns;
      if (policy_.concurrency_max > 0 && lane.running >= policy_.concurrency_max) return;  // who ends goes on
      batch = TakeBatch(lane);
      if (batch.empty()) return;
      ++lane.running;
    }
    batches_.Add();
    PredictCall::FinishTogether(std::move(batch));
    {
      const std::lock_guard lock(mutex_);
      --lane.running;
      if (lane.turns >= lane.calls || lane.is_delayed) return;
      ++lane.turns;
    }
    if (SubmitTurn(endpoint, lane, executor)) return;  // behind what other endpoints have submitted
    const std::lock_guard lock(mutex_);
    ++lane.turns;  // this goes on at once
  }
}

// Each answers that it was dropped.
void ScoreQueue::DropAll(Lane& lane) {
  std::array<std::deque<Owned>, kPriorities> dropped;
  const std::lock_guard lock(mutex_);
  for (std::size_t priority = 0; priority < kPriorities; ++priority) dropped[priority].swap(lane.waiting[priority]);
  waiting_ -= lane.calls;
  lane.calls = lane.rows = 0;
}

}  // namespace sw::serve
