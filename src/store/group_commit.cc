#include "store/group_commit.h"

#include <algorithm>
#include <chrono>

#include "base/errors.h"

namespace sw::store {

GroupCommit::GroupCommit(DurationUs sync_every, SyncFile sync_file, base::Counter* syncs)
    : sync_every_(sync_every), sync_file_(std::move(sync_file)), syncs_(syncs), thread_([this] { Run(); }) {}

GroupCommit::~GroupCommit() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  thread_.join();
}

std::uint64_t GroupCommit::Mark(std::shared_ptr<Wal> wal) {
  const std::lock_guard lock(mutex_);
  if (std::find(dirty_.begin(), dirty_.end(), wal) == dirty_.end()) dirty_.push_back(std::move(wal));
  work_.notify_one();
  return ++marked_;
}

Status GroupCommit::Wait(std::uint64_t ticket) {
  std::unique_lock lock(mutex_);
  wanted_ = std::max(wanted_, ticket);
  work_.notify_one();
  done_.wait(lock, [&] { return synced_ >= ticket || failure_; });
  if (synced_ >= ticket) return Ok();
  return std::unexpected(*failure_);
}

Status GroupCommit::WaitAll() {
  std::uint64_t ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = marked_;
  }
  return Wait(ticket);
}

Status GroupCommit::SyncNow(Wal& wal) {
  SW_TRY(Health());
  const std::uint64_t written = wal.written.load();
  const Status synced = sync_file_(wal.file);
  if (syncs_ != nullptr) syncs_->Add();
  if (!synced) {
    Fail(DataLoss("the logbook stopped writing: syncing {} failed, rows since byte {} may be lost ({}); check the "
                  "disk, then restart", wal.path, wal.synced.load(), synced.error().message).error());
    return Health();
  }
  wal.synced.store(std::max(wal.synced.load(), written));
  return Ok();
}

Status GroupCommit::Health() const {
  const std::lock_guard lock(mutex_);
  if (failure_) return std::unexpected(*failure_);
  return Ok();
}

void GroupCommit::Fail(Error error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(error);
  done_.notify_all();
}

Status GroupCommit::SyncAll(const std::vector<std::shared_ptr<Wal>>& wals) {
  for (const std::shared_ptr<Wal>& wal : wals) {
    if (wal->synced.load() < wal->written.load()) SW_TRY(SyncNow(*wal));
  }
  return Ok();
}

void GroupCommit::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !dirty_.empty(); });
    if (dirty_.empty() || failure_) {
      if (stopping_) return;
      dirty_.clear();
      continue;
    }
    work_.wait_for(lock, std::chrono::microseconds(sync_every_), [&] { return stopping_ || wanted_ > synced_; });
    const std::vector<std::shared_ptr<Wal>> wals = std::move(dirty_);
    dirty_.clear();
    const std::uint64_t ticket = marked_;
    lock.unlock();
    const bool good = SyncAll(wals).has_value();
    lock.lock();
    if (good) synced_ = std::max(synced_, ticket);
    done_.notify_all();
  }
}

}  // namespace sw::store
