#include "app/container_models.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "app/model_folder.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/ids.h"

namespace sw::app {
namespace {

namespace fs = std::filesystem;

// At the peak of a load, XGBoost's JSON was seen to take 13 times the bytes of its file, UBJSON 8, LightGBM's text 5.
constexpr std::uint64_t kMemoryPerFileByte = 16;
constexpr std::uint64_t kMemoryPerModel = 1u << 20;

// The number that a file of the kernel begins with; 0 when there is none, or "max".
std::uint64_t NumberIn(const char* path, std::size_t skip_words = 0) {
  const auto text = base::ReadFile(path, 4096);
  if (!text) return 0;
  std::string_view left = *text;
  for (; skip_words > 0; --skip_words) left.remove_prefix(std::min(left.find(' ') + 1, left.size()));
  std::uint64_t value = 0;
  std::from_chars(left.data(), left.data() + left.size(), value);
  return value;
}

std::uint64_t ResidentBytes() {
  return NumberIn("/proc/self/statm", 1) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t BytesIn(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return fs::file_size(path, error);
  std::uint64_t bytes = 0;
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code no_size;
    if (entry->is_regular_file(no_size)) bytes += entry->file_size(no_size);
  }
  return bytes;
}

}  // namespace

std::uint64_t MemoryBytesMax(std::uint64_t setting) {
  if (setting != 0) return setting;
  std::uint64_t least = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    if (const std::uint64_t limit = NumberIn(path); limit != 0) least = std::min(least, limit);
  }
  return least;
}

Status CheckRoom(std::uint64_t file_bytes, std::uint64_t resident_bytes, std::uint64_t memory_bytes_max) {
  const std::uint64_t needed = file_bytes * kMemoryPerFileByte + kMemoryPerModel;
  if (resident_bytes + needed <= memory_bytes_max) return Ok();
  return ResourceExhausted("a model of {} bytes may take {} while it is loaded; {} are used of {} (limit memory_bytes_max)", file_bytes,
                           needed, resident_bytes, memory_bytes_max);
}

Status ContainerModels::Serve(const std::string& name, const std::string& path) {
  const auto package = SW_TRY(ServableModel(*options_.settings, path));
  if (!package->is_verified()) options_.log->Warning("the model is unverified", {{"model", name}, {"why", package->unverified()}});
  serve::EndpointSnapshot snapshot;
  snapshot.name = name;
  snapshot.request = serve::RequestSchemaOf(*package);
  snapshot.is_logged = false;
  snapshot.arms = {{.version = 1, .package = package, .mode = serve::ArmMode::kLive, .share = 0, .threshold = {}}};
  SW_TRY(options_.endpoints->Replace(std::move(snapshot)));
  options_.log->Info("the model answers", {{"model", name}, {"package", package->id()}});
  return Ok();
}

// Links are followed first: what a path names is where it ends.
Result<std::string> ContainerModels::PathOf(const std::string& url) const {
  const std::string_view plain = std::string_view(url).substr(url.starts_with("file://") ? 7 : 0);
  std::error_code error;
  const std::string folder = fs::canonical(options_.folder, error);
  const std::string path = fs::canonical(plain, error);
  if (error) return NotFound("url {}: {}", url, error.message());
  if (path.starts_with(folder + "/")) return path;
  return InvalidArgument("url {} lies outside of {}", url, options_.folder);
}

Status ContainerModels::Load(const sagemaker::HostedModel& model) {
  if (!base::IsName(model.name)) return InvalidArgument("model_name {}: use up to 128 of A-Z a-z 0-9 _ . -", model.name.substr(0, 64));
  const std::string path = SW_TRY(PathOf(model.url));
  const std::lock_guard loading(load_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (urls_.contains(model.name)) return AlreadyExists("model {} is loaded already", model.name);
    if (urls_.size() >= kContainerModelsMax) return ResourceExhausted("{} models are loaded (limit container_models_max)", urls_.size());
  }
  SW_TRY(CheckRoom(BytesIn(path), ResidentBytes(), options_.memory_bytes_max));
  SW_TRY(Serve(model.name, path));
  const std::lock_guard lock(mutex_);
  urls_[model.name] = model.url;
  return Ok();
}

Status ContainerModels::Unload(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (urls_.erase(name) == 0) return NotFound("model {} is not loaded", name);
  }
  SW_TRY(options_.endpoints->Remove(name));
  base::ReturnFreedMemory();  // the next load looks at what is resident
  return Ok();
}

std::vector<sagemaker::HostedModel> ContainerModels::Models() const {
  const std::lock_guard lock(mutex_);
  std::vector<sagemaker::HostedModel> models;
  for (const auto& [name, url] : urls_) models.push_back({name, url});
  return models;
}

}  // namespace sw::app
