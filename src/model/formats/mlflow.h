// An MLflow model folder's `MLmodel` file: which file of the folder is the model, of which library, and
// what it reads. Hostile input: text only; who opens the files that are named keeps to the folder.
//
//   const MlflowModel model = SW_TRY(ParseMlmodel(text));
//   const std::string bytes = SW_TRY(base::ReadFileWithin(folder, model.data_path, kBytesMax));
//
// Read are the flavors lightgbm, xgboost, catboost, onnx and sklearn. What is stored as a pickle (or as
// skops, or as CatBoost's binary form) is refused by name, with the call that stores it otherwise.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"

namespace sw::model {

inline constexpr std::string_view kMlmodelFile = "MLmodel";
// What our exporter writes beside an MLmodel file of flavor sklearn: the model that is read for it.
inline constexpr std::string_view kMlflowPlanFile = "seaworthy_plan.json";

struct MlflowModel {
  std::string flavor;        // "lightgbm", "xgboost", "catboost", "onnx", "sklearn"
  std::string data_path;     // of the model, within the folder
  data::Schema columns;      // of the signature, in its order; none when it has none, or tensors
  std::string example_path;  // of the input example, within the folder; "" when there is no table
  Json origin;               // versions, run and time, for the lineage
  bool operator==(const MlflowModel&) const = default;
};

Result<MlflowModel> ParseMlmodel(std::string_view text);

// An input example as MLflow stores a table ({"columns": [...], "data": [[...]]}): columns of the
// schema's types, where it names them, else of what the values are.
Result<data::Batch> ParseMlflowExample(std::string_view text, const data::Schema& columns);

}  // namespace sw::model
