// QuickRows: the JSON of a usual request straight into rows, without a tree of values between. Inside this
// room only. Hostile input. Pure.
//
// Usual is: no member but "id" and "inputs"; inputs of FP32, FP64, INT64 or BYTES with their data last. It is
// what ParseInfer and wire::RowsFromTensors give for the same body, or nothing: those then say what is wrong.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/batch.h"

namespace sw::open_inference {

struct QuickRequest {
  std::string id;
  data::Batch rows;
};
std::optional<QuickRequest> QuickRows(std::string_view body, const std::shared_ptr<const data::Schema>& request);

}  // namespace sw::open_inference
