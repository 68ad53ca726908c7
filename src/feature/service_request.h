// What a request for the features of a service brings. Pure.
//
//   const data::Schema brings = SW_TRY(RequestSchema(defined, "late_v1"));
//   const data::Batch rows = SW_TRY(RequestRows(brings, {&first, &second}));   // each a JSON object
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "feature/definitions.h"

namespace sw::feature {

struct RequestParts {
  data::Schema all;     // keys and inputs, each once, in order of the service's features
  data::Schema keys;    // of its entities
  data::Schema inputs;  // of its request features
};
Result<RequestParts> PartsOfRequest(const Definitions& defined, std::string_view service);
// All of them.
Result<data::Schema> RequestSchema(const Definitions& defined, std::string_view service);

// For wires that write an int64 as text: both do. A key that is missing or null gives null features; an input that is
// missing is null; INVALID_ARGUMENT with near misses for a name that the schema does not have.
Result<data::Batch> RequestRows(const data::Schema& brings, std::span<const Json> rows);

}  // namespace sw::feature
