#include "model/model_file.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "model/engines/columns.h"
#include "model/engines/onnx_engine.h"
#include "model/engines/pipeline_engine.h"
#include "model/engines/python_engine.h"
#include "model/formats/catboost.h"
#include "model/formats/lightgbm.h"
#include "model/formats/linear.h"
#include "model/formats/onnx.h"
#include "model/formats/plan.h"
#include "model/formats/python.h"
#include "model/formats/ubjson.h"
#include "model/formats/xgboost.h"

namespace sw::model {
namespace {

constexpr std::string_view kRead =
    "LightGBM text, XGBoost JSON and UBJSON, CatBoost JSON, ONNX, scikit-learn plans, Python model files";

// Pickle's PROTO opcode with a protocol from 2 to 5.
bool IsPickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

bool IsKey(std::string_view text, std::size_t behind) {
  behind = text.find_first_not_of(" \t\r\n", behind);
  return behind != std::string_view::npos && text[behind] == ':';
}

// A key of JSON's outermost object gives its format away.
constexpr std::pair<std::string_view, std::string_view> kFormatOfKey[] = {
    {"learner", "xgboost"}, {"features_info", "catboost"}, {"oblivious_trees", "catboost"}, {"python", "python"}, {"stages", "plan"}, {"graph", "graph"}};

// The format of the first such key; "" when there is none. Only finds keys: the parsers judge.
std::string_view FormatOfJson(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') return {};
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' || text[i] == '[') ++depth;
    if (text[i] == '}' || text[i] == ']') --depth;
    if (text[i] != '"') continue;
    const std::size_t from = i + 1;
    for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\';
    const std::string_view word = text.substr(from, i - std::min(from, i));
    const auto* known = std::ranges::find(kFormatOfKey, word, &std::pair<std::string_view, std::string_view>::first);
    if (depth == 1 && known != std::end(kFormatOfKey) && IsKey(text, i + 1)) return known->second;
  }
  return {};
}

Result<Forest> Named(Forest forest, const EngineOptions& options) {
  forest.features = SW_TRY(ChooseNames(std::move(forest.features), options.columns));
  return forest;
}

Result<std::unique_ptr<Engine>> MakeCatboostEngine(std::string_view bytes, const EngineOptions& options) {
  CatboostModel model = SW_TRY(ParseCatboost(bytes));
  auto* derived = std::get_if<DerivedForest>(&model);
  if (derived == nullptr) return MakeForestEngine(SW_TRY(Named(std::move(std::get<Forest>(model)), options)));
  std::vector<std::string> names;
  for (const DerivedInput& input : derived->inputs) names.push_back(input.name);
  names = SW_TRY(ChooseNames(std::move(names), options.columns));
  for (std::size_t i = 0; i < names.size(); ++i) derived->inputs[i].name = std::move(names[i]);
  return MakeDerivedEngine(std::move(*derived));
}

Result<std::unique_ptr<Engine>> MakeXgboostEngine(std::string_view bytes, const EngineOptions& options) {
  XgboostModel model = SW_TRY(ParseXgboost(bytes));
  if (auto* linear = std::get_if<FloatLinearModel>(&model)) {
    linear->head = SW_TRY(Named(std::move(linear->head), options));
    return MakeFloatLinearEngine(std::move(*linear));
  }
  return MakeForestEngine(SW_TRY(Named(std::move(std::get<Forest>(model)), options)));
}

}  // namespace

Result<std::string> DetectFormat(std::string_view bytes) {
  if (IsPickle(bytes)) {
    return InvalidArgument(
        "this is a Python pickle, which runs code when it is opened; export the model instead "
        "(docs/models.md)");
  }
  if (bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n")) return std::string("lightgbm");
  if (IsUbjson(bytes)) return std::string("xgboost");
  if (const std::string_view format = FormatOfJson(bytes); !format.empty()) return std::string(format);
  if (LooksLikeOnnx(bytes)) return std::string("onnx");
  return InvalidArgument("the model file is in no format that is read; {} are", kRead);
}

Result<std::unique_ptr<Engine>> MakeEngine(std::string_view format, std::string_view bytes,
                                           const EngineOptions& options) {
  if (format == "linear") return MakeLinearEngine(SW_TRY(ParseLinear(bytes)));
  if (format == "lightgbm") return MakeForestEngine(SW_TRY(Named(SW_TRY(ParseLightGbm(bytes)), options)));
  if (format == "plan") return PipelineEngine::Make(SW_TRY(ParsePlan(bytes)));
  if (format == "catboost") return MakeCatboostEngine(bytes, options);
  if (format == "xgboost") return MakeXgboostEngine(bytes, options);
  if (format == "onnx") {
    return MakeOnnxEngine(bytes, {.library = options.onnxruntime, .columns = options.columns});
  }
  if (format == "python") return MakePythonEngine(SW_TRY(ParsePython(bytes)), options.python);
  if (format == "graph") return InvalidArgument("a graph's members are in its package; make one of the graph's TOML (seaworthy package)");
  return Unimplemented("the model format {} is not read; {} are", format, kRead);
}

}  // namespace sw::model
