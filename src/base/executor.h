// Executor: a fixed pool of threads with a bounded queue, for work too slow for an event loop.
//
// Submit answers RESOURCE_EXHAUSTED, and counts it, when the queue is full. Thread-safe. The
// destructor finishes what is queued. Tests use InlineExecutor.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/counters.h"
#include "base/result.h"

namespace sw::base {

class Executor {
 public:
  using Task = std::move_only_function<void()>;
  virtual ~Executor() = default;
  virtual Status Submit(Task task) = 0;
};

class InlineExecutor final : public Executor {
 public:
  Status Submit(Task task) override {
    task();
    return Ok();
  }
};

class ThreadPool final : public Executor {
 public:
  struct Options {
    std::string name = "pool";  // of the threads and of the limit in the error
    std::size_t threads = 2;
    std::size_t queue_max = 1024;
    int nice = 0;
    Counter* refused = nullptr;  // counts what Submit refused; outlives the pool
  };
  explicit ThreadPool(Options options);
  ~ThreadPool() override;
  Status Submit(Task task) override;
  void Drain();  // waits until the queue is empty and nothing runs

 private:
  void Run();
  Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<Task> queue_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace sw::base
