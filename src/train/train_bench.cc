// Training on a table of the demo's size: 110,000 rows of 45 columns, two of them text, 100 rounds.
// Single measures: each run is seconds long. The bench is its own worker: see main at the end.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/random.h"
#include "train/train.h"
#include "train/worker.h"

namespace sw::train {
namespace {

struct Table {
  data::Batch features;
  data::Column label{data::Type::kBool};
};

const Table& BigTable() {
  static const Table table = [] {
    constexpr int kColumns = 45;
    Table made;
    data::Schema schema;
    for (int c = 0; c < kColumns; ++c) {
      schema.fields.push_back(
          {"trip.x" + std::to_string(c), c < 2 ? data::Type::kString : data::Type::kFloat64});
    }
    made.features = data::Batch(schema);
    base::Random random(1);
    for (int row = 0; row < 110'000; ++row) {
      double margin = 0;
      for (std::size_t c = 0; c < kColumns; ++c) {
        const double value = random.NextDouble();
        data::Column& column = made.features.column(c);
        if (c < 2) {
          column.AppendString(std::to_string(random.Below(16)));
        } else if (value < 0.03) {
          column.AppendNull();
        } else {
          column.AppendDouble(value);
          margin += c < 8 ? value - 0.5 : 0;
        }
      }
      made.label.AppendBool(random.NextDouble() < 0.25 + 0.1 * margin);
    }
    return made;
  }();
  return table;
}

void BM_Train(benchmark::State& state, Library library) {
  Recipe recipe{.name = "bench", .library = library, .rounds = 100, .seed = 1};
  if (library == Library::kLightGbm) {
    recipe.params =
        Json::Parse(R"({"num_leaves": 31, "min_data_in_leaf": 100, "feature_fraction": 0.8,
        "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1, "max_bin": 127})")
            .value();
  }
  for (auto _ : state) {
    const auto content = Train(BigTable().features, BigTable().label, recipe,
                               {.worker = {"/proc/self/exe", "train-worker"}});
    if (!content) state.SkipWithError(content.error().message.c_str());
  }
}
BENCHMARK_CAPTURE(BM_Train, lightgbm, Library::kLightGbm)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(BM_Train, logistic, Library::kLogistic)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(BM_Train, constant, Library::kConstant)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);

}  // namespace
}  // namespace sw::train

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "train-worker") {
    return sw::train::TrainWorkerMain(STDIN_FILENO, STDOUT_FILENO);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
