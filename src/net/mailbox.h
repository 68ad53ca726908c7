// Mailbox: work for an event loop from any thread. Thread-safe.
//
// Post wakes the loop. After Close (the loop has ended) a task runs at once on the caller's thread,
// so that nobody waits for an answer that cannot come.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sw::net {

class Mailbox {
 public:
  using Task = std::move_only_function<void()>;
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void Post(Task task);
  int WakeFd() const { return fd_; }
  // For the loop's thread.
  void Adopt() { owner_.store(std::this_thread::get_id()); }
  void RunAll();
  void Close();
  bool OnLoop() const { return owner_.load() == std::this_thread::get_id(); }

 private:
  int fd_;
  std::atomic<std::thread::id> owner_;
  std::mutex mutex_;
  std::vector<Task> tasks_;
  bool closed_ = false;
};

}  // namespace sw::net
