#include "app/library_scores.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/child_process.h"
#include "base/errors.h"
#include "base/files.h"
#include "embedded/kGoldenScript.h"
#include "model/formats/ubjson.h"

extern char** environ;

namespace sw::app {
namespace {

constexpr std::uint64_t kMemoryBytesMax = 64ull << 30;  // address space: a runtime reserves a lot of it
constexpr std::size_t kAnswerBytesMax = 512u << 20;

// A folder for the model and the script, gone with its owner.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { (void)base::RemoveFolder(path_); }

  Result<std::string> Write(std::string_view name, std::string_view bytes) const {
    std::string path = base::JoinPath(path_, name);
    SW_TRY(base::WriteFileAtomic(path, bytes));
    return path;
  }

 private:
  std::string path_;
};

Result<std::string> FindProgram(const std::string& name) {
  if (name.find('/') != name.npos) {
    if (access(name.c_str(), X_OK) == 0) return name;
    return NotFound("--python: there is no program {}", name);
  }
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "" : path;
  while (!folders.empty()) {
    const std::size_t colon = folders.find(':');
    std::string candidate = base::JoinPath(std::string(folders.substr(0, colon)), name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    folders.remove_prefix(colon == folders.npos ? folders.size() : colon + 1);
  }
  return NotFound("--python: $PATH has no program {}; name the interpreter that has the model's library", name);
}

// The user's own: the library may need any of it.
std::vector<std::pair<std::string, std::string>> OwnEnvironment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != text.npos) variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Json ColumnJson(const data::Field& field, const data::Column& column, bool is_label) {
  Json values = Json::MakeArray();
  for (std::size_t row = 0; row < column.size(); ++row) {
    const bool is_missing = column.IsNull(row) || (column.type() == data::Type::kFloat64 && std::isnan(column.Double(row)));
    values.Append(is_missing ? Json() : column.ToJson(row));
  }
  return Json::MakeObject({{"name", field.name}, {"is_label", is_label}, {"values", std::move(values)}});
}

Json ColumnsJson(const data::Batch& inputs, const std::vector<model::InputProbe>& probes) {
  Json columns = Json::MakeArray();
  for (std::size_t i = 0; i < inputs.num_columns(); ++i) {
    const bool is_label = i < probes.size() && probes[i].is_category;
    columns.Append(ColumnJson(inputs.schema().fields[i], inputs.column(i), is_label));
  }
  return columns;
}

Json ToleranceJson(const model::Tolerance& tolerance, bool raw) {
  return Json::MakeObject({{"ulps", raw ? tolerance.raw_ulps : tolerance.prediction_ulps},
                           {"in_float", !raw && tolerance.prediction_in_float},
                           {"relative", tolerance.relative}});
}

// Stored scores go as columns of their own, so that they stay beside their rows.
Json StoredJson(const LibraryMember& member, std::size_t rows, Json& columns) {
  if (!member.stored) return {};
  Json names = Json::MakeArray();
  const std::size_t outputs = rows == 0 ? 0 : member.stored->size() / rows;
  for (std::size_t k = 0; k < outputs; ++k) {
    data::Column column(data::Type::kFloat64);
    for (std::size_t row = 0; row < rows; ++row) column.AppendDouble((*member.stored)[row * outputs + k]);
    const std::string name = fmt::format("stored {} {}", member.node, k);
    columns.Append(ColumnJson({name, data::Type::kFloat64}, column, false));
    names.Append(name);
  }
  return names;
}

Json MemberJson(const LibraryMember& member, const std::string& path, Json stored) {
  Json labels = Json::MakeArray();
  for (const model::InputProbe& probe : member.probes) labels.Append(probe.is_category);
  return Json::MakeObject({{"format", member.format},
                           {"model", path},
                           {"inputs", Json::FromRange(member.inputs)},
                           {"labels", std::move(labels)},
                           {"encoding", model::EncodingToJson(member.encoding)},
                           {"names", Json::FromRange(member.output_names)},
                           {"tolerance", ToleranceJson(member.tolerance, member.raw)},
                           {"stored", std::move(stored)},
                           {"from", member.stored_from}});
}

Result<std::vector<double>> NumbersOf(const Json& answer, std::string_view key, std::size_t rows) {
  data::Column column(data::Type::kFloat64);  // which reads "NaN" and the infinities, too
  for (const Json& each : SW_TRY(answer.GetArray(key))->AsArray()) {
    if (Status appended = column.AppendJson(each); !appended) {
      return FailedPrecondition("the library's {}: {}", key, appended.error().message);
    }
  }
  if (column.null_count() > 0) return FailedPrecondition("the library's {} have a null", key);
  const std::vector<double> numbers(column.doubles().begin(), column.doubles().end());
  if (rows == 0 || numbers.empty() || numbers.size() % rows != 0) {
    return FailedPrecondition("the library gave {} {} for {} rows", numbers.size(), key, rows);
  }
  return numbers;
}

Result<LibraryScores> ScoresOf(const Json& answer, const data::Batch& inputs) {
  if (const Json* error = answer.Find("error"); error != nullptr && error->IsString()) {
    return FailedPrecondition("{}", error->AsString());
  }
  std::vector<std::size_t> rows;
  for (const Json& row : SW_TRY(answer.GetArray("rows"))->AsArray()) {
    const std::int64_t place = row.IsNumber() ? static_cast<std::int64_t>(row.AsDouble()) : -1;
    if (place < 0 || static_cast<std::size_t>(place) >= inputs.num_rows()) {
      return FailedPrecondition("the library scored a row {} of {}", place, inputs.num_rows());
    }
    rows.push_back(static_cast<std::size_t>(place));
  }
  LibraryScores scores;
  scores.golden.inputs = inputs.Take(rows);
  scores.golden.expected = SW_TRY(NumbersOf(answer, "predictions", rows.size()));
  const Json* raw = answer.Find("raw");
  if (raw != nullptr && !raw->IsNull()) scores.golden.raw = SW_TRY(NumbersOf(answer, "raw", rows.size()));
  scores.golden.from = SW_TRY(answer.GetString("library"));
  scores.refused = answer.StringOr("refused", "");
  return scores;
}

// XGBoost tells its two formats apart by the name.
std::string FileName(std::string_view stem, std::string_view model) {
  return fmt::format("{}{}", stem, model::IsUbjson(model) ? ".ubj" : ".json");
}

// What the script answers.
Result<Json> Ask(const std::string& python, const Scratch& scratch, const Json& request, DurationUs time_max) {
  const std::string program = SW_TRY(FindProgram(python));
  const std::string script = SW_TRY(scratch.Write("seaworthy_golden.py", kGoldenScript));
  const base::ChildResult done = SW_TRY(base::RunChild({.argv = {program, script},
                                                        .env = OwnEnvironment(),
                                                        .folder = {},
                                                        .input = request.Dump(),
                                                        .memory_bytes_max = kMemoryBytesMax,
                                                        .time_max = time_max,
                                                        .output_bytes_max = kAnswerBytesMax,
                                                        .on_stderr_line = {}}));
  if (done.exit_code != 0) {
    const std::size_t from = done.errors.size() - std::min<std::size_t>(done.errors.size(), 2'000);
    return FailedPrecondition("{} ended with {}: {}", program, done.exit_code, std::string_view(done.errors).substr(from));
  }
  auto answer = Json::Parse(done.output);
  if (!answer) return FailedPrecondition("{} answered what is no JSON: {}", program, answer.error().message);
  return answer;
}

}  // namespace

Result<LibraryScores> ScoreWithLibrary(const LibraryJob& job) {
  const Scratch scratch(SW_TRY(base::MakeTempFolder("seaworthy-golden")));
  const std::string model = SW_TRY(scratch.Write(FileName("model", job.model), job.model));
  const Json request =
      Json::MakeObject({{"format", job.format}, {"model", model}, {"columns", ColumnsJson(*job.inputs, job.probes)}});
  return ScoresOf(SW_TRY(Ask(job.python, scratch, request, job.time_max)), *job.inputs);
}

Result<LibraryScores> ScoreGraphWithLibraries(const GraphJob& job) {
  const Scratch scratch(SW_TRY(base::MakeTempFolder("seaworthy-golden")));
  Json columns = ColumnsJson(*job.inputs, {}), members = Json::MakeObject();
  for (const LibraryMember& member : job.members) {
    const std::string path = SW_TRY(scratch.Write(FileName(member.node, member.model), member.model));
    Json stored = StoredJson(member, job.inputs->num_rows(), columns);
    members.Set(member.node, MemberJson(member, path, std::move(stored)));
  }
  const Json request = Json::MakeObject({{"format", "graph"},
                                         {"graph", job.graph},
                                         {"columns", std::move(columns)},
                                         {"members", std::move(members)},
                                         {"tolerance", ToleranceJson(job.tolerance, false)}});
  return ScoresOf(SW_TRY(Ask(job.python, scratch, request, job.time_max)), *job.inputs);
}

}  // namespace sw::app
