#include "api/native/endpoint_api.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/errors.h"

namespace sw::native {
namespace {

constexpr std::size_t kCategoriesMax = 200;  // named in a document

const data::ColumnContract* ContractOf(const serve::EndpointSnapshot& endpoint, std::string_view column) {
  const serve::Arm* live = endpoint.Live();
  if (live == nullptr) return nullptr;
  const auto& columns = live->package->content().contract.columns;
  const auto found = std::ranges::find(columns, column, &data::ColumnContract::name);
  return found == columns.end() ? nullptr : &*found;
}

Json TypeOf(const data::Field& field) {
  const char* type = "string";
  if (field.type == data::Type::kBool) type = "boolean";
  if (field.type == data::Type::kInt64) type = "integer";
  if (field.type == data::Type::kFloat64) type = "number";
  return field.nullable ? Json::MakeArray({type, "null"}) : Json(type);
}

// A value such as the model was trained on.
Json ExampleOf(const data::Field& field, const data::ColumnContract* contract) {
  if (contract != nullptr && !contract->categories.empty()) return contract->categories.front();
  switch (field.type) {
    case data::Type::kBool: return true;
    case data::Type::kString: return "";
    case data::Type::kTimestamp: return "2013-06-01T12:00:00Z";
    case data::Type::kInt64:
    case data::Type::kFloat64: break;
  }
  if (contract == nullptr || !contract->min || !contract->max) return 0;
  const double middle = *contract->min + (*contract->max - *contract->min) / 2;
  if (field.type == data::Type::kInt64) return static_cast<std::int64_t>(middle);
  return middle;
}

Json ColumnSchema(const serve::EndpointSnapshot& endpoint, const data::Field& field) {
  const data::ColumnContract* contract = ContractOf(endpoint, field.name);
  Json schema = Json::MakeObject({{"type", TypeOf(field)}});
  if (field.type == data::Type::kTimestamp) schema.Set("format", "date-time");
  schema.Set("example", ExampleOf(field, contract));
  if (contract == nullptr) return schema;
  Json trained = Json::MakeObject();
  if (contract->min) trained.Set("minimum", *contract->min);
  if (contract->max) trained.Set("maximum", *contract->max);
  if (!contract->categories.empty() && contract->categories.size() <= kCategoriesMax) {
    trained.Set("categories", Json::FromRange(contract->categories));
  }
  if (trained.size() > 0) schema.Set("x-trained-on", std::move(trained));
  return schema;
}

Json ArrayOf(Json items) { return Json::MakeObject({{"type", "array"}, {"items", std::move(items)}}); }
Json Text() { return Json::MakeObject({{"type", "string"}}); }
Json Ref(std::string_view name) { return Json::MakeObject({{"$ref", fmt::format("#/components/schemas/{}", name)}}); }

Json Object(std::initializer_list<Json::Member> properties, std::initializer_list<Json> required) {
  return Json::MakeObject(
      {{"type", "object"}, {"required", Json::MakeArray(required)}, {"properties", Json::MakeObject(properties)}});
}

Json Content(Json schema) {
  return Json::MakeObject({{"content", Json::MakeObject({{"application/json", Json::MakeObject({{"schema", std::move(schema)}})}})}});
}

Json Operation(std::string_view id, std::string_view summary, Json request, Json response) {
  Json answered = Content(std::move(response));
  answered.Set("description", "The predictions.");
  Json body = Content(std::move(request));
  body.Set("required", true);
  Json refused = Content(Json::MakeObject());
  refused.Set("description", "What is wrong, by name.");
  return Json::MakeObject(
      {{"post", Json::MakeObject({{"operationId", id},
                                  {"summary", summary},
                                  {"security", Json::MakeArray({Json::MakeObject({{"key", Json::MakeArray()}})})},
                                  {"requestBody", std::move(body)},
                                  {"responses", Json::MakeObject({{"200", std::move(answered)}, {"default", std::move(refused)}})}})}});
}

Json RowSchema(const serve::EndpointSnapshot& endpoint) {
  Json properties = Json::MakeObject(), required = Json::MakeArray();
  for (const data::Field& field : endpoint.request.fields) {
    properties.Set(field.name, ColumnSchema(endpoint, field));
    required.Append(field.name);
  }
  return Json::MakeObject({{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(properties)}});
}

Json PredictionSchema(const serve::EndpointSnapshot& endpoint) {
  const Json number = Json::MakeObject({{"type", "number"}});
  Json properties = Json::MakeObject({{"id", Text()}});
  if (endpoint.outputs->count == 1) {
    properties.Set("score", number);
    properties.Set("decision", Json::MakeObject({{"type", "boolean"}, {"description", fmt::format("score >= {}", endpoint.threshold)}}));
  } else if (endpoint.outputs->names.empty()) {
    properties.Set("scores", ArrayOf(number));
  } else {
    Json scores = Json::MakeObject();
    for (const std::string& name : endpoint.outputs->names) scores.Set(name, number);
    properties.Set("scores", Json::MakeObject({{"type", "object"}, {"properties", std::move(scores)}}));
  }
  if (endpoint.outputs->are_classes) properties.Set("class", Text());
  properties.Set("version", Json::MakeObject({{"type", "integer"}}));
  properties.Set("arm", Text());
  properties.Set("violations", Json::MakeObject({{"type", "integer"}, {"description", "of what the model was trained on"}}));
  return Json::MakeObject({{"type", "object"}, {"properties", std::move(properties)}});
}

Json Paths(const serve::EndpointSnapshot& endpoint) {
  const std::string& name = endpoint.name;
  Json paths = Json::MakeObject();
  paths.Set(fmt::format("/seaworthy/v1/endpoints/{}/predict", name),
            Operation("predict", "Scores rows, columns by name.",
                      Object({{"rows", ArrayOf(Ref("Row"))}, {"ids", ArrayOf(Text())}, {"unit", Text()},
                              {"version", Json::MakeObject({{"type", "integer"}})}}, {"rows"}),
                      Object({{"request_id", Text()}, {"logged", Json::MakeObject({{"type", "boolean"}})},
                              {"predictions", ArrayOf(Ref("Prediction"))}}, {"request_id", "predictions"})));
  paths.Set(fmt::format("/seaworthy/v1/endpoints/{}/labels", name),
            Operation("label", "Tells the truth about predictions, by their ids.",
                      Object({{"labels", ArrayOf(Object({{"id", Text()}, {"label", Json::MakeObject({{"type", "number"}})}}, {"id", "label"}))}}, {"labels"}),
                      Json::MakeObject({{"type", "object"}})));
  paths.Set(fmt::format("/v2/models/{}/infer", name),
            Operation("infer", "Open Inference Protocol V2: an input a column, or one matrix.",
                      Object({{"id", Text()}, {"inputs", ArrayOf(Ref("Tensor"))}}, {"inputs"}),
                      Object({{"model_name", Text()}, {"model_version", Text()}, {"outputs", ArrayOf(Ref("Tensor"))}}, {"outputs"})));
  paths.Set(fmt::format("/v1/models/{}:predict", name),
            Operation("instances", "TensorFlow Serving's and KServe's V1.", Object({{"instances", ArrayOf(Ref("Row"))}}, {"instances"}),
                      Object({{"predictions", ArrayOf(Json::MakeObject())}}, {"predictions"})));
  return paths;
}

}  // namespace

Json EndpointApi(const serve::EndpointSnapshot& endpoint, std::string_view program_version) {
  const Json tensor = Object({{"name", Text()}, {"shape", ArrayOf(Json::MakeObject({{"type", "integer"}}))}, {"datatype", Text()},
                              {"data", ArrayOf(Json::MakeObject())}}, {"name", "shape", "datatype", "data"});
  const Json key = Json::MakeObject({{"type", "http"}, {"scheme", "bearer"}, {"description", "An API key, where the server has any."}});
  const serve::Arm* live = endpoint.Live();
  return Json::MakeObject(
      {{"openapi", "3.1.0"},
       {"info", Json::MakeObject({{"title", endpoint.name},
                                  {"version", live == nullptr ? std::string() : fmt::format("{}", live->version)},
                                  {"description", fmt::format("An endpoint of Seaworthy {}.", program_version)}})},
       {"paths", Paths(endpoint)},
       {"components", Json::MakeObject({{"schemas", Json::MakeObject({{"Row", RowSchema(endpoint)},
                                                                      {"Prediction", PredictionSchema(endpoint)},
                                                                      {"Tensor", tensor}})},
                                        {"securitySchemes", Json::MakeObject({{"key", key}})}})}});
}

}  // namespace sw::native
