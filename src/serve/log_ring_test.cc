#include "serve/log_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

LogRecord Record(const std::string& stream, const std::vector<std::string>& ids, double score = 0.5) {
  LogRecord record{.stream = stream, .event_time = 7, .ids = ids, .lead = {}, .inputs = {}, .features = {}};
  data::Column scores(data::Type::kFloat64);
  for (std::size_t i = 0; i < ids.size(); ++i) scores.AppendDouble(score);
  record.lead.AddColumn({"score", data::Type::kFloat64}, std::move(scores));
  return record;
}

std::shared_ptr<const data::Batch> OneColumn(const std::string& name, double value) {
  data::Batch batch(data::Schema{{{name, data::Type::kFloat64}}});
  batch.column(0).AppendDouble(value);
  return std::make_shared<const data::Batch>(std::move(batch));
}

class LogRingTest : public testing::Test {
 protected:
  LogRing::Options options{.has_thread = false};
  FakeLog log;
  base::Counters counters;
  std::int64_t Dropped(const char* kind) {
    return counters.Get("serve_log_dropped_rows_total", "", {{"kind", kind}}).Value();
  }
  static constexpr auto kPrediction = LogRing::Priority::kPrediction;
};

TEST_F(LogRingTest, WritesWhatWasPushedWhenFlushed) {
  LogRing ring(options, log, counters);
  EXPECT_TRUE(ring.Push(Record("predictions/late", {"a", "b"}, 0.25), kPrediction));
  EXPECT_TRUE(log.appended.empty());
  ASSERT_TRUE(ring.Flush());
  ASSERT_EQ(log.appended.size(), 1U);
  const auto& [stream, rows] = log.appended[0];
  EXPECT_EQ(stream, "predictions/late");
  EXPECT_EQ(rows.id, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rows.event_time, (std::vector<TimeUs>{7, 7}));
  EXPECT_EQ(rows.columns.Find("score")->Double(1), 0.25);
  EXPECT_EQ(ring.rows(), 0U);
}

TEST_F(LogRingTest, NamesInputsAndFeatures) {
  LogRecord record = Record("predictions/late", {"a"});
  record.inputs = OneColumn("distance", 3);
  record.features = OneColumn("trip.hour", 4);
  const auto merged = MergeRecords({record}, 10);
  EXPECT_EQ(merged[0].rows.columns.Find("in.distance")->Double(0), 3);
  EXPECT_EQ(merged[0].rows.columns.Find("x.trip.hour")->Double(0), 4);
  EXPECT_TRUE(merged[0].rows.columns.Check());
}

TEST_F(LogRingTest, MergesRecordsOfOneStreamWithOneSetOfColumns) {
  LogRecord wide = Record("p/a", {"3"});
  wide.features = OneColumn("x", 1);
  const auto merged = MergeRecords({Record("p/a", {"1"}), Record("p/b", {"9"}), Record("p/a", {"2"}), wide,
                                    Record("p/a", {"4"})}, 10);
  ASSERT_EQ(merged.size(), 4U);
  EXPECT_EQ(merged[0].rows.id, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(merged[1].stream, "p/b");
  EXPECT_EQ(merged[2].rows.id, (std::vector<std::string>{"3"}));
  EXPECT_EQ(merged[3].rows.id, (std::vector<std::string>{"4"}));  // not in front of 3
}

TEST_F(LogRingTest, CutsMergedRowsAtTheLimit) {
  const auto merged = MergeRecords({Record("p", {"1", "2"}), Record("p", {"3"}), Record("p", {"4", "5", "6", "7"})}, 3);
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_EQ(merged[0].rows.num_rows(), 3U);
  EXPECT_EQ(merged[1].rows.num_rows(), 4U);
}

TEST_F(LogRingTest, TurnsAwayAndCountsWhatDoesNotFit) {
  options.rows_max = 2;
  LogRing ring(options, log, counters);
  EXPECT_TRUE(ring.Push(Record("p", {"1", "2"}), kPrediction));
  EXPECT_FALSE(ring.Push(Record("p", {"3"}), kPrediction));
  EXPECT_EQ(Dropped("prediction"), 1);
  ASSERT_TRUE(ring.Flush());
  EXPECT_TRUE(ring.Push(Record("p", {"4"}), kPrediction));
}

TEST_F(LogRingTest, CountsBytesToo) {
  options.bytes_max = 64 << 10;
  LogRing ring(options, log, counters);
  EXPECT_FALSE(ring.Push(Record("p", {std::string(64 << 10, 'x')}), kPrediction));
  LogRecord record = Record("p", {"1"});
  data::Batch text(data::Schema{{{"note", data::Type::kString}}});
  text.column(0).AppendString(std::string(64 << 10, 'x'));
  record.inputs = std::make_shared<const data::Batch>(std::move(text));
  EXPECT_FALSE(ring.Push(std::move(record), kPrediction));
  for (int i = 0; i < 100; ++i) {  // what was written is given back
    ASSERT_TRUE(ring.Push(Record("p", {std::string(40 << 10, 'x')}), kPrediction));
    ASSERT_TRUE(ring.Flush());
  }
}

TEST_F(LogRingTest, ShedsShadowsFirst) {
  options.rows_max = 4;
  LogRing ring(options, log, counters);
  EXPECT_TRUE(ring.Push(Record("p", {"1", "2"}), kPrediction));
  EXPECT_FALSE(ring.Push(Record("s", {"1"}), LogRing::Priority::kShadow));
  EXPECT_TRUE(ring.Push(Record("p", {"3"}), kPrediction));
  EXPECT_EQ(Dropped("shadow"), 1);
  EXPECT_EQ(Dropped("prediction"), 0);
}

TEST_F(LogRingTest, KeepsWhatTheLogRefusesInOrderUnderItsSequence) {
  LogRing ring(options, log, counters);
  log.refuse = true;
  ASSERT_TRUE(ring.Push(Record("p/a", {"1"}), kPrediction));
  const Status refused = ring.Flush();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "writing p/a: the disk is full");
  ASSERT_TRUE(ring.Push(Record("p/a", {"2"}), kPrediction));
  EXPECT_FALSE(ring.Flush().has_value());
  EXPECT_EQ(ring.rows(), 2U);
  EXPECT_EQ(counters.Get("serve_log_errors_total", "").Value(), 2);
  log.refuse = false;
  ASSERT_TRUE(ring.Flush());
  ASSERT_EQ(log.appended.size(), 2U);
  EXPECT_EQ(log.appended[0].second.id[0], "1");
  EXPECT_EQ(log.sequences, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(ring.rows(), 0U);
}

TEST_F(LogRingTest, TellsThoseWhoWaitOnceTheirRecordsAreSynced) {
  LogRing ring(options, log, counters);
  std::vector<std::string> told;
  const auto push = [&](const std::string& id) {
    LogRecord record = Record("p", {id});
    record.when_on_disk = [&told, id](const Status& status) { told.push_back(status ? id : status.error().message); };
    ASSERT_TRUE(ring.Push(std::move(record), kPrediction));
  };
  ASSERT_TRUE(ring.Push(Record("p", {"0"}), kPrediction));
  ASSERT_TRUE(ring.Flush());
  EXPECT_EQ(log.syncs, 0) << "nobody waits";
  push("1");
  push("2");
  EXPECT_TRUE(told.empty());
  ASSERT_TRUE(ring.Flush());
  EXPECT_EQ(told, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(log.syncs, 1) << "one for both";
  log.refuse_sync = true;
  push("3");
  EXPECT_FALSE(ring.Flush());
  log.refuse = true;
  push("4");
  EXPECT_FALSE(ring.Flush());
  EXPECT_EQ(told, (std::vector<std::string>{"1", "2", "syncing the logbook: the disk broke", "writing p: the disk is full"}));
  log.refuse = false;
  ASSERT_TRUE(ring.Flush());
  EXPECT_EQ(log.Rows("p"), 5U) << "what was refused was written later";
}

TEST_F(LogRingTest, WritesAtOnceWhatIsWaitedFor) {
  options.has_thread = true;
  options.flush_every_ms = 3'600'000;
  LogRing ring(options, log, counters);
  ASSERT_TRUE(ring.Push(Record("p", {"0"}), kPrediction));  // the thread waits for more
  std::atomic<bool> is_told = false;
  LogRecord record = Record("p", {"1"});
  record.when_on_disk = [&](const Status&) {
    is_told = true;
    is_told.notify_all();
  };
  ASSERT_TRUE(ring.Push(std::move(record), kPrediction));
  is_told.wait(false);  // hangs, and fails by the test's time limit, when the record's turn comes in an hour
  EXPECT_EQ(log.syncs, 1);
}

TEST_F(LogRingTest, FlushesWhenItGoesAway) {
  { LogRing(options, log, counters).Push(Record("p", {"1"}), kPrediction); }
  EXPECT_EQ(log.Rows("p"), 1U);
  {
    LogRing ring(options, log, counters);
    ring.Push(Record("p", {"2"}), kPrediction);
    log.refuse = true;
  }
  EXPECT_EQ(Dropped("prediction"), 1);
}

TEST_F(LogRingTest, LosesNothingBetweenManyThreads) {
  options.has_thread = true;
  options.flush_rows = 8;
  LogRing ring(options, log, counters);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&ring, thread] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_TRUE(ring.Push(Record("p", {std::to_string(thread) + "-" + std::to_string(i)}), kPrediction));
        if (i % 100 != 0) continue;
        EXPECT_TRUE(ring.Flush());
      }
    });
  }
  threads.clear();
  ASSERT_TRUE(ring.Flush());
  EXPECT_EQ(log.Rows("p"), 2'000U);
  EXPECT_TRUE(std::is_sorted(log.sequences.begin(), log.sequences.end()));
}

TEST_F(LogRingTest, TheThreadWritesWithoutAFlush) {
  class NotifyingLog final : public PredictionLog {
   public:
    Status Append(const std::string&, std::int64_t, const LoggedRows& rows) override {
      written.fetch_add(rows.num_rows());
      written.notify_all();
      return Ok();
    }
    Status Sync() override { return Ok(); }
    std::atomic<std::size_t> written{0};
  } notifying;
  options.has_thread = true;
  options.flush_every_ms = 0;
  LogRing ring(options, notifying, counters);
  ASSERT_TRUE(ring.Push(Record("p", {"1"}), kPrediction));
  notifying.written.wait(0);  // hangs, and fails by the test's time limit, when nobody writes
  EXPECT_EQ(notifying.written.load(), 1U);
}

}  // namespace
}  // namespace sw::serve
