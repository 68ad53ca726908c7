// RecordIO of protobuf messages, application/x-recordio-protobuf: SageMaker's own format of rows. Inside
// this room only. Hostile input. Pure.
//
// A record is the magic number, its length (both 4 bytes, little-endian) and a message `Record` padded
// to 4 bytes (AWS's common.proto, package aialgs.data):
//
//   message Float32Tensor { repeated float values = 1; repeated uint64 keys = 2; repeated uint64 shape = 3; }
//   message Value { oneof { Float32Tensor float32_tensor = 2; Float64Tensor = 3; Int32Tensor = 7; Bytes = 9; } }
//   message Record { map<string, Value> features = 1; map<string, Value> label = 2; ... }
//
// A row is the tensor of the feature "values": all columns in their order or, with keys, some of them by
// their places from 0; the others are missing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/batch.h"
#include "serve/endpoints.h"

namespace sw::sagemaker {

// INVALID_ARGUMENT names the record.
Result<data::Batch> RowsFromRecordIo(const data::Schema& request, std::string_view bytes);

// What a row is taken for: 0 or 1 as a threshold decides, or the number of the most probable class.
// Nothing for several targets, and beside NaN.
std::optional<std::size_t> PredictedLabel(const serve::PredictResult& result, std::size_t row);

// The answer: a record a row, its labels "score", of all outputs, and "predicted_label". As AWS's
// algorithms write it, so that their deserialisers read it: scores are rounded to floats.
std::string RecordIoFrom(const serve::PredictResult& result);

}  // namespace sw::sagemaker
