// ReadModel: a model from the disk, whatever it is stored as.
//
//   const StoredModel model = SW_TRY(ReadModel("mlruns/.../artifacts/model"));
//   auto engine = SW_TRY(MakeEngine(model));
//
// Hostile input: a folder's files are opened within it, links are not followed. Values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "model/engine.h"
#include "model/model_file.h"

namespace sw::model {

inline constexpr std::uint64_t kModelBytesMax = 4ull << 30;  // limit model_bytes_max

struct StoredModel {
  std::string format;  // "lightgbm", ...: see DetectFormat
  std::string bytes;   // one file, nothing outside it
  // Of an MLflow folder:
  data::Schema columns;                // the signature's, in its order; none when it has none
  std::optional<data::Batch> example;  // the input example, to replay
  Json origin;                         // where it comes from, for the lineage; null for a bare file
};

// A model file of any format that is read (an ONNX model with the tensors that it keeps in files
// beside it), or an MLflow model folder. Errors name the path.
Result<StoredModel> ReadModel(const std::string& path);

// True for a folder that has an MLmodel file.
bool IsMlflowFolder(const std::string& path);

// With the signature's names, where the model has none of its own: see EngineOptions.
Result<std::unique_ptr<Engine>> MakeEngine(const StoredModel& model, EngineOptions options = {});

}  // namespace sw::model
