// Infer: the bodies of `POST /v2/models/{model}/infer`, in JSON and in the binary extension. Inside
// this room only. Hostile input. Pure.
//
//   InferRequest infer = SW_TRY(ParseInfer(request, *endpoint->outputs));
//   data::Batch rows = SW_TRY(wire::RowsFromTensors(schema, std::move(infer.inputs)));
//   return InferResponse(infer, "late", result);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/wire/predict.h"
#include "api/wire/tensor.h"
#include "base/json.h"
#include "base/result.h"
#include "net/http.h"
#include "serve/endpoints.h"

namespace sw::open_inference {

inline constexpr std::string_view kPlatform = "seaworthy";
inline constexpr std::string_view kExtensions[] = {"binary_tensor_data", "model_configuration", "model_repository",
                                                  "statistics",         "trace",               "logging"};
// Of a request or an answer whose JSON binary data follow.
inline constexpr std::string_view kLengthHeader = "Inference-Header-Content-Length";
// An endpoint's model is loaded by a rollout, and unloaded by applying another configuration.
Error LoadRefused(std::string_view endpoint);
Error UnloadRefused(std::string_view endpoint);
// As Triton's model configuration has it: TYPE_FP64, TYPE_STRING.
std::string ConfigTypeName(wire::DataType type);

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
  std::optional<serve::Priority> priority = {};  // parameters.priority
};

// Gives `predict` the request's rows, which it then lacks, and what else it says of them.
Status TakeInputs(InferRequest& infer, const wire::Target& target, serve::PredictRequest& predict);

// Triton's numbers, where 0 is the default and 1 the most urgent.
serve::Priority PriorityOfNumber(std::uint64_t number);

// An output that an endpoint has.
struct OutputSpec {
  std::string_view name;
  wire::DataType type = wire::DataType::kFp64;
  std::size_t width = 1;  // values a row

  // Of so many rows, or -1: [rows], or [rows, width] of several.
  Json Shape(std::int64_t rows) const;
};
// "prediction" (FP64), "decision" (BOOL) or of classes "class" (BYTES), "version" (INT64),
// "prediction_id" (BYTES).
std::vector<OutputSpec> OutputSpecs(const serve::Outputs& outputs);

// Adds an output that is asked for; INVALID_ARGUMENT when there is none of that name, or it is there already.
Status WantOutput(WantedOutput wanted, const serve::Outputs& outputs, InferRequest& infer);
// An output's values as the binary extension has them.
std::string BytesOf(std::string_view output, const serve::PredictResult& result);

// INVALID_ARGUMENT names the member, the input or the length that is wrong.
Result<InferRequest> ParseInfer(const net::Request& request, const serve::Outputs& outputs);

net::Response InferResponse(const InferRequest& infer, std::string_view model, const serve::PredictResult& result);

}  // namespace sw::open_inference
