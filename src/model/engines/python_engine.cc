#include "model/engines/python_engine.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

#include "base/errors.h"
#include "base/json.h"
#include "data/arrow_stream.h"
#include "embedded/kPythonWorker.h"
#include "model/engines/python_worker.h"
#include "model/folder_hash.h"

namespace sw::model {
namespace {

namespace fs = std::filesystem;

bool IsWithin(const fs::path& folder, const fs::path& path) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

// The folder's real path, inside one that is allowed. Links are followed before it is judged.
Result<std::string> FindFolder(const PythonModel& model, const PythonSettings& settings) {
  for (const std::string& allowed : settings.folders) {
    std::error_code error;
    const fs::path root = fs::weakly_canonical(allowed, error);
    if (error) continue;
    const fs::path found = fs::weakly_canonical(root / model.folder, error);
    if (error || !IsWithin(root, found) || !fs::is_directory(found, error)) continue;
    return found.string();
  }
  return PermissionDenied("Python model: the folder {} is in none of those that python.folders allows: {}", model.folder,
                          settings.folders.empty() ? "it names none" : fmt::format("{}", fmt::join(settings.folders, ", ")));
}

Result<std::string> FindEnvironment(const PythonModel& model, const PythonSettings& settings) {
  const auto found = settings.environments.find(model.environment);
  if (found != settings.environments.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [name, folder] : settings.environments) known.push_back(name);
  return PermissionDenied("Python model: python.environments has no {}; it has {}", model.environment,
                          known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
}

Status CheckContent(const PythonModel& model, const std::string& folder) {
  const std::string found = SW_TRY(FolderHash(folder));
  if (found == model.content) return Ok();
  if (model.content.empty()) {
    return FailedPrecondition("the model file does not say what the folder holds; add \"content\": \"{}\"", found);
  }
  return FailedPrecondition("the folder {} has changed: its content is {}, the model file says {}", folder, found, model.content);
}

PythonWorkerOptions WorkerOptions(const PythonModel& model, const PythonHost& host, const std::string& environment,
                                  const std::string& folder) {
  const PythonSettings& settings = host.settings;
  const Json order = Json::MakeObject({{"folder", folder}, {"entry", model.entry}, {"outputs", model.outputs}});
  base::WorkerSpec process{
      .argv = {environment + "/bin/python", "-I", "-B", "-c", std::string(kPythonWorker)},
      .env = {{"PATH", environment + "/bin:/usr/bin:/bin"}, {"LANG", "C.UTF-8"}, {"TZ", "UTC"},
              // One request at a time on one core; big pools of address space would meet the limit.
              {"OMP_NUM_THREADS", "1"}, {"OPENBLAS_NUM_THREADS", "1"}, {"MKL_NUM_THREADS", "1"},
              {"ARROW_DEFAULT_MEMORY_POOL", "system"}, {"DO_NOT_TRACK", "true"}, {"MLFLOW_DISABLE_TELEMETRY", "true"}},
      .folder = folder,
      .memory_bytes_max = settings.memory_bytes_max,
      .message_bytes_max = settings.answer_bytes_max,
      .has_network = settings.allow_network,
      .stop = host.stop};
  return {.name = fmt::format("Python model {}", model.folder),
          .process = std::move(process),
          .order = order.Dump(),
          .check = [model, folder] { return CheckContent(model, folder); },
          .start_time_max = settings.start_time_max,
          .call_time_max = settings.call_time_max,
          .waiting_max = settings.calls_waiting_max,
          .backoff = settings.backoff};
}

// The columns that the model itself names when it is ready: {"inputs": [...] or null}.
Result<std::vector<std::string>> NamedInputs(const std::string& ready) {
  const Json json = SW_TRY(Json::Parse(ready));
  std::vector<std::string> names;
  const Json* inputs = json.Find("inputs");
  if (inputs != nullptr && inputs->IsArray()) {
    for (const Json& name : inputs->AsArray()) {
      if (!name.IsString()) return InvalidArgument("the model's inputs must be names, found {}", name.TypeName());
      names.push_back(name.AsString());
    }
  }
  if (!names.empty()) return names;
  return InvalidArgument("neither the model nor its file names the input columns; add \"inputs\": [...]");
}

class PythonEngine final : public Engine {
 public:
  PythonEngine(const PythonModel& model, PythonWorkerOptions options, std::shared_ptr<const PythonHost> host)
      : model_(model), inputs_(model.inputs), host_(std::move(host)), worker_(std::move(options), *host_->clock) {}

  Status Start() {
    const std::string ready = SW_TRY(worker_.Start());
    if (!inputs_.empty()) return Ok();
    auto names = NamedInputs(ready);
    if (!names) return std::unexpected(std::move(names).error().Within("Python model " + model_.folder));
    inputs_ = *std::move(names);
    return Ok();
  }

  const std::vector<std::string>& inputs() const override { return inputs_; }
  Exactness exactness() const override { return Exactness::kEngine; }
  std::size_t outputs(Output) const override { return model_.outputs; }
  bool blocks() const override { return true; }
  std::size_t memory_bytes() const override { return sizeof(*this) + worker_.memory_bytes(); }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    if (output == Output::kRaw) return Unimplemented("a Python model has predictions, and no raw scores");
    if (rows.num_rows() == 0) return Ok();
    const data::Batch inputs = SW_TRY(rows.Select(inputs_));
    const std::string answer = SW_TRY(worker_.Call(SW_TRY(data::EncodeArrowStream(inputs))));
    if (Status read = ReadAnswer(answer, rows.num_rows(), scores); !read) {
      return std::unexpected(std::move(read).error().Within(fmt::format("Python model {}: its answer", model_.folder)));
    }
    return Ok();
  }

  Json Describe() const override {
    return Json::MakeObject({{"engine", "python"}, {"environment", model_.environment}, {"folder", model_.folder},
                             {"entry", model_.entry}, {"network", host_->settings.allow_network},
                             {"why", "the model file asks for it, and python.environments and python.folders allow it"}});
  }

 private:
  Status ReadAnswer(const std::string& answer, std::size_t rows, std::span<double> scores) const {
    auto batch = data::DecodeArrowStream(answer, {.rows_max = rows});
    if (!batch) return Internal("{}", batch.error().message);
    if (batch->num_rows() != rows || batch->num_columns() != model_.outputs) {
      return Internal("{} rows of {} predictions, where {} of {} were asked for", batch->num_rows(), batch->num_columns(), rows,
                      model_.outputs);
    }
    for (std::size_t c = 0; c < model_.outputs; ++c) {
      const data::Column& column = batch->column(c);
      if (column.type() != data::Type::kFloat64) return Internal("predictions must be float64");
      for (std::size_t r = 0; r < rows; ++r) scores[r * model_.outputs + c] = column.Double(r);
    }
    return Ok();
  }

  const PythonModel model_;
  std::vector<std::string> inputs_;
  const std::shared_ptr<const PythonHost> host_;
  mutable PythonWorker worker_;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakePythonEngine(const PythonModel& model, std::shared_ptr<const PythonHost> host) {
  if (host == nullptr || host->settings.environments.empty()) {
    return PermissionDenied(
        "Python models are off; the table [python] of the server's configuration names the environments and folders that "
        "may run (docs/models.md)");
  }
  const std::string environment = SW_TRY(FindEnvironment(model, host->settings));
  const std::string folder = SW_TRY(FindFolder(model, host->settings));
  PythonWorkerOptions options = WorkerOptions(model, *host, environment, folder);
  auto engine = std::make_unique<PythonEngine>(model, std::move(options), std::move(host));
  SW_TRY(engine->Start());
  return engine;
}

}  // namespace sw::model
