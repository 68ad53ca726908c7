// What our wire's predictions and labels are over HTTP and over gRPC alike. Inside this room only. Pure but
// for TellLabels.
#pragma once

#include <memory>
#include <string_view>

#include "api/native/context.h"
#include "data/batch.h"
#include "flow/flow.h"
#include "serve/endpoints.h"

namespace sw::native {

// NOT_FOUND says which there are, or why this one is not served.
Result<std::shared_ptr<const serve::EndpointSnapshot>> LiveEndpoint(const Context& context, std::string_view name);

// An Arrow IPC stream; errors are within `where`. Hostile input.
Result<data::Batch> RowsFromArrow(const data::Schema& schema, std::string_view bytes, std::string_view where);

// A row a row, with the id, scores, decision or class, version, arm and violations.
data::Batch PredictTable(const serve::PredictResult& result);

Status CheckLabelCount(std::size_t count);  // at least one, at most limit rows_per_request_max
// {"accepted", "repeated", "durable", "unknown_count", "unknown", ...}, with a "message" about unknown ids.
Result<Json> TellLabels(const Context& context, const Caller& caller, std::string_view endpoint, const flow::LabelBatch& batch);

}  // namespace sw::native
