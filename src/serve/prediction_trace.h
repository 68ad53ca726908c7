// PredictionTrace: where one prediction's time went, for who traces requests.
//
//   endpoints_options.trace = [](const PredictionTrace& prediction) { ... };
//
// Told only of requests whose Caller::trace says that they are sampled. A value that borrows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace sw::serve {

struct PredictionTrace {
  std::string_view traceparent;  // of the request
  std::string_view endpoint;
  std::string_view request_id;   // "" when it was refused before it had one
  std::int64_t version = 0;      // that answered the first row; of a failure, the one that was asked
  std::size_t rows = 0;
  std::optional<ErrorCode> error = {};
  // Monotonic: where the stages of AnswerTimes begin and end; 0: it did not come so far.
  std::int64_t begin_ns = 0, ready_ns = 0, scoring_begins_ns = 0, scoring_ends_ns = 0, end_ns = 0;
};

using TracePrediction = std::function<void(const PredictionTrace& prediction)>;

}  // namespace sw::serve
