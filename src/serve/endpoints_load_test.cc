// Many threads at once: swaps, flushes and shadows under load.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "base/files.h"
#include "serve/endpoints.h"
#include "serve/fakes.h"

namespace sw::serve {
namespace {

// Answers from a pool, as a remote store would.
class PooledFeatures final : public FeatureReader {
 public:
  explicit PooledFeatures(base::Executor& pool) : pool_(pool) {}
  void Read(const FeatureRead& read, FeaturesCallback done) override {
    const Status status = pool_.Submit([&rows = read.rows, done = std::move(done)]() mutable { done(ReadFeatures{rows, {}}); });
    SW_CHECK(status.has_value(), "the test's pool is large enough");
  }

 private:
  base::Executor& pool_;
};

PredictResult Wait(Endpoints& endpoints, PredictRequest request, std::atomic<int>& failures) {
  std::promise<Result<PredictResult>> promise;
  endpoints.Predict(std::move(request), [&](Result<PredictResult> result) { promise.set_value(std::move(result)); });
  Result<PredictResult> answer = promise.get_future().get();
  if (answer) return *std::move(answer);
  ++failures;
  return {};
}

EndpointSnapshot Generation(std::int64_t version, const std::string& service) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.service = service;
  const auto weight = static_cast<double>(version);
  snapshot.arms = {MakeArm(version, weight, ArmMode::kLive), MakeArm(version + 1, weight + 1, ArmMode::kCanary, 0.3),
                   MakeArm(version + 2, weight + 2, ArmMode::kShadow)};
  return snapshot;
}

TEST(UnderLoad, SwapsFailNoRequestAndEveryRowIsLogged) {
  constexpr int kThreads = 3, kRequests = 300, kSwaps = 60;
  base::ThreadPool pool({.name = "features", .threads = 2, .queue_max = 10'000});
  base::ThreadPool shadow({.name = "shadow", .threads = 1, .queue_max = 10'000});
  base::SystemClock clock;
  base::Counters counters;
  PooledFeatures features(pool);
  FakeLog log;
  Endpoints endpoints({.clock = &clock, .counters = &counters, .features = &features, .log = &log, .shadow = &shadow});
  ASSERT_TRUE(endpoints.Replace(Generation(1, "late_v1")));

  std::atomic<int> failures = 0, wrong = 0;
  std::atomic<std::size_t> canary_rows = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kRequests; ++i) {
        const std::vector<DelayRow> rows = {{"N" + std::to_string(i), 10}, {"N" + std::to_string(thread), 20}};
        const PredictResult result = Wait(endpoints, {.endpoint = "late", .rows = DelayRows(rows)}, failures);
        for (std::size_t row = 0; row < result.scores.size(); ++row) {
          if (result.scores[row] != rows[row].delay * static_cast<double>(result.versions[row])) ++wrong;
          canary_rows += result.arms[row] == ServedAs::kCanary ? 1 : 0;
        }
        if (!result.logged) ++wrong;
      }
    });
  }
  for (int swap = 2; swap < kSwaps; ++swap) {
    EXPECT_TRUE(endpoints.Replace(Generation(swap, swap % 2 == 0 ? "" : "late_v1")));
    std::this_thread::yield();
    if (swap % 10 != 0) continue;
    EXPECT_TRUE(endpoints.Flush()) << swap;
  }
  threads.clear();
  ASSERT_TRUE(endpoints.Flush());
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(wrong, 0);
  constexpr std::size_t kRows = 2U * kThreads * kRequests;
  EXPECT_EQ(log.Rows("predictions/late"), kRows);
  EXPECT_EQ(log.Rows("shadow/late"), kRows + canary_rows);
}

TEST(UnderLoad, AFlushAfterAnAnswerFindsItsShadows) {
  base::ThreadPool shadow({.name = "shadow", .threads = 1});
  base::SystemClock clock;
  base::Counters counters;
  FakeLog log;
  Endpoints endpoints({.clock = &clock, .counters = &counters, .log = &log, .shadow = &shadow});
  ASSERT_TRUE(endpoints.Replace(Generation(1, "")));
  std::latch open(1);
  ASSERT_TRUE(shadow.Submit([&] { open.wait(); }));  // the shadow waits behind this
  std::atomic<int> failures = 0;
  Wait(endpoints, {.endpoint = "late", .rows = DelayRows({{"N1", 10}})}, failures);
  std::jthread opener([&] { open.count_down(); });
  ASSERT_TRUE(endpoints.Flush());
  EXPECT_GE(log.Rows("shadow/late"), 1U);
  EXPECT_EQ(log.Rows("predictions/late"), 1U);
}

TEST(UnderLoad, GoingAwayWaitsForWhatIsInFlight) {
  base::ThreadPool pool({.name = "features", .threads = 2});
  base::ThreadPool shadow({.name = "shadow", .threads = 1});
  base::SystemClock clock;
  base::Counters counters;
  PooledFeatures features(pool);
  FakeLog log;
  std::atomic<int> answers = 0;
  {
    Endpoints endpoints({.clock = &clock, .counters = &counters, .features = &features, .log = &log, .shadow = &shadow});
    ASSERT_TRUE(endpoints.Replace(Generation(1, "late_v1")));
    for (int i = 0; i < 50; ++i) {
      endpoints.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 10}})}, [&](Result<PredictResult>) { ++answers; });
    }
  }
  EXPECT_EQ(answers, 50);
  EXPECT_EQ(log.Rows("predictions/late"), 50U);
}

// Real trees: a batch of a thousand rows and a thousand batches of one give the same bits.
TEST(UnderLoad, AForestsBitsDoNotDependOnTheBatch) {
  model::PackageContent content;
  content.format = "lightgbm";
  content.model = base::ReadFile(SW_SOURCE_DIR "/src/model/testdata/binary.txt").value();
  content.inputs = {"a", "b", "c", "d", "e"};
  EndpointSnapshot snapshot;
  snapshot.name = "forest";
  base::Random random(7);
  for (const std::string& input : content.inputs) {
    snapshot.request.fields.push_back({input, data::Type::kFloat64});
    content.contract.columns.push_back({.name = input, .type = data::Type::kFloat64, .nullable = true, .min = {}, .max = {}, .categories = {}});
  }
  snapshot.arms = {{.version = 1, .package = MakePackage(content), .mode = ArmMode::kLive, .share = 0, .threshold = {}}};
  data::Batch rows(snapshot.request);
  for (int i = 0; i < 1'000; ++i) {
    for (std::size_t c = 0; c < rows.num_columns(); ++c) rows.column(c).AppendDouble(random.NextDouble() * 40 - 3);
  }
  ServeFixture serve(snapshot);
  const PredictResult batch = serve.Predict({.endpoint = "forest", .rows = rows}).value();
  for (std::size_t i = 0; i < rows.num_rows(); ++i) {
    const PredictResult one = serve.Predict({.endpoint = "forest", .rows = rows.Slice(i, 1)}).value();
    ASSERT_EQ(model::UlpDistance(one.scores[0], batch.scores[i]), 0U) << i;
  }
}

}  // namespace
}  // namespace sw::serve
