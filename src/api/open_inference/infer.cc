#include "api/open_inference/infer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "api/wire/json_body.h"
#include "api/wire/predict.h"
#include "base/errors.h"

namespace sw::open_inference {
namespace {

constexpr std::string_view kLengthHeader = "Inference-Header-Content-Length";
constexpr OutputSpec kOutputs[] = {{"prediction", wire::DataType::kFp64},
                                   {"decision", wire::DataType::kBool},
                                   {"version", wire::DataType::kInt64},
                                   {"prediction_id", wire::DataType::kBytes}};

// The JSON part and what follows it.
struct Parts {
  std::string_view json, binary;
  bool has_binary = false;
};

Result<Parts> SplitBody(const net::Request& request) {
  const std::string_view body = request.body;
  const std::string* header = request.headers.Find(kLengthHeader);
  if (header == nullptr) return Parts{body, {}, false};
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(header->data(), header->data() + header->size(), length);
  if (error != std::errc() || end != header->data() + header->size()) {
    return InvalidArgument("{}: {} is no length", kLengthHeader, header->substr(0, 32));
  }
  if (length > body.size()) return InvalidArgument("{}: {} of a body of {} bytes", kLengthHeader, length, body.size());
  if (length == 0) {
    return InvalidArgument("{}: 0, a body without JSON, is not read; describe the inputs in JSON", kLengthHeader);
  }
  return Parts{body.substr(0, length), body.substr(length), true};
}

Result<std::vector<std::int64_t>> ShapeOf(const Json& input, const std::string& name) {
  const Json* sizes = input.Find("shape");
  if (sizes == nullptr || !sizes->IsArray()) return InvalidArgument("input {}: shape must be an array of sizes", name);
  std::vector<std::int64_t> shape;
  for (const Json& size : sizes->AsArray()) {
    if (!size.IsInt()) return InvalidArgument("input {}: shape has {}", name, size.Dump().substr(0, 32));
    shape.push_back(size.AsInt());
  }
  if (shape.empty() || shape.size() > 8) return InvalidArgument("input {}: shape has {} sizes, expected 1 or 2", name, shape.size());
  return shape;
}

// A member of `parameters`, if there is one of that name.
const Json* Parameter(const Json& object, std::string_view name) {
  const Json* parameters = object.Find("parameters");
  return parameters == nullptr || !parameters->IsObject() ? nullptr : parameters->Find(name);
}

Result<wire::Tensor> ParseInput(const Json& input, Parts& parts) {
  if (!input.IsObject()) return InvalidArgument("inputs must hold objects, found {}", input.TypeName());
  std::string name = SW_TRY(input.GetString("name"));
  const auto type = SW_TRY(wire::ParseDataType(SW_TRY(input.GetString("datatype"))));
  std::vector<std::int64_t> shape = SW_TRY(ShapeOf(input, name));
  const Json* size = Parameter(input, "binary_data_size");
  const Json* data = input.Find("data");
  if (size == nullptr) {
    if (data == nullptr) return InvalidArgument("input {} has neither data nor binary_data_size", name);
    return wire::TensorFromJson(std::move(name), type, std::move(shape), *data);
  }
  if (data != nullptr) return InvalidArgument("input {} has both data and binary_data_size", name);
  if (!size->IsInt() || size->AsInt() < 0) return InvalidArgument("input {}: binary_data_size must be a length", name);
  const auto length = static_cast<std::size_t>(size->AsInt());
  if (length > parts.binary.size()) {
    return InvalidArgument("input {}: binary_data_size is {}, {} bytes are left", name, length, parts.binary.size());
  }
  const std::string_view bytes = parts.binary.substr(0, length);
  parts.binary.remove_prefix(length);
  return wire::TensorFromBytes(std::move(name), type, std::move(shape), bytes);
}

Result<bool> FlagOr(const Json& object, std::string_view name, bool fallback) {
  const Json* value = Parameter(object, name);
  if (value == nullptr) return fallback;
  if (value->IsBool()) return value->AsBool();
  return InvalidArgument("parameters.{} must be true or false, found {}", name, value->TypeName());
}

Result<std::string> TextParameter(const Json& body, std::string_view name) {
  const Json* value = Parameter(body, name);
  if (value == nullptr) return std::string();
  if (value->IsString()) return value->AsString();
  return InvalidArgument("parameters.{} must be a text, found {}", name, value->TypeName());
}

Status ParseOutputs(const Json& body, InferRequest& infer) {
  const Json* outputs = body.Find("outputs");
  if (outputs == nullptr || outputs->IsNull()) return Ok();
  if (!outputs->IsArray()) return InvalidArgument("outputs must be an array, found {}", outputs->TypeName());
  for (const Json& output : outputs->AsArray()) {
    if (!output.IsObject()) return InvalidArgument("outputs must hold objects, found {}", output.TypeName());
    WantedOutput wanted{SW_TRY(output.GetString("name")), SW_TRY(FlagOr(output, "binary_data", infer.is_binary))};
    if (std::ranges::find(kOutputs, wanted.name, &OutputSpec::name) == std::end(kOutputs)) {
      return InvalidArgument("unexpected output {}; there are prediction, decision, version and prediction_id", wanted.name);
    }
    infer.outputs.push_back(std::move(wanted));
  }
  return Ok();
}

template <typename T>
void AppendRaw(T value, std::string& bytes) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof value);
}

std::string BytesOf(std::string_view output, const serve::PredictResult& result) {
  std::string bytes;
  for (std::size_t row = 0; row < result.scores.size(); ++row) {
    if (output == "prediction") AppendRaw(result.scores[row], bytes);
    if (output == "decision") bytes.push_back(result.decisions[row] ? 1 : 0);
    if (output == "version") AppendRaw(result.versions[row], bytes);
    if (output == "prediction_id") {
      AppendRaw(static_cast<std::uint32_t>(result.ids[row].size()), bytes);
      bytes += result.ids[row];
    }
  }
  return bytes;
}

Json DataOf(std::string_view output, const serve::PredictResult& result) {
  Json data = Json::MakeArray();
  for (std::size_t row = 0; row < result.scores.size(); ++row) {
    if (output == "prediction") data.Append(result.scores[row]);
    if (output == "decision") data.Append(static_cast<bool>(result.decisions[row]));
    if (output == "version") data.Append(result.versions[row]);
    if (output == "prediction_id") data.Append(result.ids[row]);
  }
  return data;
}

}  // namespace

std::span<const OutputSpec> OutputSpecs() { return kOutputs; }

Result<InferRequest> ParseInfer(const net::Request& request) {
  Parts parts = SW_TRY(SplitBody(request));
  const Json body = SW_TRY(wire::ParseJsonBody(parts.json));
  if (!body.IsObject()) return InvalidArgument("the body must be an object, found {}", body.TypeName());
  InferRequest infer;
  if (body.Has("id")) infer.id = SW_TRY(body.GetString("id"));
  infer.unit = SW_TRY(TextParameter(body, "unit"));
  infer.prediction_id = SW_TRY(TextParameter(body, "prediction_id"));
  infer.is_binary = SW_TRY(FlagOr(body, "binary_data_output", false));
  for (const Json& input : SW_TRY(body.GetArray("inputs"))->AsArray()) {
    infer.inputs.push_back(SW_TRY(ParseInput(input, parts)));
  }
  if (!parts.binary.empty()) return InvalidArgument("{} bytes are left after the inputs' binary data", parts.binary.size());
  SW_TRY(ParseOutputs(body, infer));
  return infer;
}

net::Response InferResponse(const InferRequest& infer, std::string_view model, const serve::PredictResult& result) {
  std::vector<WantedOutput> wanted = infer.outputs;
  if (wanted.empty()) wanted.push_back({"prediction", infer.is_binary});
  const auto rows = static_cast<std::int64_t>(result.scores.size());
  Json outputs = Json::MakeArray();
  std::string binary;
  for (const WantedOutput& each : wanted) {
    const auto* spec = std::ranges::find(kOutputs, each.name, &OutputSpec::name);
    Json output = Json::MakeObject(
        {{"name", each.name}, {"datatype", wire::DataTypeName(spec->type)}, {"shape", Json::MakeArray({rows})}});
    if (each.is_binary) {
      const std::string bytes = BytesOf(each.name, result);
      output.Set("parameters", Json::MakeObject({{"binary_data_size", bytes.size()}}));
      binary += bytes;
    } else {
      output.Set("data", DataOf(each.name, result));
    }
    outputs.Append(std::move(output));
  }
  const Json body = Json::MakeObject({{"model_name", model},
                                      {"model_version", wire::AnsweredVersion(result)},
                                      {"id", infer.id.empty() ? result.request_id : infer.id},
                                      {"parameters", Json::MakeObject({{"request_id", result.request_id},
                                                                       {"logged", result.logged}})},
                                      {"outputs", std::move(outputs)}});
  net::Response response = net::JsonResponse(200, body);
  if (binary.empty()) return response;
  response.headers.Set("Content-Type", "application/octet-stream");
  response.headers.Add(std::string(kLengthHeader), fmt::format("{}", response.body.size()));
  response.body += binary;
  return response;
}

}  // namespace sw::open_inference
