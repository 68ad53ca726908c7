#include "base/executor.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/errors.h"

namespace sw::base {

ThreadPool::ThreadPool(Options options) : options_(std::move(options)) {
  SW_CHECK(options_.threads > 0, "a pool needs a thread");
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Run(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  threads_.clear();  // joins, before the members that the threads use go away
}

Status ThreadPool::Submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Unavailable("pool is stopping: {}; retry on another server", options_.name);
    if (queue_.size() >= options_.queue_max) {
      if (options_.refused != nullptr) options_.refused->Add();
      return ResourceExhausted("queue is full: {} holds {} tasks; retry later or raise its queue_max",
                               options_.name, options_.queue_max);
    }
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
  return Ok();
}

void ThreadPool::Drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
}

void ThreadPool::Run() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());  // the kernel's limit
  if (options_.nice != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), options_.nice);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;  // stopping, and everything queued was finished
    {
      Task task = std::move(queue_.front());
      queue_.pop_front();
      ++running_;
      lock.unlock();
      task();
    }  // what the task captured is released before it counts as done
    lock.lock();
    --running_;
    if (queue_.empty() && running_ == 0) idle_.notify_all();
  }
}

}  // namespace sw::base
