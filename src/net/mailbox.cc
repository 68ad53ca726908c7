#include "net/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace sw::net {

Mailbox::Mailbox() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { SW_CHECK(fd_ >= 0, "eventfd"); }
Mailbox::~Mailbox() { close(fd_); }

void Mailbox::Post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      tasks_.push_back(std::move(task));
      if (tasks_.size() > 1) return;  // the wake-up is already on its way
      std::uint64_t one = 1;
      [[maybe_unused]] auto ignored = write(fd_, &one, sizeof(one));
      return;
    }
  }
  task();
}

void Mailbox::RunAll() {
  std::uint64_t count = 0;
  [[maybe_unused]] auto ignored = read(fd_, &count, sizeof(count));
  std::vector<Task> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
}

void Mailbox::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  RunAll();
}

}  // namespace sw::net
