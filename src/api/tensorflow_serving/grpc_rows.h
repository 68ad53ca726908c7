// Rows of an endpoint's request from the messages of TensorFlow Serving's gRPC: tensors and examples.
// Inside this room only. Hostile input: no message makes more values than it has bytes, but for values that
// stand for many (a tensor of one value, the context of examples), which have limits together. Pure.
#pragma once

#include <memory>

#include "api/wire/tensor.h"
#include "base/result.h"
#include "data/batch.h"

namespace tensorflow::serving {
class Input;
class PredictRequest;
}  // namespace tensorflow::serving

namespace sw::tensorflow_serving {

// Of a request.
inline constexpr std::size_t kSplatValuesMax = 1'000'000;       // limit splat_values_max
inline constexpr std::size_t kSplatTextBytesMax = 8'000'000;    // limit splat_text_bytes_max

// As wire::RowsFromTensors takes them. A tensor's values are its tensor_content, or those of the field of
// its type: all of them, or one that stands for all. INVALID_ARGUMENT names the input.
Result<data::Batch> RowsFromInputs(std::shared_ptr<const data::Schema> request, const tensorflow::serving::PredictRequest& message);

// A row an example, with what its context says and it does not. A feature holds one value, or none: a
// missing one. int64_list is for columns of integers, floats and (0 or 1) bools, float_list for floats,
// bytes_list for the rest.
Result<data::Batch> RowsFromExamples(std::shared_ptr<const data::Schema> request, const tensorflow::serving::Input& input);

}  // namespace sw::tensorflow_serving
