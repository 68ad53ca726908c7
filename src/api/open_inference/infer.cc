#include "api/open_inference/infer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "api/wire/json_body.h"
#include "base/errors.h"

namespace sw::open_inference {
namespace {

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

Result<std::optional<serve::Priority>> PriorityParameter(const Json& body) {
  const Json* value = Parameter(body, "priority");
  if (value == nullptr) return std::nullopt;
  if (value->IsString()) return SW_TRY(serve::ParsePriority(value->AsString()));
  if (value->IsInt() && value->AsInt() >= 0) return PriorityOfNumber(static_cast<std::uint64_t>(value->AsInt()));
  return InvalidArgument("parameters.priority must be high, normal, low, or a number from 0, found {}", value->TypeName());
}

std::string NamesOf(const std::vector<OutputSpec>& specs) {
  std::vector<std::string_view> names;
  for (const OutputSpec& spec : specs) names.push_back(spec.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Status ParseOutputs(const Json& body, const serve::Outputs& known, InferRequest& infer) {
  const Json* outputs = body.Find("outputs");
  if (outputs == nullptr || outputs->IsNull()) return Ok();
  if (!outputs->IsArray()) return InvalidArgument("outputs must be an array, found {}", outputs->TypeName());
  for (const Json& output : outputs->AsArray()) {
    if (!output.IsObject()) return InvalidArgument("outputs must hold objects, found {}", output.TypeName());
    SW_TRY(WantOutput({SW_TRY(output.GetString("name")), SW_TRY(FlagOr(output, "binary_data", infer.is_binary))}, known, infer));
  }
  return Ok();
}

template <typename T>
void AppendRaw(T value, std::string& bytes) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof value);
}

void AppendText(std::string_view text, std::string& bytes) {
  AppendRaw(static_cast<std::uint32_t>(text.size()), bytes);
  bytes += text;
}

Json DataOf(std::string_view output, const serve::PredictResult& result) {
  if (output == "prediction") return Json::FromRange(result.scores);
  Json data = Json::MakeArray();
  for (std::size_t row = 0; row < result.rows(); ++row) {
    if (output == "decision") data.Append(static_cast<bool>(result.decisions[row]));
    if (output == "class") data.Append(result.ClassOf(row).value_or(""));
    if (output == "version") data.Append(result.versions[row]);
    if (output == "prediction_id") data.Append(result.ids[row]);
  }
  return data;
}

}  // namespace

Status WantOutput(WantedOutput wanted, const serve::Outputs& outputs, InferRequest& infer) {
  const std::vector<OutputSpec> specs = OutputSpecs(outputs);
  if (std::ranges::find(specs, wanted.name, &OutputSpec::name) == specs.end()) {
    return InvalidArgument("unexpected output {}; there are {}", wanted.name, NamesOf(specs));
  }
  if (std::ranges::find(infer.outputs, wanted.name, &WantedOutput::name) != infer.outputs.end()) {
    return InvalidArgument("output {} is asked for twice", wanted.name);
  }
  infer.outputs.push_back(std::move(wanted));
  return Ok();
}

Error LoadRefused(std::string_view endpoint) {
  return Unimplemented("{} takes no config and no files here: register a version, and roll it out", endpoint).error();
}

Error UnloadRefused(std::string_view endpoint) {
  return Unimplemented("{} stays loaded for as long as seaworthy.toml has the endpoint; apply one without it", endpoint).error();
}

std::string ConfigTypeName(wire::DataType type) {
  return type == wire::DataType::kBytes ? "TYPE_STRING" : fmt::format("TYPE_{}", wire::DataTypeName(type));
}

Status TakeInputs(InferRequest& infer, const wire::Target& target, serve::PredictRequest& predict) {
  predict.rows = SW_TRY(wire::RowsFromTensors(data::Batch(target.Schema()), std::move(infer.inputs)));
  predict.unit = infer.unit;
  if (infer.priority) predict.priority = *infer.priority;
  wire::SetIds(predict, infer.prediction_id);
  return Ok();
}

std::string BytesOf(std::string_view output, const serve::PredictResult& result) {
  std::string bytes;
  if (output == "prediction") {
    for (const double score : result.scores) AppendRaw(score, bytes);
    return bytes;
  }
  for (std::size_t row = 0; row < result.rows(); ++row) {
    if (output == "decision") bytes.push_back(result.decisions[row] ? 1 : 0);
    if (output == "class") AppendText(result.ClassOf(row).value_or(""), bytes);
    if (output == "version") AppendRaw(result.versions[row], bytes);
    if (output == "prediction_id") AppendText(result.ids[row], bytes);
  }
  return bytes;
}

Json OutputSpec::Shape(std::int64_t rows) const {
  return width == 1 ? Json::MakeArray({rows}) : Json::MakeArray({rows, width});
}

std::vector<OutputSpec> OutputSpecs(const serve::Outputs& outputs) {
  std::vector<OutputSpec> specs;
  specs.reserve(4);
  specs.push_back({"prediction", wire::DataType::kFp64, outputs.count});
  if (outputs.count == 1) specs.push_back({"decision", wire::DataType::kBool});
  if (outputs.are_classes) specs.push_back({"class", wire::DataType::kBytes});
  specs.push_back({"version", wire::DataType::kInt64});
  specs.push_back({"prediction_id", wire::DataType::kBytes});
  return specs;
}

serve::Priority PriorityOfNumber(std::uint64_t number) {
  if (number == 1) return serve::Priority::kHigh;
  return number > 2 ? serve::Priority::kLow : serve::Priority::kNormal;
}

Result<InferRequest> ParseInfer(const net::Request& request, const serve::Outputs& outputs) {
  Parts parts = SW_TRY(SplitBody(request));
  const Json body = SW_TRY(wire::ParseJsonBody(parts.json));
  if (!body.IsObject()) return InvalidArgument("the body must be an object, found {}", body.TypeName());
  InferRequest infer;
  if (body.Has("id")) infer.id = SW_TRY(body.GetString("id"));
  infer.unit = SW_TRY(TextParameter(body, "unit"));
  infer.prediction_id = SW_TRY(TextParameter(body, "prediction_id"));
  infer.is_binary = SW_TRY(FlagOr(body, "binary_data_output", false));
  infer.priority = SW_TRY(PriorityParameter(body));
  for (const Json& input : SW_TRY(body.GetArray("inputs"))->AsArray()) {
    infer.inputs.push_back(SW_TRY(ParseInput(input, parts)));
  }
  if (!parts.binary.empty()) return InvalidArgument("{} bytes are left after the inputs' binary data", parts.binary.size());
  SW_TRY(ParseOutputs(body, outputs, infer));
  return infer;
}

namespace {

// What InferResponse makes of the usual request, written at once.
net::Response UsualResponse(const InferRequest& infer, std::string_view model, const serve::PredictResult& result) {
  net::Response response{200, {{"Content-Type", "application/json"}}, {}};
  std::string& body = response.body;
  body.reserve(320 + model.size() + 24 * result.scores.size());
  body += R"({"model_name":)";
  base::AppendJsonString(body, model);
  body += R"(,"model_version":")";
  body += wire::AnsweredVersion(result);
  body += R"(","id":)";
  base::AppendJsonString(body, infer.id.empty() ? result.request_id : infer.id);
  body += R"(,"parameters":{"request_id":")";
  body += result.request_id;
  body += result.logged ? R"(","logged":true})" : R"(","logged":false})";
  body += R"(,"outputs":[{"name":"prediction","datatype":"FP64","shape":[)";
  body += std::to_string(result.rows());
  if (result.outputs->count > 1) body += "," + std::to_string(result.outputs->count);
  body += R"(],"data":[)";
  for (std::size_t i = 0; i < result.scores.size(); ++i) {
    if (i > 0) body.push_back(',');
    base::AppendJsonDouble(body, result.scores[i]);
  }
  body += "]}]}";
  return response;
}

}  // namespace

net::Response InferResponse(const InferRequest& infer, std::string_view model, const serve::PredictResult& result) {
  if (infer.outputs.empty() && !infer.is_binary) return UsualResponse(infer, model, result);
  std::vector<WantedOutput> wanted = infer.outputs;
  if (wanted.empty()) wanted.push_back({"prediction", infer.is_binary});
  const std::vector<OutputSpec> specs = OutputSpecs(*result.outputs);
  Json outputs = Json::MakeArray();
  std::string binary;
  for (const WantedOutput& each : wanted) {
    const auto spec = std::ranges::find(specs, each.name, &OutputSpec::name);
    if (spec == specs.end()) return wire::PlainError(503, Unavailable("{} has other outputs now; retry", model).error());
    Json output = Json::MakeObject({{"name", each.name},
                                    {"datatype", wire::DataTypeName(spec->type)},
                                    {"shape", spec->Shape(static_cast<std::int64_t>(result.rows()))}});
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
