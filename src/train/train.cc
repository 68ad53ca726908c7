#include "train/train.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "base/child_process.h"
#include "base/errors.h"
#include "base/random.h"
#include "model/formats/lightgbm.h"
#include "model/formats/linear.h"
#include "train/lightgbm_params.h"
#include "train/logistic.h"
#include "train/worker_job.h"

namespace sw::train {
namespace {

constexpr std::size_t kAnswerBytesMax = 60u << 20;
constexpr std::size_t kLastWordsBytesMax = 1000;
constexpr double kL2Default = 1;
// A sanitizer reserves terabytes of addresses, and does not see how OpenMP's threads meet.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

// The rows that have a label, and their labels.
struct Table {
  data::Batch features;
  std::vector<double> labels;
  double positives = 0;
};

Result<std::vector<std::size_t>> LabelledRows(const data::Column& label) {
  if (label.type() == data::Type::kString || label.type() == data::Type::kTimestamp) {
    return InvalidArgument("train: the label must be a number or a bool, found {}",
                           data::TypeName(label.type()));
  }
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < label.size(); ++row) {
    if (label.IsNull(row)) continue;
    if (!std::isfinite(label.AsDouble(row)))
      return InvalidArgument("train: the label in row {} is not finite", row);
    rows.push_back(row);
  }
  return rows;
}

Result<Table> MakeTable(const data::Batch& features, const data::Column& label) {
  if (label.size() != features.num_rows()) {
    return InvalidArgument("train: {} labels for {} rows; give one a row", label.size(),
                           features.num_rows());
  }
  const std::vector<std::size_t> rows = SW_TRY(LabelledRows(label));
  if (rows.empty()) return InvalidArgument("train: none of {} rows has a label", label.size());
  Table table;
  table.features = rows.size() == label.size() ? features : features.Take(rows);
  for (const std::size_t row : rows) {
    table.labels.push_back(label.AsDouble(row));
    table.positives += label.AsDouble(row) > 0 ? 1 : 0;
  }
  return table;
}

bool IsBinary(const Recipe& recipe) {
  return recipe.library != Library::kLightGbm ||
         recipe.params.StringOr("objective", "binary") == "binary";
}

Status CheckBinary(const Table& table, Library library) {
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    if (table.labels[row] == 0 || table.labels[row] == 1) continue;
    return InvalidArgument("train: a label is {}; a binary objective takes 0 and 1",
                           table.labels[row]);
  }
  const auto rows = static_cast<double>(table.labels.size());
  if (library == Library::kConstant || (table.positives > 0 && table.positives < rows)) return Ok();
  return FailedPrecondition("train: all {} labels are {}; both 0 and 1 are needed to learn from",
                            table.labels.size(), table.labels[0]);
}

// Rows of the table in ascending order, without repeats.
std::vector<std::size_t> DrawGoldenRows(std::size_t rows, std::uint64_t seed) {
  base::Random random(base::MixU64(seed));
  std::vector<std::size_t> all(rows);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const std::size_t count = std::min(rows, kGoldenRows);
  for (std::size_t i = 0; i < count; ++i) std::swap(all[i], all[i + random.Below(rows - i)]);
  all.resize(count);
  std::sort(all.begin(), all.end());
  return all;
}

// LightGBM refuses characters of JSON in names, and repeats. Names only label its text: the package
// keeps the true ones.
std::vector<std::string> LightGbmNames(const std::vector<std::string>& inputs) {
  std::vector<std::string> names;
  for (const std::string& input : inputs) {
    std::string name;
    for (const char c : input) {
      const bool is_plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
      name += is_plain ? c : '_';
    }
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) {
      name += fmt::format("#{}", names.size());
    }
    names.push_back(std::move(name));
  }
  return names;
}

Result<model::Encoding> LearnCategories(const data::Batch& features,
                                        const std::vector<std::string>& inputs) {
  model::Encoding encoding = SW_TRY(model::LearnEncoding(features, inputs));
  for (const auto& [column, categories] : encoding.categories) {
    if (categories.size() <= kCategoriesMax) continue;
    return InvalidArgument(
        "train: text column {} has {} distinct values, {} are allowed; leave it out, or group it",
        column, categories.size(), kCategoriesMax);
  }
  return encoding;
}

Result<std::string> WorkerParameters(const Recipe& recipe, const model::PackageContent& content,
                                     int threads) {
  std::string parameters = SW_TRY(LightGbmParameters(recipe.params));
  if (!recipe.params.Has("objective")) parameters += " objective=binary";
  // The same trees with any number of threads; one layout, so that no timing chooses it.
  parameters += fmt::format(
      " num_iterations={} seed={} num_threads={} deterministic=true force_col_wise=true",
      recipe.rounds, recipe.seed & 0x7fffffff, std::max(1, threads));
  if (!recipe.monotone.empty()) {
    std::vector<int> directions;
    for (const std::string& input : content.inputs) {
      const auto found = recipe.monotone.find(input);
      directions.push_back(found == recipe.monotone.end() ? 0 : found->second);
    }
    parameters += fmt::format(" monotone_constraints={}", fmt::join(directions, ","));
  }
  std::vector<std::size_t> categorical;
  for (std::size_t i = 0; i < content.inputs.size(); ++i) {
    if (content.encoding.categories.contains(content.inputs[i])) categorical.push_back(i);
  }
  if (!categorical.empty())
    parameters += fmt::format(" categorical_feature={}", fmt::join(categorical, ","));
  return parameters;
}

Result<WorkerJob> MakeJob(const Table& table, const Recipe& recipe, const TrainOptions& options,
                          const std::vector<std::size_t>& golden,
                          const model::PackageContent& content) {
  WorkerJob job{.library = options.lightgbm_library,
                .parameters = SW_TRY(WorkerParameters(recipe, content, options.threads)),
                .rounds = recipe.rounds,
                .names = LightGbmNames(content.inputs),
                .golden = golden,
                .table = SW_TRY(model::Encode(content.encoding, table.features, content.inputs))};
  data::Column label(data::Type::kFloat64);
  for (const double value : table.labels) label.AppendDouble(value);
  std::string name = "label";
  while (job.table.Find(name) != nullptr) name += "_";
  job.table.AddColumn({name, data::Type::kFloat64}, std::move(label));
  return job;
}

std::vector<std::pair<std::string, std::string>> WorkerEnvironment() {
  // Threads that wait must not spin: on busy cores that made training ten times slower.
  std::vector<std::pair<std::string, std::string>> env = {{"OMP_WAIT_POLICY", "passive"},
                                                          {"LC_ALL", "C"}};
  if (kIsSanitized) env.emplace_back("TSAN_OPTIONS", "report_bugs=0");
  if (const char* folders = std::getenv("LD_LIBRARY_PATH"))
    env.emplace_back("LD_LIBRARY_PATH", folders);
  return env;
}

Result<TrainedModel> RunWorker(const WorkerJob& job, const TrainOptions& options) {
  if (options.worker.empty())
    return InvalidArgument("train: no worker program was given for lightgbm");
  std::string words;  // what the child said, without its progress
  const auto on_line = [&](std::string_view line) {
    const double done = ParseProgressLine(line);
    if (done >= 0 && options.progress) options.progress(done);
    if (done >= 0) return;
    words += std::string(line) + "\n";
    if (words.size() > kLastWordsBytesMax) words.erase(0, words.size() - kLastWordsBytesMax);
    if (options.log) options.log(line);
  };
  const base::ChildResult child =
      SW_TRY(base::RunChild({.argv = options.worker,
                             .env = WorkerEnvironment(),
                             .folder = "",
                             .input = EncodeJob(job),
                             .memory_bytes_max = kIsSanitized ? 0 : options.memory_bytes_max,
                             .time_max = options.time_max,
                             .output_bytes_max = kAnswerBytesMax,
                             .on_stderr_line = on_line}));
  if (child.exit_code != 0) {
    return FailedPrecondition("train: the LightGBM process ended with {}; its last words: {}",
                              child.exit_code, words);
  }
  if (child.output.size() >= kAnswerBytesMax) {
    return ResourceExhausted("train: the model is larger than {} bytes; use fewer rounds or leaves",
                             kAnswerBytesMax);
  }
  return DecodeAnswer(child.output);
}

Status TrainLightGbm(const Table& table, const Recipe& recipe, const TrainOptions& options,
                     const std::vector<std::size_t>& golden, model::PackageContent& content) {
  for (const data::Field& field : table.features.schema().fields)
    content.inputs.push_back(field.name);
  if (content.inputs.empty()) return InvalidArgument("train: lightgbm needs at least one feature");
  content.encoding = SW_TRY(LearnCategories(table.features, content.inputs));
  TrainedModel trained =
      SW_TRY(RunWorker(SW_TRY(MakeJob(table, recipe, options, golden, content)), options));
  if (trained.predictions.size() != golden.size()) {
    return FailedPrecondition("train: {} golden predictions for {} rows",
                              trained.predictions.size(), golden.size());
  }
  SW_TRY(model::ParseLightGbm(trained.text));  // refuses here what no load would take
  content.format = "lightgbm";
  content.model = std::move(trained.text);
  content.golden.expected = std::move(trained.predictions);
  content.golden.from = "LightGBM, right after it trained";
  return Ok();
}

Result<model::LinearModel> FitLinear(const Table& table, const Recipe& recipe) {
  if (recipe.library == Library::kLogistic) {
    return FitLogistic(table.features, table.labels, recipe.params.DoubleOr("l2", kL2Default));
  }
  const double share = table.positives / static_cast<double>(table.labels.size());
  return model::LinearModel{
      .terms = {}, .intercept = share, .transform = model::Transform::kIdentity};
}

Status TrainLinear(const Table& table, const Recipe& recipe, const std::vector<std::size_t>& golden,
                   model::PackageContent& content) {
  const model::LinearModel model = SW_TRY(FitLinear(table, recipe));
  for (const model::LinearModel::Term& term : model.terms) content.inputs.push_back(term.column);
  for (const std::size_t row : golden)
    content.golden.expected.push_back(PredictLinear(model, table.features, row));
  content.golden.from = "seaworthy's own fit";
  content.format = "linear";
  content.model = model::PrintLinear(model);
  return Ok();
}

// How the model was made, beside the lineage of its table.
Json WithTraining(Json lineage, const Table& table, const Recipe& recipe,
                  const model::PackageContent& content) {
  std::vector<std::string> unused;
  for (const data::Field& field : table.features.schema().fields) {
    const bool is_used =
        std::find(content.inputs.begin(), content.inputs.end(), field.name) != content.inputs.end();
    if (!is_used) unused.push_back(field.name);
  }
  if (!lineage.IsObject()) lineage = Json::MakeObject();
  lineage.Set("recipe", recipe.ToJson());
  lineage.Set("trained_on", Json::MakeObject({{"rows", table.labels.size()},
                                              {"positives", table.positives},
                                              {"features", data::Fingerprint(table.features)},
                                              {"unused_columns", Json::FromRange(unused)}}));
  return lineage;
}

}  // namespace

Result<model::PackageContent> Train(const data::Batch& features, const data::Column& label,
                                    const Recipe& recipe, const TrainOptions& options) {
  const Table table = SW_TRY(MakeTable(features, label));
  if (IsBinary(recipe)) SW_TRY(CheckBinary(table, recipe.library));
  const std::vector<std::size_t> golden = DrawGoldenRows(table.labels.size(), recipe.seed);
  model::PackageContent content;
  if (recipe.library == Library::kLightGbm) {
    SW_TRY(TrainLightGbm(table, recipe, options, golden, content));
  } else {
    SW_TRY(TrainLinear(table, recipe, golden, content));
  }
  const data::Batch inputs = SW_TRY(table.features.Select(content.inputs));
  content.golden.inputs = inputs.Take(golden);
  content.profile = data::ProfileTable(inputs);
  content.contract = data::LearnContract(content.profile, inputs);
  content.lineage = WithTraining(options.lineage, table, recipe, content);
  if (options.progress) options.progress(1);
  return content;
}

}  // namespace sw::train
