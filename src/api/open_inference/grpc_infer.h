// ModelInfer's messages, from and to what the HTTP wire has. Inside this room only. Hostile input. Pure.
#pragma once

#include <string_view>

#include "api/open_inference/infer.h"
#include "base/result.h"
#include "serve/endpoints.h"

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
}  // namespace inference

namespace sw::open_inference {

// INVALID_ARGUMENT names the input that is wrong. `is_binary`: of the answer, as it is of the request.
Result<InferRequest> ParseInfer(const inference::ModelInferRequest& request, const serve::Outputs& outputs);

// UNAVAILABLE when the endpoint has other outputs than when it was asked.
Status FillInferResponse(const InferRequest& infer, std::string_view model, const serve::PredictResult& result,
                         inference::ModelInferResponse& response);

}  // namespace sw::open_inference
