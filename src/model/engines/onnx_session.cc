#include "model/engines/onnx_session.h"

#include <fmt/chrono.h>
#include <onnxruntime_c_api.h>

#include <array>
#include <utility>

#include "base/errors.h"
#include "model/engines/onnx_library.h"
#include "model/engines/run_watch.h"

namespace sw::model {
namespace {

using Element = OnnxValue::Element;

// Owns what ONNX Runtime made, until its own function releases it.
template <typename T>
struct Releaser {
  void (*release)(T*) = nullptr;
  void operator()(T* value) const { release(value); }
};
template <typename T>
using Owned = std::unique_ptr<T, Releaser<T>>;

template <typename T>
Owned<T> Own(T* value, void (*release)(T*)) {
  return Owned<T>(value, Releaser<T>{release});
}

struct ElementKind {
  ONNXTensorElementDataType type;
  Element element;
  std::string_view name;
};
constexpr std::array kElements = {
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, Element::kFloat, "float"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, Element::kDouble, "double"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, Element::kInt64, "int64"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, Element::kInt32, "int32"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, Element::kBool, "bool"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, Element::kString, "string"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, Element::kNone, "float16"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16, Element::kNone, "bfloat16"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, Element::kNone, "int8"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, Element::kNone, "uint8"},
    ElementKind{ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16, Element::kNone, "int16"},
};

Status Check(const OrtApi& api, OrtStatus* status, std::string_view what) {
  if (status == nullptr) return Ok();
  const auto owned = Own(status, api.ReleaseStatus);
  return InvalidArgument("ONNX Runtime refused ({}): {}", what, api.GetErrorMessage(status));
}

// Errors come back as statuses; nothing is printed.
void Drop(void*, OrtLoggingLevel, const char*, const char*, const char*, const char*) {}

Result<Owned<OrtSessionOptions>> MakeOptions(const OrtApi& api) {
  OrtSessionOptions* raw = nullptr;
  SW_TRY(Check(api, api.CreateSessionOptions(&raw), "options"));
  auto options = Own(raw, api.ReleaseSessionOptions);
  SW_TRY(Check(api, api.SetIntraOpNumThreads(raw, 1), "threads"));
  SW_TRY(Check(api, api.SetInterOpNumThreads(raw, 1), "threads"));
  SW_TRY(Check(api, api.SetSessionExecutionMode(raw, ORT_SEQUENTIAL), "sequential"));
  // An arena and the patterns grow with every new batch size, and never shrink.
  SW_TRY(Check(api, api.DisableCpuMemArena(raw), "arena"));
  SW_TRY(Check(api, api.DisableMemPattern(raw), "patterns"));
  constexpr std::array<std::pair<const char*, const char*>, 4> kEntries = {{
      {"session.use_env_allocators", "1"},
      {"session.intra_op.allow_spinning", "0"},
      {"session.inter_op.allow_spinning", "0"},
      // Bytes that only look like ONNX must not be read as another format, which was not checked.
      {"session.load_model_format", "ONNX"},
  }};
  for (const auto& [key, value] : kEntries)
    SW_TRY(Check(api, api.AddSessionConfigEntry(raw, key, value), key));
  return options;
}

class Session final : public OnnxSession {
 public:
  Session(OnnxLibrary library, Owned<OrtEnv> environment, Owned<OrtSession> session,
          Owned<OrtMemoryInfo> memory, std::chrono::milliseconds run_limit)
      : library_(std::move(library)),
        api_(*library_.api),
        environment_(std::move(environment)),
        session_(std::move(session)),
        memory_(std::move(memory)),
        watch_(run_limit) {}

  Status Describe() {
    SW_TRY(Check(api_, api_.GetAllocatorWithDefaultOptions(&allocator_), "allocator"));
    std::size_t inputs = 0, outputs = 0;
    SW_TRY(Check(api_, api_.SessionGetInputCount(session_.get(), &inputs), "inputs"));
    SW_TRY(Check(api_, api_.SessionGetOutputCount(session_.get(), &outputs), "outputs"));
    for (std::size_t i = 0; i < inputs; ++i) {
      inputs_.push_back(
          SW_TRY(DescribeValue(i, api_.SessionGetInputName, api_.SessionGetInputTypeInfo)));
    }
    for (std::size_t i = 0; i < outputs; ++i) {
      outputs_.push_back(
          SW_TRY(DescribeValue(i, api_.SessionGetOutputName, api_.SessionGetOutputTypeInfo)));
    }
    return Ok();
  }

  const std::vector<OnnxValue>& inputs() const override { return inputs_; }
  const std::vector<OnnxValue>& outputs() const override { return outputs_; }
  const std::string& version() const override { return library_.version; }

  Result<std::vector<Output>> Run(std::span<OnnxTensor> inputs,
                                  std::span<const std::size_t> wanted) const override {
    std::vector<Owned<OrtValue>> given;
    std::vector<const OrtValue*> values;
    std::vector<const char*> input_names, output_names;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      values.push_back(given.emplace_back(SW_TRY(MakeValue(inputs[i]))).get());
      input_names.push_back(inputs_[i].name.c_str());
    }
    for (const std::size_t place : wanted) output_names.push_back(outputs_[place].name.c_str());
    std::vector<OrtValue*> made(wanted.size(), nullptr);
    OrtRunOptions* raw_options = nullptr;
    SW_TRY(Check(api_, api_.CreateRunOptions(&raw_options), "options"));
    const auto options = Own(raw_options, api_.ReleaseRunOptions);
    const RunWatch::Call call(
        watch_, [&] { (void)Check(api_, api_.RunOptionsSetTerminate(raw_options), "stopping"); });
    OrtStatus* status =
        api_.Run(session_.get(), raw_options, input_names.data(), values.data(), values.size(),
                 output_names.data(), output_names.size(), made.data());
    std::vector<Owned<OrtValue>> outputs;
    for (OrtValue* value : made) outputs.push_back(Own(value, api_.ReleaseValue));
    const Status scored = Check(api_, status, "scoring");
    if (!scored && call.is_stopped()) {
      return DeadlineExceeded("ONNX: the model was stopped after {} (limit onnx_run_ms_max)",
                              watch_.limit());
    }
    SW_TRY(scored);
    std::vector<Output> read;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      read.push_back(SW_TRY(ReadValue(*outputs[i], outputs_[wanted[i]].name)));
    }
    return read;
  }

 private:
  template <typename GetName, typename GetType>
  Result<OnnxValue> DescribeValue(std::size_t place, GetName get_name, GetType get_type) const {
    char* name = nullptr;
    SW_TRY(Check(api_, get_name(session_.get(), place, allocator_, &name), "names"));
    OnnxValue value{.name = name, .element = Element::kNone, .type = "no tensor", .shape = {}};
    (void)Check(api_, api_.AllocatorFree(allocator_, name), "names");
    OrtTypeInfo* type = nullptr;
    SW_TRY(Check(api_, get_type(session_.get(), place, &type), value.name));
    const auto owned = Own(type, api_.ReleaseTypeInfo);
    const OrtTensorTypeAndShapeInfo* tensor = nullptr;  // borrowed; none for sequences and maps
    SW_TRY(Check(api_, api_.CastTypeInfoToTensorInfo(type, &tensor), value.name));
    if (tensor == nullptr) return value;
    ONNXTensorElementDataType element{};
    SW_TRY(Check(api_, api_.GetTensorElementType(tensor, &element), value.name));
    value.type = "a tensor of elements that are not read";
    for (const ElementKind& kind : kElements) {
      if (kind.type != element) continue;
      value.element = kind.element;
      value.type = fmt::format("a tensor of {}", kind.name);
    }
    value.shape = SW_TRY(ReadShape(*tensor));
    return value;
  }

  Result<std::vector<std::int64_t>> ReadShape(const OrtTensorTypeAndShapeInfo& tensor) const {
    std::size_t rank = 0;
    SW_TRY(Check(api_, api_.GetDimensionsCount(&tensor, &rank), "shape"));
    std::vector<std::int64_t> shape(rank);
    SW_TRY(Check(api_, api_.GetDimensions(&tensor, shape.data(), rank), "shape"));
    return shape;
  }

  template <typename T>
  Result<Owned<OrtValue>> Borrow(const std::vector<std::int64_t>& shape, std::vector<T>& values,
                                 ONNXTensorElementDataType type) const {
    OrtValue* value = nullptr;
    SW_TRY(Check(
        api_,
        api_.CreateTensorWithDataAsOrtValue(memory_.get(), values.data(), values.size() * sizeof(T),
                                            shape.data(), shape.size(), type, &value),
        "input"));
    return Own(value, api_.ReleaseValue);
  }

  // The value borrows the tensor's numbers; texts are copied.
  Result<Owned<OrtValue>> MakeValue(OnnxTensor& tensor) const {
    if (auto* floats = std::get_if<std::vector<float>>(&tensor.values)) {
      return Borrow(tensor.shape, *floats, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
    }
    if (auto* doubles = std::get_if<std::vector<double>>(&tensor.values)) {
      return Borrow(tensor.shape, *doubles, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE);
    }
    if (auto* wide = std::get_if<std::vector<std::int64_t>>(&tensor.values)) {
      return Borrow(tensor.shape, *wide, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64);
    }
    if (auto* narrow = std::get_if<std::vector<std::int32_t>>(&tensor.values)) {
      return Borrow(tensor.shape, *narrow, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32);
    }
    if (auto* bools = std::get_if<std::vector<std::uint8_t>>(&tensor.values)) {
      return Borrow(tensor.shape, *bools, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL);
    }
    return MakeTexts(tensor.shape, std::get<std::vector<std::string>>(tensor.values));
  }

  Result<Owned<OrtValue>> MakeTexts(const std::vector<std::int64_t>& shape,
                                    const std::vector<std::string>& texts) const {
    OrtValue* raw = nullptr;
    SW_TRY(Check(api_,
                 api_.CreateTensorAsOrtValue(allocator_, shape.data(), shape.size(),
                                             ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &raw),
                 "input"));
    auto value = Own(raw, api_.ReleaseValue);
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    SW_TRY(Check(api_, api_.FillStringTensor(raw, pointers.data(), pointers.size()), "input"));
    return value;
  }

  Result<Output> ReadValue(OrtValue& value, const std::string& name) const {
    OrtTensorTypeAndShapeInfo* raw = nullptr;
    SW_TRY(Check(api_, api_.GetTensorTypeAndShape(&value, &raw), name));
    const auto info = Own(raw, api_.ReleaseTensorTypeAndShapeInfo);
    std::size_t count = 0;
    SW_TRY(Check(api_, api_.GetTensorShapeElementCount(raw, &count), name));
    ONNXTensorElementDataType type{};
    SW_TRY(Check(api_, api_.GetTensorElementType(raw, &type), name));
    void* data = nullptr;
    SW_TRY(Check(api_, api_.GetTensorMutableData(&value, &data), name));
    Output output{.shape = SW_TRY(ReadShape(*raw)), .values = {}};
    output.values.reserve(count);
    const auto copy = [&]<typename T>(const T* from) { output.values.assign(from, from + count); };
    switch (type) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
        copy(static_cast<const float*>(data));
        break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
        copy(static_cast<const double*>(data));
        break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
        copy(static_cast<const std::int64_t*>(data));
        break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
        copy(static_cast<const std::int32_t*>(data));
        break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
        copy(static_cast<const std::uint8_t*>(data));
        break;
      default:
        return InvalidArgument("the ONNX model's output {} holds no numbers", name);
    }
    return output;
  }

  OnnxLibrary library_;
  const OrtApi& api_;
  Owned<OrtEnv> environment_;
  Owned<OrtSession> session_;
  Owned<OrtMemoryInfo> memory_;
  OrtAllocator* allocator_ = nullptr;  // the library's own
  std::vector<OnnxValue> inputs_, outputs_;
  mutable RunWatch watch_;
};

}  // namespace

Result<std::unique_ptr<const OnnxSession>> OnnxSession::Open(std::string_view model,
                                                             const OnnxSessionOptions& options) {
  OnnxLibrary loaded = SW_TRY(LoadOnnxLibrary(options.library));
  const OrtApi& api = *loaded.api;
  OrtEnv* raw_environment = nullptr;  // the library's one environment, counted
  SW_TRY(Check(api,
               api.CreateEnvWithCustomLogger(&Drop, nullptr, ORT_LOGGING_LEVEL_FATAL, "seaworthy",
                                             &raw_environment),
               "environment"));
  auto environment = Own(raw_environment, api.ReleaseEnv);
  OrtMemoryInfo* raw_memory = nullptr;
  SW_TRY(Check(api, api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &raw_memory),
               "memory"));
  auto memory = Own(raw_memory, api.ReleaseMemoryInfo);
  SW_TRY(BoundOnnxMemory(api, *raw_environment));
  const auto session_options = SW_TRY(MakeOptions(api));
  OrtSession* raw_session = nullptr;
  SW_TRY(Check(api,
               api.CreateSessionFromArray(raw_environment, model.data(), model.size(),
                                          session_options.get(), &raw_session),
               "loading the model"));
  auto made = std::make_unique<Session>(std::move(loaded), std::move(environment),
                                        Own(raw_session, api.ReleaseSession), std::move(memory),
                                        options.run_limit);
  SW_TRY(made->Describe());
  return made;
}

}  // namespace sw::model
