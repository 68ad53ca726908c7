// An ONNX model as an engine: ONNX Runtime scores, this finds its columns and its predictions.
//
//   auto engine = SW_TRY(MakeOnnxEngine(bytes, {}));
//
// Inputs: each input of shape [N] or [N, 1] is a column of its name, one of shape [N, k] is k columns
// `name_0`, `name_1`, ...; the model's metadata entry `feature_names` (a JSON array of text), or
// `columns` of the options, names them all, in the inputs' order. Predictions: all outputs of floating
// numbers beside each other; where there is none, those of integers. Of a classifier with two classes
// (an output of labels beside probabilities, with a ZipMap or without) the second one's probability.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/engine.h"

namespace sw::model {

struct OnnxOptions {
  std::string library;               // libonnxruntime.so; "": LoadOnnxLibrary says where it looks
  std::vector<std::string> columns;  // the inputs' names in the model's order; empty: its own
  std::chrono::milliseconds run_limit{30'000};  // of 4,096 rows; limit onnx_run_ms_max
};

// About what a session of the model holds, by what ONNX Runtime 1.32 was seen to: twice the bytes of its weights,
// seven times those of its trees.
std::size_t OnnxMemoryBytes(std::string_view model);

// INVALID_ARGUMENT names what the model has that is not read; FAILED_PRECONDITION says how to install
// ONNX Runtime when it is absent.
Result<std::unique_ptr<Engine>> MakeOnnxEngine(std::string_view model, const OnnxOptions& options);

}  // namespace sw::model
