#include "model/model_reader.h"

#include <sys/stat.h>

#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "model/formats/mlflow.h"
#include "model/formats/onnx.h"

namespace sw::model {
namespace {

constexpr std::uint64_t kMlmodelBytesMax = 256u << 10;
constexpr std::uint64_t kExampleBytesMax = 16u << 20;

// Folder and name of a path; "." for a bare name.
std::pair<std::string, std::string> Split(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == path.npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// Puts the tensors that an ONNX model keeps in files of `folder` inside.
Result<std::string> WithTensors(std::string bytes, const std::string& folder) {
  if (!LooksLikeOnnx(bytes) || ReadOnnxOutline(bytes)) return bytes;
  return WithOnnxTensors(bytes, [&](const std::string& location) {
    return base::ReadFileWithin(folder, location, kOnnxBytesMax);
  });
}

Result<StoredModel> ReadFromFile(const std::string& path) {
  StoredModel model;
  model.bytes =
      SW_TRY(WithTensors(SW_TRY(base::ReadFile(path, kModelBytesMax)), Split(path).first));
  model.format = SW_TRY(DetectFormat(model.bytes));
  return model;
}

std::unexpected<Error> NoPlan(const std::string& folder) {
  return InvalidArgument(
      "a scikit-learn model is stored as Python objects, which are never opened; write a plan "
      "beside it, in your own "
      "environment: seaworthy_export.save(model, \"{}\", rows)",
      base::JoinPath(folder, kMlflowPlanFile));
}

// An example that cannot be kept is no reason to refuse the model; the origin says why.
void KeepExample(const std::string& folder, const MlflowModel& mlflow, StoredModel& model) {
  if (mlflow.example_path.empty()) return;
  const auto read = [&]() -> Result<data::Batch> {
    const std::string text =
        SW_TRY(base::ReadFileWithin(folder, mlflow.example_path, kExampleBytesMax));
    return ParseMlflowExample(text, mlflow.columns);
  };
  auto example = read();
  if (example) {
    model.example = *std::move(example);
  } else {
    model.origin.Set("example_not_kept", example.error().message);
  }
}

Result<StoredModel> ReadFromMlflow(const std::string& folder) {
  const MlflowModel mlflow =
      SW_TRY(ParseMlmodel(SW_TRY(base::ReadFileWithin(folder, kMlmodelFile, kMlmodelBytesMax))));
  auto bytes = base::ReadFileWithin(folder, mlflow.data_path, kModelBytesMax);
  const bool is_absent = !bytes && bytes.error().code == ErrorCode::kNotFound;
  if (is_absent && mlflow.flavor == "sklearn") return NoPlan(folder);
  StoredModel model;
  const std::string below = base::JoinPath(folder, Split(mlflow.data_path).first);
  model.bytes = SW_TRY(WithTensors(SW_TRY(std::move(bytes)), below));
  auto format = DetectFormat(model.bytes);
  if (!format) return std::unexpected(std::move(format).error().Within(mlflow.data_path));
  model.format = *std::move(format);
  const std::string_view expected =
      mlflow.flavor == "sklearn" ? "plan" : std::string_view(mlflow.flavor);
  if (model.format != expected) {
    return InvalidArgument("MLmodel: {} is of flavor {}, found {}", mlflow.data_path, mlflow.flavor,
                           model.format);
  }
  model.columns = mlflow.columns;
  model.origin = mlflow.origin;
  KeepExample(folder, mlflow, model);
  return model;
}

bool IsFolder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

bool IsMlflowFolder(const std::string& path) {
  return base::Exists(base::JoinPath(path, kMlmodelFile));
}

Result<StoredModel> ReadModel(const std::string& path) {
  if (IsFolder(path) && !IsMlflowFolder(path)) {
    return InvalidArgument("{} is a folder without a file id or MLmodel, so it is no package folder and no MLflow model", path);
  }
  auto model = IsMlflowFolder(path) ? ReadFromMlflow(path) : ReadFromFile(path);
  if (!model) return std::unexpected(std::move(model).error().Within(path));
  return model;
}

Result<std::unique_ptr<Engine>> MakeEngine(const StoredModel& model, EngineOptions options) {
  if (options.columns.empty() && model.format != "plan") {
    for (const data::Field& field : model.columns.fields) options.columns.push_back(field.name);
  }
  return MakeEngine(model.format, model.bytes, options);
}

}  // namespace sw::model
