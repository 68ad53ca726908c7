#include "model/engines/onnx_library.h"

#include <dlfcn.h>
#include <onnxruntime_c_api.h>

#include <atomic>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <new>

#include "base/errors.h"

namespace sw::model {
namespace {

// The library stays mapped: it has threads and state of its own.
std::unexpected<Error> NotInstalled(std::string_view why) {
  return FailedPrecondition(
      "ONNX models need ONNX Runtime, which is not installed: `pip install onnxruntime`, then set "
      "SEAWORTHY_ONNXRUNTIME to "
      "its capi/libonnxruntime.so.VERSION, or install the library for the whole system ({})",
      why);
}

Result<OnnxLibrary> Describe(void* library, std::string_view path) {
  const auto get = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  if (get == nullptr)
    return FailedPrecondition("{} is not ONNX Runtime: it has no OrtGetApiBase", path);
  const OrtApiBase* base = get();
  OnnxLibrary loaded{.api = base->GetApi(ORT_API_VERSION), .version = base->GetVersionString()};
  if (loaded.api != nullptr) return loaded;
  return FailedPrecondition("{} is ONNX Runtime {}; {} or newer is needed", path, loaded.version,
                            kOnnxRuntimeVersionMin);
}

// The first of the paths that there is. It stays mapped: the library has threads and state of its own.
Result<OnnxLibrary> LoadFirst(std::initializer_list<const char*> paths) {
  std::string why;
  for (const char* path : paths) {
    if (void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL)) return Describe(library, path);
    why += fmt::format("{}{}", why.empty() ? "" : "; ", dlerror());
  }
  return NotInstalled(why);
}

Status Check(const OrtApi& api, OrtStatus* status) {
  if (status == nullptr) return Ok();
  auto error = Internal("ONNX Runtime: {}", api.GetErrorMessage(status));
  api.ReleaseStatus(status);
  return error;
}

// Gives ONNX Runtime its memory, up to a limit: a model of a few bytes can ask for all there is.
// The library has one environment a process, and takes allocators for that, not for a session.
class BoundedAllocator final : public OrtAllocator {
 public:
  explicit BoundedAllocator(const OrtMemoryInfo* info) : OrtAllocator{}, info_(info) {
    version = ORT_API_VERSION;
    Alloc = Reserve = [](OrtAllocator* self, std::size_t size) {
      return static_cast<BoundedAllocator*>(self)->Take(size);
    };
    Free = [](OrtAllocator* self, void* block) {
      static_cast<BoundedAllocator*>(self)->GiveBack(block);
    };
    Info = [](const OrtAllocator* self) {
      return static_cast<const BoundedAllocator*>(self)->info_;
    };
  }

 private:
  // Throws std::bad_alloc, as ONNX Runtime's own allocators do: it makes that a status, and does not
  // look whether a block is null. A block's size is kept before it.
  static constexpr std::size_t kAlignment = 64;

  void* Take(std::size_t size) {
    if (size > kOnnxTensorBytesMax) throw std::bad_alloc();
    const std::size_t whole = (size + 2 * kAlignment - 1) / kAlignment * kAlignment;
    const bool is_within = used_.fetch_add(whole) + whole <= kOnnxMemoryBytesMax;
    auto* block = is_within ? static_cast<char*>(std::aligned_alloc(kAlignment, whole)) : nullptr;
    if (block == nullptr) {
      used_.fetch_sub(whole);
      throw std::bad_alloc();
    }
    *reinterpret_cast<std::size_t*>(block) = whole;
    return block + kAlignment;
  }

  void GiveBack(void* block) {
    if (block == nullptr) return;
    auto* whole = static_cast<char*>(block) - kAlignment;
    used_.fetch_sub(*reinterpret_cast<std::size_t*>(whole));
    std::free(whole);
  }

  const OrtMemoryInfo* info_;
  std::atomic<std::size_t> used_ = 0;
};

}  // namespace

Result<OnnxLibrary> LoadOnnxLibrary(const std::string& path) {
  if (!path.empty()) return LoadFirst({path.c_str()});
  const char* configured = std::getenv("SEAWORTHY_ONNXRUNTIME");
  if (configured != nullptr && *configured != 0) return LoadFirst({configured});
  // The program's run path is looked at first: the folder lib beside it.
  return LoadFirst({"libonnxruntime.so", "libonnxruntime.so.1"});
}

Status BoundOnnxMemory(const OrtApi& api, OrtEnv& environment) {
  // One a library, never destroyed: whatever the library still holds at exit goes back to it.
  static std::mutex mutex;
  static auto& allocators = *new std::map<const OrtApi*, std::unique_ptr<BoundedAllocator>>;
  const std::lock_guard lock(mutex);
  std::unique_ptr<BoundedAllocator>& allocator = allocators[&api];
  if (allocator == nullptr) {
    OrtMemoryInfo* info = nullptr;
    SW_TRY(Check(api, api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &info)));
    allocator = std::make_unique<BoundedAllocator>(info);
  }
  // Refused when this environment has it already.
  if (OrtStatus* known = api.RegisterAllocator(&environment, allocator.get()))
    api.ReleaseStatus(known);
  return Ok();
}

}  // namespace sw::model
