// ModelSource: what `--model` names, found and loaded: a model file of any format that is read, an
// MLflow model folder, a package folder, a graph of models, or a registered model.
//
//   const LoadedModel model = SW_TRY(LoadModel(settings, "model.txt"));
//   SW_TRY(model.engine().Score(SW_TRY(model.Encoded(rows)), model::Output::kPrediction, scores));
//
// LoadedModel is immutable: thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "data/batch.h"
#include "model/engine.h"
#include "model/package.h"

namespace sw::app {

class LoadedModel {
 public:
  explicit LoadedModel(std::unique_ptr<model::Engine> engine);
  explicit LoadedModel(std::shared_ptr<const model::Package> package);

  const model::Engine& engine() const { return package_ ? package_->engine() : *engine_; }
  // The columns that scoring reads, each once; none for a constant model.
  const std::vector<std::string>& inputs() const { return inputs_; }
  // The rows as the engine reads them.
  Result<data::Batch> Encoded(data::Batch rows) const;

 private:
  std::unique_ptr<model::Engine> engine_;          // of a bare file
  std::shared_ptr<const model::Package> package_;  // of all else
  std::vector<std::string> inputs_;
};

// A file or folder of that name if there is one; else NAME, NAME@ALIAS or NAME:VERSION in the data
// folder that the settings name (the newest version of NAME). NOT_FOUND says where it was looked for.
Result<LoadedModel> LoadModel(const Settings& settings, const std::string& where);

// An engine's columns, each once: a model may read one twice.
std::vector<std::string> DistinctInputs(const model::Engine& engine);

// What models are loaded with: the Python host that the settings' --config file allows.
Result<model::EngineOptions> EnginesOf(const Settings& settings);

// "late@champion" is late and champion, "late:3" late and 3, "late" late and latest.
struct ModelName {
  std::string model;
  std::string version;
};
Result<ModelName> ParseModelName(std::string_view text);

}  // namespace sw::app
