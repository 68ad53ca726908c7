// The point-in-time join, Parquet to Parquet, on the tables of bench/features (folder in SW_BENCH_FOLDER, with
// rows.parquet and labels.parquet; without it, nothing is measured):
//
//   ./dev bench features && SW_BENCH_FOLDER=build/bench-features/join build/release/src/feast/feast_bench
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/check.h"
#include "base/files.h"
#include "feast/history.h"

namespace sw::feast {
namespace {

void JoinsTables(benchmark::State& state) {
  const char* const folder = std::getenv("SW_BENCH_FOLDER");
  if (folder == nullptr) {
    state.SkipWithError("SW_BENCH_FOLDER is not set");
    return;
  }
  const TableFolders folders = TableFolders::Make(folder, {}).value();
  View view;
  view.name = "v";
  view.keys = {{.name = "key"}};
  view.features = {{.name = "v0"}, {.name = "v1"}, {.name = "v2"}};
  view.source = BatchSource{.name = "s", .uri = "rows.parquet", .kind = "file", .field_mapping = {}, .timestamp_field = "time", .created_timestamp_column = {}};
  const auto threads = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const data::RawFiles labels = data::RawFiles::Open(folders.Find("labels.parquet").value()).value();
    std::vector<std::int64_t> all(labels.num_rows());
    for (std::size_t row = 0; row < all.size(); ++row) all[row] = static_cast<std::int64_t>(row);
    HistoryRequest request{.views = {{.view = &view, .alias = "v", .features = {0, 1, 2}, .join_key_map = {}}}};
    request.entities = labels.Gather({"number", "key", "at"}, all, threads).value();
    const auto answer = HistoricalFeatures(folders, request, {.threads = threads, .now = 0});
    SW_CHECK(answer.has_value(), "a join of the benchmark");
    SW_CHECK(answer->WriteParquet(base::JoinPath(folder, "feast.parquet")).has_value(), "an answer of the benchmark");
  }
}
BENCHMARK(JoinsTables)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

}  // namespace
}  // namespace sw::feast
