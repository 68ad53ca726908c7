// What an ONNX model's bytes say about themselves, read before ONNX Runtime sees them. Hostile input:
// every length is checked, memory is bounded by the size of the bytes, nesting is limited.
//
// ONNX Runtime parses the model itself (engines/onnx_session.h); this pass tells the format by
// content, refuses what would reach other files, and finds what its interface does not tell.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sw::model {

inline constexpr std::size_t kOnnxBytesMax = 1ull << 30;

struct OnnxOutline {
  // A node that turns the tensor `input` into the graph's output `output`, maps from class to
  // probability.
  struct ZipMap {
    std::string input, output;
    bool operator==(const ZipMap&) const = default;
  };
  std::vector<ZipMap> zip_maps;                               // of the main graph
  std::vector<std::string> outputs;                           // of the main graph, by name
  std::vector<std::pair<std::string, std::string>> metadata;  // metadata_props

  const std::string* FindMetadata(std::string_view key) const;
  bool operator==(const OnnxOutline&) const = default;
};

// True when the bytes begin as an ONNX ModelProto does. Cheap; they may still be refused.
bool LooksLikeOnnx(std::string_view bytes);

// INVALID_ARGUMENT when the bytes are not whole messages, nest too deep, or keep tensors in other
// files (external data), which are never opened.
Result<OnnxOutline> ReadOnnxOutline(std::string_view bytes);

// The model as one file: tensors that are kept in other files become its own. `read` is given what
// the model calls the file, and decides whether it may be opened. RESOURCE_EXHAUSTED above
// kOnnxBytesMax.
using ReadTensorFile = std::function<Result<std::string>(const std::string& location)>;
Result<std::string> WithOnnxTensors(std::string_view model, const ReadTensorFile& read);

// The model with more graph outputs, tensors that nodes of it make.
std::string WithOnnxOutputs(std::string_view model, const std::vector<std::string>& tensors);

}  // namespace sw::model
