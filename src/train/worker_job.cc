#include "train/worker_job.h"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/errors.h"
#include "base/json.h"
#include "train/recipe.h"

namespace sw::train {
namespace {

constexpr std::string_view kProgress = "progress ";

Result<std::vector<std::string>> Names(const Json& list) {
  std::vector<std::string> names;
  for (const Json& item : list.AsArray()) {
    if (!item.IsString())
      return InvalidArgument("train worker: names must be text, found {}", item.TypeName());
    names.push_back(item.AsString());
  }
  return names;
}

Result<std::vector<std::size_t>> RowNumbers(const Json& list, std::size_t rows) {
  std::vector<std::size_t> numbers;
  for (const Json& item : list.AsArray()) {
    if (!item.IsInt() || item.AsInt() < 0 || static_cast<std::size_t>(item.AsInt()) >= rows) {
      return InvalidArgument("train worker: golden row {} is not one of {} rows", item.Dump(),
                             rows);
    }
    numbers.push_back(static_cast<std::size_t>(item.AsInt()));
  }
  return numbers;
}

Status CheckTable(const WorkerJob& job) {
  if (job.table.num_rows() == 0 || job.table.num_columns() != job.names.size() + 1) {
    return InvalidArgument("train worker: {} rows of {} columns for {} names and a label",
                           job.table.num_rows(), job.table.num_columns(), job.names.size());
  }
  for (const data::Field& field : job.table.schema().fields) {
    if (field.type != data::Type::kFloat64) {
      return InvalidArgument("train worker: column {} is {}, expected float64", field.name,
                             data::TypeName(field.type));
    }
  }
  return Ok();
}

}  // namespace

std::string EncodeJob(const WorkerJob& job) {
  const Json header = Json::MakeObject({{"library", job.library},
                                        {"parameters", job.parameters},
                                        {"rounds", job.rounds},
                                        {"names", Json::FromRange(job.names)},
                                        {"golden", Json::FromRange(job.golden)}});
  return header.Dump() + "\n" + data::EncodeBatch(job.table);
}

Result<WorkerJob> DecodeJob(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos)
    return InvalidArgument("train worker: no job on standard input");
  const Json header = SW_TRY(Json::Parse(bytes.substr(0, end)));
  WorkerJob job;
  job.library = SW_TRY(header.GetString("library"));
  job.parameters = SW_TRY(header.GetString("parameters"));
  const std::int64_t rounds = SW_TRY(header.GetInt("rounds"));
  if (rounds < 1 || rounds > kRoundsMax) return InvalidArgument("train worker: {} rounds", rounds);
  job.rounds = static_cast<int>(rounds);
  job.names = SW_TRY(Names(*SW_TRY(header.GetArray("names"))));
  job.table = SW_TRY(data::DecodeBatch(bytes.substr(end + 1)));
  SW_TRY(CheckTable(job));
  job.golden = SW_TRY(RowNumbers(*SW_TRY(header.GetArray("golden")), job.table.num_rows()));
  return job;
}

Result<LightGbmJob> ToLightGbmJob(WorkerJob job) {
  const std::size_t rows = job.table.num_rows();
  const std::size_t width = job.names.size();
  LightGbmJob made{.parameters = std::move(job.parameters),
                   .rounds = job.rounds,
                   .names = std::move(job.names),
                   .matrix = std::vector<double>(rows * width),
                   .labels = std::vector<float>(rows),
                   .golden = std::move(job.golden)};
  for (std::size_t c = 0; c < width; ++c) {
    const data::Column& column = job.table.column(c);
    for (std::size_t row = 0; row < rows; ++row)
      made.matrix[row * width + c] = column.AsDouble(row);
  }
  const data::Column& label = job.table.column(width);
  for (std::size_t row = 0; row < rows; ++row) {
    made.labels[row] = static_cast<float>(label.AsDouble(row));
    if (!std::isfinite(made.labels[row]))
      return InvalidArgument("train worker: row {} has no label", row);
  }
  return made;
}

std::string EncodeAnswer(const TrainedModel& model) {
  return Json::MakeObject(
             {{"model", model.text}, {"predictions", Json::FromRange(model.predictions)}})
      .Dump();
}

Result<TrainedModel> DecodeAnswer(std::string_view bytes) {
  const Json answer = SW_TRY(Json::Parse(bytes));
  TrainedModel model{.text = SW_TRY(answer.GetString("model"))};
  for (const Json& item : SW_TRY(answer.GetArray("predictions"))->AsArray()) {
    if (!item.IsNumber()) return InvalidArgument("train worker: a prediction is {}", item.Dump());
    model.predictions.push_back(item.AsDouble());
  }
  return model;
}

std::string ProgressLine(int done, int rounds) {
  return fmt::format("{}{}/{}\n", kProgress, done, rounds);
}

double ParseProgressLine(std::string_view line) {
  if (!line.starts_with(kProgress)) return -1;
  const std::string numbers(line.substr(kProgress.size()));
  char* end = nullptr;
  const double done = std::strtod(numbers.c_str(), &end);
  const double rounds = *end == '/' ? std::strtod(end + 1, nullptr) : 0;
  return rounds > 0 && done >= 0 && done <= rounds ? done / rounds : -1;
}

}  // namespace sw::train
