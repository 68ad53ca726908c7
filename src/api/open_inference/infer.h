// Infer: the bodies of `POST /v2/models/{model}/infer`, in JSON and in the binary extension. Inside
// this room only. Hostile input. Pure.
//
//   InferRequest infer = SW_TRY(ParseInfer(request));
//   data::Batch rows = SW_TRY(wire::RowsFromTensors(schema, std::move(infer.inputs)));
//   return InferResponse(infer, "late", result);
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/tensor.h"
#include "base/result.h"
#include "net/http.h"
#include "serve/endpoints.h"

namespace sw::open_inference {

struct WantedOutput {
  std::string name;
  bool is_binary = false;
};

struct InferRequest {
  std::string id;
  std::string unit;                          // parameters.unit: what traffic is split by
  std::string prediction_id;                 // parameters.prediction_id: of the only row, or its beginning
  std::vector<wire::Tensor> inputs;
  std::vector<WantedOutput> outputs;         // empty: the prediction
  bool is_binary = false;                    // parameters.binary_data_output
};

// An output that an endpoint has.
struct OutputSpec {
  std::string_view name;
  wire::DataType type;
};
// "prediction" (FP64), "decision" (BOOL), "version" (INT64), "prediction_id" (BYTES): [rows] each.
std::span<const OutputSpec> OutputSpecs();

// INVALID_ARGUMENT names the member, the input or the length that is wrong.
Result<InferRequest> ParseInfer(const net::Request& request);

net::Response InferResponse(const InferRequest& infer, std::string_view model, const serve::PredictResult& result);

}  // namespace sw::open_inference
