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

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"

namespace sw::sagemaker {

// INVALID_ARGUMENT names the record.
Result<data::Batch> RowsFromRecordIo(const data::Schema& request, std::string_view bytes);

// The answer: a record a row, its labels "score" and "predicted_label". As AWS's algorithms write it, so
// that their deserialisers read it: a score is rounded to a float.
std::string RecordIoFrom(const std::vector<double>& scores, const std::vector<bool>& decisions);

}  // namespace sw::sagemaker
