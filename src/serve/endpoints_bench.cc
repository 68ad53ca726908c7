// Predictions a second in process, through the whole path (split, contract, score, log record), beside
// the package alone: what serving costs over scoring. 100 trees of 15 leaves, 5 columns.
#include <benchmark/benchmark.h>

#include <string>

#include "base/files.h"
#include "serve/endpoints.h"
#include "serve/fakes.h"

namespace sw::serve {
namespace {

constexpr int kTrees = 100;
const std::vector<std::string> kInputs = {"a", "b", "c", "d", "e"};

// The trees of a real model, one after the other until there are a hundred.
std::string HundredTrees() {
  const std::string text = base::ReadFile(SW_SOURCE_DIR "/src/model/testdata/regression.txt").value();
  const std::size_t begin = text.find("Tree=0"), end = text.find("end of trees");
  std::vector<std::string> trees;
  for (std::size_t at = begin; at < end;) {
    const std::size_t next = std::min(text.find("Tree=", at + 1), end);
    trees.push_back(text.substr(text.find('\n', at), next - text.find('\n', at)));
    at = next;
  }
  std::string out = text.substr(0, text.find("tree_sizes=")) + "\n";
  for (int i = 0; i < kTrees; ++i) out += "Tree=" + std::to_string(i) + trees[static_cast<std::size_t>(i) % trees.size()];
  return out + text.substr(end);
}

EndpointSnapshot HundredTreesEndpoint() {
  model::PackageContent content;
  content.format = "lightgbm";
  content.model = HundredTrees();
  content.inputs = kInputs;
  EndpointSnapshot snapshot;
  snapshot.name = "trees";
  for (const std::string& input : kInputs) {
    snapshot.request.fields.push_back({input, data::Type::kFloat64});
    content.contract.columns.push_back({.name = input, .type = data::Type::kFloat64, .nullable = true, .min = -10, .max = 50, .categories = {}});
  }
  snapshot.arms = {{.version = 1, .package = MakePackage(content), .mode = ArmMode::kLive, .share = 0, .threshold = {}}};
  return snapshot;
}

data::Batch RandomRows(const data::Schema& schema, std::int64_t count) {
  base::Random random(7);
  data::Batch rows(schema);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < rows.num_columns(); ++c) rows.column(c).AppendDouble(random.NextDouble() * 40 - 3);
  }
  return rows;
}

class NullLog final : public PredictionLog {
  Status Sync() override { return Ok(); }
 public:
  Status Append(const std::string&, std::int64_t, const LoggedRows&) override { return Ok(); }
};

void PackageAlone(benchmark::State& state) {
  const EndpointSnapshot snapshot = HundredTreesEndpoint();
  const data::Batch rows = RandomRows(snapshot.request, state.range(0));
  std::vector<double> scores(rows.num_rows());
  for (auto _ : state) {
    if (!snapshot.arms[0].package->Score(rows, scores)) state.SkipWithError("score");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Predictions(benchmark::State& state) {
  const EndpointSnapshot snapshot = HundredTreesEndpoint();
  const data::Batch rows = RandomRows(snapshot.request, state.range(0));
  base::SystemClock clock;
  base::Counters counters;
  NullLog log;
  base::InlineExecutor shadow;
  Endpoints endpoints({.clock = &clock, .counters = &counters, .log = &log, .shadow = &shadow});
  if (!endpoints.Replace(snapshot)) state.SkipWithError("replace");
  std::int64_t logged = 0;
  for (auto _ : state) {
    endpoints.Predict({.endpoint = "trees", .rows = rows}, [&](Result<PredictResult> result) {
      if (!result) return state.SkipWithError("predict");
      logged += result->logged ? 1 : 0;
    });
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["logged"] = static_cast<double>(logged) / static_cast<double>(state.iterations());
}

BENCHMARK(PackageAlone)->Arg(1)->Arg(16)->Arg(256)->UseRealTime();
BENCHMARK(Predictions)->Arg(1)->Arg(16)->Arg(256)->UseRealTime();

}  // namespace
}  // namespace sw::serve
