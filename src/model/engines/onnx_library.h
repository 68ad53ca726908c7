// The ONNX Runtime library, loaded at run time, and the memory that it may have. Internal to the ONNX
// engine. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

struct OrtApi;
struct OrtEnv;

namespace sw::model {

inline constexpr std::string_view kOnnxRuntimeVersionMin = "1.21";
// Of all ONNX models of the process: weights and what scoring needs at once.
inline constexpr std::size_t kOnnxMemoryBytesMax = 8ull << 30;
inline constexpr std::size_t kOnnxTensorBytesMax = 2ull << 30;

struct OnnxLibrary {
  const OrtApi* api = nullptr;  // lives as long as the process
  std::string version;
};

// `path` is that of libonnxruntime.so; "" looks at $SEAWORTHY_ONNXRUNTIME, then beside the program, then
// where the system keeps libraries. FAILED_PRECONDITION when there is none, or an old one.
Result<OnnxLibrary> LoadOnnxLibrary(const std::string& path);

// Limits the memory of all sessions of the environment that are made from now on, together: a model of a
// few bytes can ask for all there is.
Status BoundOnnxMemory(const OrtApi& api, OrtEnv& environment);

}  // namespace sw::model
