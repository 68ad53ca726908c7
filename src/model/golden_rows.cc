#include "model/golden_rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "model/plan.h"

namespace sw::model {
namespace {

constexpr std::string_view kExpected = "_expected";
constexpr std::string_view kRaw = "_raw";

bool IsNumbered(std::string_view name, std::string_view stem) {
  if (name == stem) return true;
  if (!name.starts_with(stem) || name.size() < stem.size() + 2 || name[stem.size()] != '_') return false;
  return name.find_first_not_of("0123456789", stem.size() + 1) == name.npos;
}

std::string NameOf(std::string_view stem, std::size_t k, std::size_t outputs) {
  return outputs == 1 ? std::string(stem) : fmt::format("{}_{}", stem, k);
}

Status AppendScores(const std::vector<double>& scores, std::string_view stem, std::size_t rows, data::Batch& batch) {
  if (scores.empty()) return Ok();
  const std::size_t outputs = rows == 0 ? 0 : scores.size() / rows;
  if (outputs == 0 || outputs * rows != scores.size()) {
    return InvalidArgument("golden rows: {} scores for {} rows", scores.size(), rows);
  }
  for (std::size_t k = 0; k < outputs; ++k) {
    data::Column column(data::Type::kFloat64);
    column.Reserve(rows);
    for (std::size_t row = 0; row < rows; ++row) column.AppendDouble(scores[row * outputs + k]);
    batch.AddColumn({NameOf(stem, k, outputs), data::Type::kFloat64}, std::move(column));
  }
  return Ok();
}

// stem, or stem_0, stem_1, ... up to the first that is not there.
Result<std::vector<double>> TakeScores(const data::Batch& batch, std::string_view stem) {
  std::vector<const data::Column*> columns;
  if (const data::Column* only = batch.Find(stem)) columns.push_back(only);
  while (columns.empty() || batch.Find(stem) == nullptr) {
    const data::Column* next = batch.Find(fmt::format("{}_{}", stem, columns.size()));
    if (next == nullptr) break;
    columns.push_back(next);
  }
  std::vector<double> scores(columns.size() * batch.num_rows());
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const data::Type type = columns[k]->type();
    if (type != data::Type::kFloat64 && type != data::Type::kInt64) {
      return InvalidArgument("golden rows: {} must hold numbers, found {}", NameOf(stem, k, columns.size()),
                             data::TypeName(type));
    }
    for (std::size_t row = 0; row < batch.num_rows(); ++row) {
      scores[row * columns.size() + k] = columns[k]->AsDouble(row);
    }
  }
  return scores;
}

struct Bound {
  std::uint64_t ulps = 0;
  bool in_float = false;
  double relative = 0;
};

Bound BoundOf(const Tolerance& tolerance, Output output) {
  if (output == Output::kRaw) return {tolerance.raw_ulps, false, tolerance.relative};
  return {tolerance.prediction_ulps, tolerance.prediction_in_float, tolerance.relative};
}

bool IsWithin(const Bound& bound, double expected, double found) {
  const std::uint64_t distance = bound.in_float ? FloatUlpDistance(expected, found) : UlpDistance(expected, found);
  if (distance <= bound.ulps) return true;
  return std::fabs(expected - found) <= bound.relative * std::max(1.0, std::fabs(expected));
}

}  // namespace

GoldenRows GoldenOf(const Plan& plan) {
  const auto scores = [&](std::uint32_t value) {
    return value < plan.inputs.size() ? std::vector<double>() : plan.stages[value - plan.inputs.size()].golden_numbers;
  };
  return {.inputs = plan.golden, .expected = scores(plan.prediction), .raw = scores(plan.raw), .from = plan.library};
}

bool IsGoldenColumn(std::string_view name) { return IsNumbered(name, kExpected) || IsNumbered(name, kRaw); }

Result<data::Batch> GoldenToBatch(const GoldenRows& golden, std::size_t rows) {
  for (const data::Field& field : golden.inputs.schema().fields) {
    if (!IsGoldenColumn(field.name)) continue;
    return InvalidArgument("golden rows: an input may not be called {}; rename it", field.name);
  }
  data::Batch batch = golden.inputs;
  SW_TRY(AppendScores(golden.expected, kExpected, rows, batch));
  SW_TRY(AppendScores(golden.raw, kRaw, rows, batch));
  return batch;
}

Result<GoldenRows> GoldenFromBatch(const data::Batch& batch) {
  std::vector<std::string> inputs;
  for (const data::Field& field : batch.schema().fields) {
    if (!IsGoldenColumn(field.name)) inputs.push_back(field.name);
  }
  GoldenRows golden;
  golden.inputs = SW_TRY(batch.Select(inputs));
  golden.expected = SW_TRY(TakeScores(batch, kExpected));
  golden.raw = SW_TRY(TakeScores(batch, kRaw));
  if (golden.expected.empty()) return InvalidArgument("golden rows: there is no column {}", kExpected);
  return golden;
}

Status CompareScores(const GoldenRows& golden, Output output, const Engine& engine, std::span<const double> scores) {
  const std::span<const double> expected = output == Output::kRaw ? golden.raw : golden.expected;
  const Bound bound = BoundOf(engine.tolerance(), output);
  const std::size_t outputs = engine.outputs(output);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (IsWithin(bound, expected[i], scores[i])) continue;
    return FailedPrecondition(
        "package: golden row {} expects {} for {} {}, this build scores {} ({} ulp apart, {} of {} allowed); it was not loaded",
        i / outputs, expected[i], output == Output::kRaw ? "raw score" : "prediction", i % outputs, scores[i],
        UlpDistance(scores[i], expected[i]), bound.ulps, bound.in_float ? "float" : "double");
  }
  return Ok();
}

}  // namespace sw::model
