#include "api/open_inference/grpc_infer.h"

#include <proto/open_inference.pb.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "api/wire/predict.h"
#include "base/errors.h"

namespace sw::open_inference {
namespace {

using inference::InferParameter;
using inference::InferTensorContents;
using inference::ModelInferRequest;
using inference::ModelInferResponse;
using Parameters = google::protobuf::Map<std::string, InferParameter>;

Result<std::string> TextParameter(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::string();
  if (found->second.parameter_choice_case() == InferParameter::kStringParam) return found->second.string_param();
  return InvalidArgument("parameters.{} must be a text", name);
}

Result<std::optional<serve::Priority>> PriorityParameter(const Parameters& parameters) {
  const auto found = parameters.find("priority");
  if (found == parameters.end()) return std::nullopt;
  const InferParameter& value = found->second;
  switch (value.parameter_choice_case()) {
    case InferParameter::kStringParam: return SW_TRY(serve::ParsePriority(value.string_param()));
    case InferParameter::kUint64Param: return PriorityOfNumber(value.uint64_param());
    case InferParameter::kInt64Param:
      if (value.int64_param() >= 0) return PriorityOfNumber(static_cast<std::uint64_t>(value.int64_param()));
      break;
    default: break;
  }
  return InvalidArgument("parameters.priority must be high, normal, low, or a number from 0");
}

std::size_t CountOf(const InferTensorContents& contents) {
  return static_cast<std::size_t>(contents.bool_contents_size() + contents.int_contents_size() + contents.int64_contents_size() +
                                  contents.uint_contents_size() + contents.uint64_contents_size() + contents.fp32_contents_size() +
                                  contents.fp64_contents_size() + contents.bytes_contents_size());
}

// Integers of a field that may be wider than the type.
template <typename Values>
Status AppendIntegers(const std::string& name, wire::DataType type, const Values& values, std::int64_t least, std::int64_t greatest,
                      data::Column& column) {
  for (const auto value : values) {
    if (std::cmp_less(value, least) || std::cmp_greater(value, greatest)) {
      return InvalidArgument("input {}: {} is out of {}'s range", name, value, wire::DataTypeName(type));
    }
    column.AppendInt(static_cast<std::int64_t>(value));
  }
  return Ok();
}

// The values of the one field that the type has; the others must be empty.
Status AppendContents(const std::string& name, wire::DataType type, const InferTensorContents& contents, data::Column& column) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  switch (type) {
    case wire::DataType::kBool:
      for (const bool value : contents.bool_contents()) column.AppendBool(value);
      return Ok();
    case wire::DataType::kInt8: return AppendIntegers(name, type, contents.int_contents(), -128, 127, column);
    case wire::DataType::kInt16: return AppendIntegers(name, type, contents.int_contents(), -32'768, 32'767, column);
    case wire::DataType::kInt32: return AppendIntegers(name, type, contents.int_contents(), INT32_MIN, INT32_MAX, column);
    case wire::DataType::kInt64: return AppendIntegers(name, type, contents.int64_contents(), INT64_MIN, kMax, column);
    case wire::DataType::kUint8: return AppendIntegers(name, type, contents.uint_contents(), 0, 255, column);
    case wire::DataType::kUint16: return AppendIntegers(name, type, contents.uint_contents(), 0, 65'535, column);
    case wire::DataType::kUint32: return AppendIntegers(name, type, contents.uint_contents(), 0, UINT32_MAX, column);
    case wire::DataType::kUint64: return AppendIntegers(name, type, contents.uint64_contents(), 0, kMax, column);
    case wire::DataType::kFp32:
      for (const float value : contents.fp32_contents()) column.AppendDouble(static_cast<double>(value));
      return Ok();
    case wire::DataType::kFp64:
      for (const double value : contents.fp64_contents()) column.AppendDouble(value);
      return Ok();
    case wire::DataType::kBytes:
      for (const std::string& value : contents.bytes_contents()) column.AppendString(value);
      return Ok();
    case wire::DataType::kFp16:
    case wire::DataType::kBf16:
      return InvalidArgument("input {}: {} has no contents field; send it in raw_input_contents", name, wire::DataTypeName(type));
  }
  return Ok();
}

Result<wire::Tensor> TensorOf(const ModelInferRequest::InferInputTensor& input, const std::string* raw) {
  const auto type = SW_TRY(wire::ParseDataType(input.datatype()));
  std::vector<std::int64_t> shape(input.shape().begin(), input.shape().end());
  if (shape.empty() || shape.size() > 8) return InvalidArgument("input {}: shape has {} sizes, expected 1 or 2", input.name(), shape.size());
  if (raw != nullptr) return wire::TensorFromBytes(input.name(), type, std::move(shape), *raw);
  wire::Tensor tensor{input.name(), type, std::move(shape), data::Column(wire::ColumnTypeOf(type))};
  const std::size_t count = SW_TRY(wire::CountOf(tensor.shape));
  SW_TRY(AppendContents(input.name(), type, input.contents(), tensor.values));
  if (CountOf(input.contents()) != tensor.values.size()) {
    return InvalidArgument("input {}: its contents are not in the field of {}", input.name(), wire::DataTypeName(type));
  }
  if (tensor.values.size() == count) return tensor;
  return InvalidArgument("input {}: {} values, its shape is of {}", input.name(), tensor.values.size(), count);
}

Status ParseInputs(const ModelInferRequest& request, InferRequest& infer) {
  infer.is_binary = request.raw_input_contents_size() > 0;
  if (infer.is_binary && request.raw_input_contents_size() != request.inputs_size()) {
    return InvalidArgument("{} raw_input_contents for {} inputs", request.raw_input_contents_size(), request.inputs_size());
  }
  for (int i = 0; i < request.inputs_size(); ++i) {
    const auto& input = request.inputs(i);
    if (infer.is_binary && input.has_contents()) {
      return InvalidArgument("input {} has contents, and there are raw_input_contents; send one of them", input.name());
    }
    infer.inputs.push_back(SW_TRY(TensorOf(input, infer.is_binary ? &request.raw_input_contents(i) : nullptr)));
  }
  return Ok();
}

void AddTyped(std::string_view output, const serve::PredictResult& result, ModelInferResponse::InferOutputTensor& tensor) {
  InferTensorContents& contents = *tensor.mutable_contents();
  if (output == "prediction") {
    contents.mutable_fp64_contents()->Add(result.scores.begin(), result.scores.end());
    return;
  }
  for (std::size_t row = 0; row < result.rows(); ++row) {
    if (output == "decision") contents.add_bool_contents(result.decisions[row]);
    if (output == "class") contents.add_bytes_contents(result.ClassOf(row).value_or(""));
    if (output == "version") contents.add_int64_contents(result.versions[row]);
    if (output == "prediction_id") contents.add_bytes_contents(result.ids[row]);
  }
}

}  // namespace

Result<InferRequest> ParseInfer(const ModelInferRequest& request, const serve::Outputs& outputs) {
  InferRequest infer;
  infer.id = request.id();
  infer.unit = SW_TRY(TextParameter(request.parameters(), "unit"));
  infer.prediction_id = SW_TRY(TextParameter(request.parameters(), "prediction_id"));
  infer.priority = SW_TRY(PriorityParameter(request.parameters()));
  if (request.inputs().empty()) return InvalidArgument("there are no inputs");
  SW_TRY(ParseInputs(request, infer));
  for (const auto& output : request.outputs()) SW_TRY(WantOutput({output.name(), infer.is_binary}, outputs, infer));
  return infer;
}

Status FillInferResponse(const InferRequest& infer, std::string_view model, const serve::PredictResult& result,
                         ModelInferResponse& response) {
  response.set_model_name(std::string(model));
  response.set_model_version(wire::AnsweredVersion(result));
  response.set_id(infer.id.empty() ? result.request_id : infer.id);
  (*response.mutable_parameters())["request_id"].set_string_param(result.request_id);
  (*response.mutable_parameters())["logged"].set_bool_param(result.logged);
  const std::vector<OutputSpec> specs = OutputSpecs(*result.outputs);
  const std::vector<WantedOutput> usual = {{"prediction", infer.is_binary}};
  for (const WantedOutput& wanted : infer.outputs.empty() ? usual : infer.outputs) {
    const auto spec = std::ranges::find(specs, wanted.name, &OutputSpec::name);
    if (spec == specs.end()) return Unavailable("{} has other outputs now; retry", model);
    ModelInferResponse::InferOutputTensor& tensor = *response.add_outputs();
    tensor.set_name(wanted.name);
    tensor.set_datatype(std::string(wire::DataTypeName(spec->type)));
    tensor.add_shape(static_cast<std::int64_t>(result.rows()));
    if (spec->width > 1) tensor.add_shape(static_cast<std::int64_t>(spec->width));
    if (infer.is_binary) {
      response.add_raw_output_contents(BytesOf(wanted.name, result));
    } else {
      AddTyped(wanted.name, result, tensor);
    }
  }
  return Ok();
}

}  // namespace sw::open_inference
