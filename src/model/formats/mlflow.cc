#include "model/formats/mlflow.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "model/formats/yaml.h"

namespace sw::model {
namespace {

constexpr std::size_t kExampleColumnsMax = 65'536;

struct Flavor {
  std::string_view name;
  std::string_view data_key;     // names the model's file
  std::string_view version_key;  // of the library
};
// A folder of several flavors is read by the first of these.
constexpr std::array kFlavors = {
    Flavor{"lightgbm", "data", "lgb_version"},
    Flavor{"xgboost", "data", "xgb_version"},
    Flavor{"catboost", "data", "catboost_version"},
    Flavor{"onnx", "data", "onnx_version"},
    Flavor{"sklearn", "pickled_model", "sklearn_version"},
};

Result<std::pair<const Flavor*, const Json*>> FindFlavor(const Json& mlmodel) {
  const Json* flavors = mlmodel.Find("flavors");
  if (flavors == nullptr || !flavors->IsObject()) {
    return InvalidArgument("MLmodel: it has no flavors; this is no MLflow model");
  }
  for (const Flavor& flavor : kFlavors) {
    const Json* found = flavors->Find(flavor.name);
    if (found != nullptr && found->IsObject()) return std::pair(&flavor, found);
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : flavors->AsObject()) names.push_back(name);
  return Unimplemented(
      "MLmodel: of the flavors {} none is read; lightgbm, xgboost, catboost, onnx and sklearn are. "
      "Save the model as ONNX, "
      "or run it by the Python engine (docs/models.md)",
      fmt::join(names, ", "));
}

// Refuses what the flavor stores in a form that is not read, and says how to store it.
Status CheckStored(const Flavor& flavor, const Json& stored, const std::string& path) {
  const std::string model =
      stored.StringOr("model_class", stored.StringOr("model_type", "its model"));
  const std::string name = model.substr(model.find_last_of('.') + 1);
  const bool is_python =
      path.ends_with(".pkl") || path.ends_with(".skops") || path.ends_with(".joblib");
  if (flavor.name == "lightgbm" && is_python) {
    return InvalidArgument(
        "MLmodel: {} is a {} as Python objects, which are never opened; save its booster: "
        "mlflow.lightgbm.log_model(model.booster_, ...)",
        path, name);
  }
  if (flavor.name == "catboost" && stored.StringOr("save_format", "cbm") != "json") {
    return InvalidArgument(
        "MLmodel: {} is in CatBoost's format {}; save it as JSON: mlflow.catboost.log_model(model, "
        "..., format=\"json\")",
        path, stored.StringOr("save_format", "cbm"));
  }
  if (is_python && flavor.name != "sklearn") {
    return InvalidArgument("MLmodel: {} holds Python objects, which are never opened", path);
  }
  return Ok();
}

std::optional<data::Type> TypeOf(std::string_view mlflow) {
  constexpr std::array<std::pair<std::string_view, data::Type>, 7> kTypes = {{
      {"boolean", data::Type::kBool},
      {"integer", data::Type::kInt64},
      {"long", data::Type::kInt64},
      {"float", data::Type::kFloat64},
      {"double", data::Type::kFloat64},
      {"string", data::Type::kString},
      {"datetime", data::Type::kTimestamp},
  }};
  for (const auto& [name, type] : kTypes) {
    if (name == mlflow) return type;
  }
  return {};
}

// The columns of a signature. One of tensors, or of columns without names, gives none: the model's own
// names stand.
Result<data::Schema> ReadColumns(const Json& mlmodel) {
  data::Schema schema;
  const Json* signature = mlmodel.Find("signature");
  const std::string text = signature == nullptr ? "" : signature->StringOr("inputs", "");
  if (text.empty()) return schema;
  const auto inputs = Json::Parse(text);
  if (!inputs || !inputs->IsArray())
    return InvalidArgument("MLmodel: the signature's inputs are no JSON array");
  for (const Json& input : inputs->AsArray()) {
    const std::string name = input.StringOr("name", "");
    const std::string type = input.StringOr("type", "");
    if (name.empty() || type == "tensor") return data::Schema();
    const auto known = TypeOf(type);
    if (!known) {
      return InvalidArgument("MLmodel: the signature's column {} is of type {}, which is not read",
                             name, type.empty() ? "(none)" : type);
    }
    if (schema.Find(name))
      return InvalidArgument("MLmodel: the signature has two columns {}", name);
    schema.fields.push_back({name, *known});
  }
  return schema;
}

std::string ExamplePath(const Json& mlmodel) {
  const Json* info = mlmodel.Find("saved_input_example_info");
  if (info == nullptr || info->StringOr("type", "") != "dataframe") return {};
  if (info->StringOr("pandas_orient", "") != "split") return {};
  return info->StringOr("artifact_path", "");
}

Json ReadOrigin(const Json& mlmodel, const Flavor& flavor, const Json& stored) {
  Json origin = Json::MakeObject({{"from", "mlflow"}, {"flavor", flavor.name}});
  const auto keep = [&](std::string_view as, const Json& from, std::string_view key) {
    const Json* value = from.Find(key);
    if (value != nullptr && value->IsString()) origin.Set(as, *value);
  };
  keep("library_version", stored, flavor.version_key);
  keep("model_class", stored, "model_class");
  keep("mlflow_version", mlmodel, "mlflow_version");
  keep("run_id", mlmodel, "run_id");
  keep("model_id", mlmodel, "model_id");
  keep("model_uuid", mlmodel, "model_uuid");
  keep("created", mlmodel, "utc_time_created");
  return origin;
}

// The type that all values of a column have: float64 for numbers, else that of the first.
data::Type Guess(const Json::Array& rows, std::size_t column) {
  bool is_bool = false;
  for (const Json& row : rows) {
    const Json& value = row.AsArray()[column];
    if (value.IsString()) return data::Type::kString;
    is_bool = is_bool || value.IsBool();
  }
  return is_bool ? data::Type::kBool : data::Type::kFloat64;
}

}  // namespace

Result<MlflowModel> ParseMlmodel(std::string_view text) {
  const Json mlmodel = SW_TRY(ParseYaml(text));
  const auto [flavor, stored] = SW_TRY(FindFlavor(mlmodel));
  MlflowModel model;
  model.flavor = flavor->name;
  model.data_path = stored->StringOr(flavor->data_key, "");
  SW_TRY(CheckStored(*flavor, *stored, model.data_path));
  if (flavor->name == "sklearn") model.data_path = kMlflowPlanFile;
  if (model.data_path.empty())
    return InvalidArgument("MLmodel: the flavor {} names no file ({})", flavor->name,
                           flavor->data_key);
  model.columns = SW_TRY(ReadColumns(mlmodel));
  model.example_path = ExamplePath(mlmodel);
  model.origin = ReadOrigin(mlmodel, *flavor, *stored);
  return model;
}

Result<data::Batch> ParseMlflowExample(std::string_view text, const data::Schema& columns) {
  const Json example = SW_TRY(Json::Parse(text));
  const Json* names = SW_TRY(example.GetArray("columns"));
  const Json* data = SW_TRY(example.GetArray("data"));
  if (names->size() > kExampleColumnsMax)
    return InvalidArgument("the input example has {} columns", names->size());
  for (const Json& row : data->AsArray()) {
    if (row.IsArray() && row.size() == names->size()) continue;
    return InvalidArgument("a row of the input example has not {} values", names->size());
  }
  data::Batch batch;
  for (std::size_t i = 0; i < names->size(); ++i) {
    const Json& name = names->AsArray()[i];
    if (!name.IsString()) return InvalidArgument("a column of the input example has no name");
    const auto place = columns.Find(name.AsString());
    if (batch.Find(name.AsString()) != nullptr)
      return InvalidArgument("the input example has two columns {}", name.AsString());
    const data::Type type = place ? columns.fields[*place].type : Guess(data->AsArray(), i);
    data::Column column(type);
    for (const Json& row : data->AsArray()) SW_TRY(column.AppendJson(row.AsArray()[i]));
    batch.AddColumn({name.AsString(), type}, std::move(column));
  }
  return batch;
}

}  // namespace sw::model
