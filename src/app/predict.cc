#include "app/predict.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "app/model_source.h"
#include "base/errors.h"
#include "data/table_stream.h"

namespace sw::app {
namespace {

constexpr std::size_t kBlockRows = 8'192;  // whose columns stay in a core's cache
// A block's contributions, which may have thousands of columns, stay below this.
constexpr std::size_t kBlockValuesMax = 32'000'000;

void AppendPredictionNames(std::vector<std::string>& names, std::size_t outputs) {
  if (outputs == 1) return names.emplace_back("prediction"), void();
  for (std::size_t k = 0; k < outputs; ++k) names.push_back(fmt::format("prediction_{}", k));
}

void AppendContributionNames(std::vector<std::string>& names, const model::Engine& engine) {
  const std::size_t outputs = engine.outputs(model::Output::kRaw);
  for (std::size_t k = 0; k < outputs; ++k) {
    const std::string prefix = outputs == 1 ? "contribution_" : fmt::format("contribution_{}_", k);
    for (const std::string& input : engine.inputs()) names.push_back(prefix + input);
    names.push_back(prefix + "bias");
  }
}

// Row-major values, `width` a row, as columns.
void SpreadInto(std::vector<data::Column>& columns, std::size_t width, std::vector<double> values) {
  if (width == 1) return columns.emplace_back(std::move(values)), void();
  const std::size_t rows = values.size() / width;
  for (std::size_t k = 0; k < width; ++k) {
    std::vector<double> column(rows);
    for (std::size_t row = 0; row < rows; ++row) column[row] = values[row * width + k];
    columns.emplace_back(std::move(column));
  }
}

class FileScorer {
 public:
  FileScorer(LoadedModel model, const PredictFileRequest& request)
      : model_(std::move(model)), output_(request.raw ? model::Output::kRaw : model::Output::kPrediction),
        outputs_(model_.engine().outputs(output_)), contributions_(request.contributions) {
    std::vector<std::string> names;
    AppendPredictionNames(names, outputs_);
    if (contributions_) AppendContributionNames(names, model_.engine());
    for (std::string& name : names) schema_.fields.push_back({std::move(name), data::Type::kFloat64, false});
  }

  const data::Schema& schema() const { return schema_; }
  const LoadedModel& model() const { return model_; }
  std::size_t outputs() const { return outputs_; }
  std::size_t block_rows() const {
    return std::max<std::size_t>(1, std::min(kBlockRows, kBlockValuesMax / schema_.fields.size()));
  }

  // Only an input of that name, such as "bias", can make two columns one.
  Status CheckNames() const {
    std::set<std::string_view> names;
    for (const data::Field& field : schema_.fields) {
      if (names.insert(field.name).second) continue;
      return InvalidArgument("two columns of the output would be called {}; leave --contributions out", field.name);
    }
    return Ok();
  }

  Result<data::Batch> Scored(data::Batch block) const {
    const data::Batch rows = SW_TRY(model_.Encoded(std::move(block)));
    std::vector<data::Column> columns;
    std::vector<double> scores(rows.num_rows() * outputs_);
    SW_TRY(model_.engine().Score(rows, output_, scores));
    SpreadInto(columns, outputs_, std::move(scores));
    if (contributions_) {
      const std::size_t width = schema_.fields.size() - outputs_;
      std::vector<double> contributions(rows.num_rows() * width);
      SW_TRY(model_.engine().Contribute(rows, contributions));
      SpreadInto(columns, width, std::move(contributions));
    }
    data::Batch scored;
    for (std::size_t i = 0; i < columns.size(); ++i) scored.AddColumn(schema_.fields[i], std::move(columns[i]));
    return scored;
  }

 private:
  LoadedModel model_;
  model::Output output_;
  std::size_t outputs_;
  bool contributions_;
  data::Schema schema_;
};

}  // namespace

Result<Json> PredictFile(const Settings& settings, const PredictFileRequest& request, const OnProgress& on_progress) {
  const FileScorer scorer(SW_TRY(LoadModel(settings, request.model)), request);
  SW_TRY(scorer.CheckNames());
  data::ReadOptions options;
  options.columns = scorer.model().inputs();
  const auto reader = SW_TRY(data::OpenTable(request.in, options, scorer.block_rows()));
  const auto writer = SW_TRY(data::CreateTable(request.out, scorer.schema()));
  std::int64_t rows = 0;
  while (true) {
    auto block = SW_TRY(reader->Next());
    if (!block) break;
    rows += static_cast<std::int64_t>(block->num_rows());
    auto scored = scorer.Scored(*std::move(block));
    if (!scored) return std::unexpected(std::move(scored).error().Within(fmt::format("scoring {}", request.in)));
    SW_TRY(writer->Append(*std::move(scored)));
    if (on_progress) on_progress(reader->fraction(), fmt::format("{} rows", rows));
  }
  SW_TRY(writer->Finish());
  return Json::MakeObject({{"rows", rows},
                           {"outputs", static_cast<std::int64_t>(scorer.outputs())},
                           {"exactness", model::ExactnessName(scorer.model().engine().exactness())},
                           {"engine", scorer.model().engine().Describe()}});
}

}  // namespace sw::app
