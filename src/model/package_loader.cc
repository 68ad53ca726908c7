#include "model/package_loader.h"

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "base/memory.h"

namespace sw::model {

// The executor as packages and tasks know it, which may outlive the loader.
class PackageLoader::Thread : public std::enable_shared_from_this<Thread> {
 public:
  explicit Thread(base::Executor* executor) : executor_(executor) {}

  // Nobody is submitted any more.
  void End() {
    const std::lock_guard lock(mutex_);
    executor_ = nullptr;
  }
  // Whether what this thread does is done where loads are.
  bool IsHere() const { return executor_ == nullptr || id_ == std::this_thread::get_id(); }

  Status Submit(base::Executor::Task task) {
    const std::lock_guard lock(mutex_);
    if (executor_ == nullptr) return Unavailable("the loader has ended");
    return executor_.load()->Submit([self = shared_from_this(), task = std::move(task)]() mutable {
      self->id_ = std::this_thread::get_id();
      task();
      task = nullptr;
      self->id_ = std::thread::id();
    });
  }

  // Freeing a large model takes milliseconds, and its last user may be an event loop. A queue that is full
  // leaves it to that user: the task that nobody took frees it.
  void Free(std::unique_ptr<const Package> package) {
    if (IsHere()) return;  // here and now
    static_cast<void>(Submit([package = std::move(package)]() mutable { package.reset(); }));
  }

 private:
  std::recursive_mutex mutex_;  // an executor may run what it is given at once
  std::atomic<base::Executor*> executor_;
  std::atomic<std::thread::id> id_ = {};  // while it does something for the loader
};

PackageLoader::PackageLoader(Options options) : options_(std::move(options)), thread_(std::make_shared<Thread>(options_.thread)) {}
PackageLoader::~PackageLoader() { thread_->End(); }

Result<std::shared_ptr<const Package>> PackageLoader::Load(const std::string& id, const PackageParts& parts, const EngineOptions& engines) {
  const LoadNeed need = SW_TRY(NeedOf(id, parts.get, parts.size));
  const Where where = SW_TRY(RunsInAProcess(id, parts.get)) ? Where::kHere : Where::kThread;
  return Load("package " + id.substr(0, 12), need, where, [&] { return LoadPackage(id, parts.get, engines); });
}

Result<std::shared_ptr<const Package>> PackageLoader::Load(const std::string& what, const LoadNeed& need, Where where, const Make& make) {
  if (where == Where::kHere) return MakeWithin(what, need, make);
  return OnThread([&] { return MakeWithin(what, need, make); });
}

Result<std::shared_ptr<const Package>> PackageLoader::MakeWithin(const std::string& what, const LoadNeed& need, const Make& make) {
  std::optional<MemoryBudget::Room> room;
  if (options_.memory != nullptr) room.emplace(SW_TRY(options_.memory->Take(what, need, [this] { MakeRoom(); })));
  std::unique_ptr<const Package> package = SW_TRY(make());
  return std::shared_ptr<const Package>(package.release(),
                                        [thread = thread_](const Package* loaded) { thread->Free(std::unique_ptr<const Package>(loaded)); });
}

Result<std::shared_ptr<const Package>> PackageLoader::OnThread(const std::function<Result<std::shared_ptr<const Package>>()>& load) {
  if (thread_->IsHere()) return load();
  std::promise<Result<std::shared_ptr<const Package>>> loaded;
  SW_TRY(thread_->Submit([&] { loaded.set_value(load()); }));
  return loaded.get_future().get();
}

void PackageLoader::MakeRoom() {
  if (options_.drop_idle) options_.drop_idle();
  if (!thread_->IsHere()) {  // what was dropped is freed there
    std::promise<void> done;
    if (thread_->Submit([&] { done.set_value(); })) done.get_future().get();
  }
  base::ReturnFreedMemory();  // what was freed is used no more, as the kernel sees it
}

}  // namespace sw::model
