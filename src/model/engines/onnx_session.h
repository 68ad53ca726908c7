// A model in ONNX Runtime: the library loaded at run time, one session, one thread. Internal to the
// ONNX engine: bytes and tensors here, columns and scores there.
//
//   auto session = SW_TRY(OnnxSession::Open(bytes, library));
//   const auto outputs = SW_TRY(session->Run({tensor}, {0}));
//
// Hostile input: the bytes have passed ReadOnnxOutline; what ONNX Runtime refuses is an error. A model
// is a program all the same: memory and time are limited.
// Thread-safe: Run may be called by many threads at once, each call works on its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sw::model {

// Declared by the model. `shape` has -1 where it leaves a size open; a value that is no tensor, or of
// elements that are not read, has no element type.
struct OnnxValue {
  enum class Element : std::uint8_t { kNone, kFloat, kDouble, kInt64, kInt32, kBool, kString };
  std::string name;
  Element element = Element::kNone;
  std::string type;  // "tensor of float", for people
  std::vector<std::int64_t> shape;

  bool IsNumber() const { return element != Element::kNone && element != Element::kString; }
};

// Values in row-major order. bool is kept as bytes.
struct OnnxTensor {
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>,
               std::vector<std::int32_t>, std::vector<std::uint8_t>, std::vector<std::string>>
      values;
};

struct OnnxSessionOptions {
  std::string library;  // see LoadOnnxLibrary
  std::chrono::milliseconds run_limit{30'000};
};

class OnnxSession {
 public:
  virtual ~OnnxSession() = default;

  // FAILED_PRECONDITION without the library, INVALID_ARGUMENT when it refuses the model.
  static Result<std::unique_ptr<const OnnxSession>> Open(std::string_view model,
                                                         const OnnxSessionOptions& options);

  virtual const std::vector<OnnxValue>& inputs() const = 0;
  virtual const std::vector<OnnxValue>& outputs() const = 0;
  virtual const std::string& version() const = 0;  // of the library

  // `inputs` in the order of inputs(), `wanted` are places in outputs() of numbers. Their values come
  // back as doubles, which hold each of them exactly but integers beyond 2^53.
  // DEADLINE_EXCEEDED when the run limit has passed.
  struct Output {
    std::vector<std::int64_t> shape;
    std::vector<double> values;
  };
  virtual Result<std::vector<Output>> Run(std::span<OnnxTensor> inputs,
                                          std::span<const std::size_t> wanted) const = 0;
};

}  // namespace sw::model
