// Five times more requests than a model can score: a fake interpreter that takes 1 ms a row.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/clock.h"
#include "model/engines/python_fakes.h"
#include "serve/fakes.h"

namespace sw::serve {
namespace {

constexpr std::size_t kQueueMax = 32, kAnswersWanted = 250;
constexpr const char* kSlow =
    "ready(); while (1) { my ($kind, $bytes) = take(); select(undef, undef, undef, 0.001 * length($bytes) / 8); answer($kind & ~15 | 2, $bytes) }";

class OverloadTest : public model::PythonEngineTest {
 protected:
  OverloadTest() {
    WriteFake(kSlow);
    model::PackageContent content;
    content.format = "python";
    content.model = Json::MakeObject({{"python", Json::MakeObject({{"environment", "fake"}, {"folder", "m"},
                                       {"content", model::FolderHash(root_ + "/models/m").value()}})}}).Dump();
    content.inputs = {"x"};
    content.contract.columns = {{.name = "x", .type = data::Type::kFloat64, .nullable = true, .min = {}, .max = {}, .categories = {}}};
    EndpointSnapshot snapshot;
    snapshot.name = "slow";
    snapshot.request = data::Schema{{{"x", data::Type::kFloat64}}};
    snapshot.arms = {{.version = 1, .package = nullptr, .mode = ArmMode::kLive, .share = 0, .threshold = {}}};
    snapshot.arms[0].package = model::LoadInMemory(content, {.onnxruntime = {}, .columns = {}, .python = host_}).value();
    snapshot.queue.queue_max = kQueueMax;
    Endpoints::Options options = serve_.Options();
    options.blocking = [] {
      return std::make_unique<base::ThreadPool>(base::ThreadPool::Options{.name = "slow", .threads = 1, .queue_max = 10 * kQueueMax});
    };
    serve_.Start(options, snapshot);
  }

  void Ask() {
    PredictRequest request{.endpoint = "slow", .rows = data::Batch(data::Schema{{{"x", data::Type::kFloat64}}})};
    request.rows.column(0).AppendDouble(2);
    const auto is_back = std::make_shared<std::atomic<bool>>(false);
    serve_.endpoints->Predict(std::move(request), [this, is_back](const Result<PredictResult>& result) {
      const std::lock_guard lock(mutex_);
      if (result) ++answered_;
      if (!result && is_back->load()) ++refused_late_;
      if (!result) ++refused_by_[result.error().message.substr(0, result.error().message.find(':'))];
      if (!result) ++refused_;
      changed_.notify_all();
    });
    is_back->store(true);
  }
  // Asks `times` new requests for each that was answered, until so many were. Answers a second.
  double Play(std::size_t begin_with, std::size_t times) {
    const std::int64_t begin_ns = base::MonotonicNs();
    std::size_t seen = answered_;
    const std::size_t first = seen;
    for (std::size_t i = 0; i < begin_with; ++i) Ask();
    while (seen < first + kAnswersWanted) {
      std::size_t now = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return answered_ > seen; });
        now = answered_;
      }
      in_flight_max_ = std::max(in_flight_max_, serve_.Count("serve_requests_in_flight"));
      for (; seen < now; ++seen) {
        for (std::size_t i = 0; i < times; ++i) Ask();
      }
    }
    const double seconds = static_cast<double>(base::MonotonicNs() - begin_ns) / 1e9;
    EXPECT_TRUE(serve_.endpoints->Drain());
    return static_cast<double>(kAnswersWanted) / seconds;
  }

  ServeFixture serve_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t answered_ = 0, refused_ = 0, refused_late_ = 0;
  std::int64_t in_flight_max_ = 0;
  std::map<std::string, std::size_t> refused_by_;
};

TEST_F(OverloadTest, FiveTimesTooMuchIsRefusedAtOnceAndTheRestIsAnsweredAsFastAsEver) {
  double best_share = 0;
  for (int pair = 0; pair < 3 && best_share < 0.8; ++pair) {  // other work on the machine comes and goes
    const double peak = Play(kQueueMax / 2, 1);
    const std::size_t refused_before = refused_;
    const double overloaded = Play(5 * kQueueMax, 5);
    EXPECT_GT(refused_ - refused_before, 3 * kAnswersWanted) << "that was no overload";
    best_share = std::max(best_share, overloaded / peak);
  }
  EXPECT_GE(best_share, 0.8);
  EXPECT_EQ(refused_late_, 0U) << "a refusal that was not told before Predict came back";
  EXPECT_LE(in_flight_max_, static_cast<std::int64_t>(3 * kQueueMax)) << "what is kept is bounded: those that wait, and one batch";
  for (const auto& [why, count] : refused_by_) EXPECT_EQ(why, "limit queue_max") << count;
}

}  // namespace
}  // namespace sw::serve
