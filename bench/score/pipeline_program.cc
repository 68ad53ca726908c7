// Times a plan over rows of mixed columns, in one thread: one row a call, and 4,096 rows a call.
//
//   pipeline_program PLAN ROWS.csv OUT
//
// One row is a RowScorer's call: its columns are bound once, cells are there. OUT gets the predictions
// of the batch as doubles. Prints {"one_row_ns": ..., "batch_ns": ..., "one_row_equal": ...}: the least
// CPU time a row of several passes over all rows, and whether both ways gave the same bits.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/files.h"
#include "data/readers.h"
#include "model/engines/pipeline_engine.h"
#include "model/formats/plan.h"
#include "timing.h"

namespace {

using sw::model::Output;
using sw::model::RowCell;

using bench_score::Fail;
using bench_score::kBatch;
using bench_score::LeastTime;

template <typename T>
T Take(sw::Result<T> result) {
  if (!result) Fail(result.error().message);
  return *std::move(result);
}

// Row by row, the cells of the plan's inputs.
std::vector<RowCell> CellsOf(const sw::data::Batch& rows, const std::vector<std::string>& inputs) {
  std::vector<RowCell> cells;
  for (std::size_t r = 0; r < rows.num_rows(); ++r) {
    for (const std::string& name : inputs) {
      const sw::data::Column& column = *Take(rows.Get(name));
      const bool is_text = column.type() == sw::data::Type::kString && !column.IsNull(r);
      cells.push_back({.number = column.AsDouble(r), .text = is_text ? column.String(r) : std::string_view()});
    }
  }
  return cells;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) Fail("usage: pipeline_program PLAN ROWS.csv OUT");
  const auto engine = Take(sw::model::PipelineEngine::Make(Take(sw::model::ParsePlan(Take(sw::base::ReadFile(argv[1]))))));
  const sw::data::Batch rows = Take(sw::data::ReadTable(argv[2]));
  const std::size_t count = rows.num_rows(), width = engine->inputs().size();
  if (engine->outputs(Output::kPrediction) != 1) Fail("several outputs");
  std::vector<double> batch(count), one(count);
  std::vector<sw::data::Batch> parts;
  for (std::size_t from = 0; from < count; from += kBatch) parts.push_back(rows.Slice(from, std::min(kBatch, count - from)));
  const double batch_ns = LeastTime(5, count, [&] {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!engine->Score(parts[i], Output::kPrediction, {batch.data() + i * kBatch, parts[i].num_rows()})) Fail("a row is refused");
    }
  });
  const std::vector<RowCell> cells = CellsOf(rows, engine->inputs());
  sw::model::RowScorer scorer(*engine, Output::kPrediction);
  const double one_ns = LeastTime(3, count, [&] {
    for (std::size_t r = 0; r < count; ++r) {
      if (!scorer.Score({cells.data() + r * width, width}, {&one[r], 1})) Fail("a row is refused");
    }
  });
  const bool equal = std::memcmp(batch.data(), one.data(), count * sizeof(double)) == 0;
  std::fprintf(stderr, "%s\n", engine->Describe().Dump().c_str());
  if (!sw::base::WriteFileAtomic(argv[3], {reinterpret_cast<const char*>(batch.data()), count * sizeof(double)})) Fail("cannot write OUT");
  bench_score::PrintFigures(one_ns, batch_ns, equal);
}
