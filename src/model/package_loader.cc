#include "model/package_loader.h"

#include <future>
#include <optional>
#include <utility>

#include "base/heap.h"

namespace sw::model {

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
  return std::shared_ptr<const Package>(package.release(), [this](const Package* loaded) { Free(std::unique_ptr<const Package>(loaded)); });
}

Status PackageLoader::Submit(base::Executor::Task task) {
  return options_.thread->Submit([thread_id = thread_id_, task = std::move(task)]() mutable {
    *thread_id = std::this_thread::get_id();
    task();
    task = nullptr;
    *thread_id = std::thread::id();
  });
}

Result<std::shared_ptr<const Package>> PackageLoader::OnThread(const std::function<Result<std::shared_ptr<const Package>>()>& load) {
  if (IsOnThread()) return load();
  std::promise<Result<std::shared_ptr<const Package>>> loaded;
  SW_TRY(Submit([&] { loaded.set_value(load()); }));
  return loaded.get_future().get();
}

// Freeing a large model takes milliseconds, and its last user may be an event loop. A queue that is full
// leaves it to that user: the task that nobody took frees it.
void PackageLoader::Free(std::unique_ptr<const Package> package) {
  if (IsOnThread()) return;  // here and now
  static_cast<void>(Submit([package = std::move(package)]() mutable { package.reset(); }));
}

void PackageLoader::MakeRoom() {
  if (options_.drop_idle) options_.drop_idle();
  if (!IsOnThread()) {  // what was dropped is freed there
    std::promise<void> done;
    if (Submit([&] { done.set_value(); })) done.get_future().get();
  }
  base::ReturnFreedMemory();  // what was freed is used no more, as the kernel sees it
}

}  // namespace sw::model
