// Exact models have the library's bits for every number of rows at once and every number of threads; those of
// older versions of the libraries, too.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "model/formats/fixture.h"
#include "model/model_file.h"

namespace sw::model {
namespace {

constexpr std::size_t kRows = 2 * 4096 + 500;  // whole batches of each size, and a rest

struct Scores {
  std::vector<double> raw, predictions;
};

// Scores all rows, so many at once, by threads that share the engine and take part after part.
Scores ScoreInParts(const Engine& engine, const data::Batch& rows, std::size_t batch, std::size_t threads) {
  const std::size_t raws = engine.outputs(Output::kRaw), predictions = engine.outputs(Output::kPrediction);
  Scores scores{.raw = std::vector<double>(rows.num_rows() * raws), .predictions = std::vector<double>(rows.num_rows() * predictions)};
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t from = 0; (from = next.fetch_add(batch)) < rows.num_rows();) {
      const std::size_t count = std::min(batch, rows.num_rows() - from);
      const data::Batch part = rows.Slice(from, count);
      EXPECT_TRUE(engine.Score(part, Output::kRaw, std::span(scores.raw).subspan(from * raws, count * raws)));
      EXPECT_TRUE(engine.Score(part, Output::kPrediction,
                               std::span(scores.predictions).subspan(from * predictions, count * predictions)));
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  others.clear();  // waits for them
  return scores;
}

void ExpectSameBits(const std::vector<double>& found, const std::vector<double>& expected, std::string_view what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(UlpDistance(found[i], expected[i]), 0U) << what << ' ' << i;
}

class ExactModels : public testing::TestWithParam<const char*> {};

TEST_P(ExactModels, DependOnNoBatchSizeAndNoThreads) {
  const std::string file = GetParam(), bytes = TestData(file);
  const auto engine = MakeEngine(DetectFormat(bytes).value(), bytes).value();
  ASSERT_EQ(engine->exactness(), Exactness::kExact);
  const FixtureRows fixture = ReadFixtureRows(file.substr(0, file.rfind('.')) + ".rows", *engine);
  const std::size_t distinct = fixture.inputs.num_rows();
  const GoldenRows library = Repeated({.inputs = fixture.inputs, .expected = fixture.predictions, .raw = fixture.raw}, kRows / distinct + 1);
  const Scores whole = ScoreInParts(*engine, library.inputs, library.inputs.num_rows(), 1);
  ExpectSameBits(whole.raw, library.raw, "raw score of the library");
  const Status within = CompareScores(library, Output::kPrediction, *engine, whole.predictions);
  EXPECT_TRUE(within) << within.error().message;
  for (const std::size_t batch : {1, 7, 64, 1000, 4096}) {
    for (const std::size_t threads : {1, 4}) {
      SCOPED_TRACE(testing::Message() << batch << " rows at once, " << threads << " threads");
      const Scores scores = ScoreInParts(*engine, library.inputs, batch, threads);
      ExpectSameBits(scores.raw, library.raw, "raw score");
      ExpectSameBits(scores.predictions, whole.predictions, "prediction");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ExactModels,
                         testing::Values("binary.txt", "zero_as_missing.txt", "forest.txt", "regression.txt", "poisson.txt",
                                         "xgboost_binary.json", "xgboost_classes.ubj", "xgboost_dart.json", "xgboost_vectors.ubj",
                                         "xgboost_linear.json", "catboost_floats.json", "catboost_nested.json",
                                         "catboost_statistics.json"));

INSTANTIATE_TEST_SUITE_P(OldVersions, ExactModels,
                         testing::Values("old_lightgbm_2.3.1_binary.txt", "old_lightgbm_2.3.1_classes.txt",
                                         "old_lightgbm_3.3.5_binary.txt", "old_lightgbm_3.3.5_classes.txt",
                                         "old_xgboost_1.0.2_binary.json", "old_xgboost_1.7.6_binary.json",
                                         "old_xgboost_1.7.6_classes.ubj", "old_xgboost_2.1.4_binary.json",
                                         "old_xgboost_2.1.4_classes.ubj"));

}  // namespace
}  // namespace sw::model
