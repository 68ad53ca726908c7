#include "serve/log_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

using Kind = std::shared_ptr<const LogKind>;

Kind MakeKind(const std::string& stream, const data::Schema& inputs = {}, const std::optional<data::Schema>& features = {}) {
  return std::make_shared<const LogKind>(stream, data::Schema{{{"score", data::Type::kFloat64}}}, inputs, features);
}

LogRecord Record(const Kind& kind, const std::vector<std::string>& ids, double score = 0.5) {
  LogRecord record(kind, 7, ids.size());
  for (const std::string& id : ids) {
    record.AppendText(id);
    record.AppendDouble(score);
  }
  return record;
}
LogRecord Record(const std::string& stream, const std::vector<std::string>& ids, double score = 0.5) {
  return Record(MakeKind(stream), ids, score);
}

data::Batch OneRow(const data::Schema& schema, double number, std::string_view text) {
  data::Batch batch(schema);
  batch.column(0).AppendDouble(number);
  text.empty() ? batch.column(1).AppendNull() : batch.column(1).AppendString(text);
  batch.column(2).AppendInt(3);
  return batch;
}
const data::Schema kThree{{{"distance", data::Type::kFloat64}, {"tailnum", data::Type::kString}, {"seats", data::Type::kInt64}}};

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
  LogRing ring(options, log, counters);
  LogRecord record = Record(MakeKind("p", kThree, data::Schema{{{"trip.hour", data::Type::kBool}}}), {"a"});
  record.AppendCells(OneRow(kThree, 3, ""), 0);
  data::Batch features(data::Schema{{{"trip.hour", data::Type::kBool}}});
  features.column(0).AppendBool(true);
  record.AppendCells(features, 0);
  ASSERT_TRUE(ring.Push(std::move(record), kPrediction));
  ASSERT_TRUE(ring.Flush());
  const data::Batch& columns = log.appended.at(0).second.columns;
  EXPECT_TRUE(columns.Check());
  EXPECT_EQ(columns.Find("in.distance")->Double(0), 3);
  EXPECT_TRUE(columns.Find("in.tailnum")->IsNull(0));
  EXPECT_EQ(columns.Find("in.seats")->Int(0), 3);
  EXPECT_EQ(columns.Find("x.trip.hour")->Int(0), 1);
  EXPECT_EQ(columns.num_columns(), 5U);
}

TEST_F(LogRingTest, LogsInputsThatAreTheFeaturesAsBoth) {
  LogRing ring(options, log, counters);
  const Kind kind = MakeKind("p", kThree);
  for (const char* tail : {"N1", ""}) {
    LogRecord record = Record(kind, {"a"});
    record.AppendCells(OneRow(kThree, 3, tail), 0);
    ASSERT_TRUE(ring.Push(std::move(record), kPrediction));
  }
  ASSERT_TRUE(ring.Flush());
  const data::Batch& columns = log.appended.at(0).second.columns;
  EXPECT_TRUE(columns.Check());
  EXPECT_EQ(columns.num_rows(), 2U);
  for (const data::Field& field : kThree.fields) EXPECT_EQ(*columns.Find("in." + field.name), *columns.Find("x." + field.name));
  EXPECT_EQ(columns.Find("x.tailnum")->String(0), "N1");
  EXPECT_TRUE(columns.Find("x.tailnum")->IsNull(1));
}

TEST_F(LogRingTest, MergesRecordsOfOneKindInTheOrderOfTheirStream) {
  LogRing ring(options, log, counters);
  const Kind a = MakeKind("p/a"), b = MakeKind("p/b"), other_a = MakeKind("p/a");
  for (const auto& [kind, id] : {std::pair{a, "1"}, {b, "9"}, {a, "2"}, {other_a, "3"}, {a, "4"}}) {
    ASSERT_TRUE(ring.Push(Record(kind, {id}), kPrediction));
  }
  ASSERT_TRUE(ring.Flush());
  ASSERT_EQ(log.appended.size(), 4U);
  EXPECT_EQ(log.appended[0].second.id, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(log.appended[1].first, "p/b");
  EXPECT_EQ(log.appended[2].second.id, (std::vector<std::string>{"3"}));
  EXPECT_EQ(log.appended[3].second.id, (std::vector<std::string>{"4"}));  // not in front of 3
}

TEST_F(LogRingTest, CutsMergedRowsAtTheLimit) {
  const Kind kind = MakeKind("p");
  const std::string bytes = Record(kind, {"1", "2"}).bytes() + Record(kind, {"3"}).bytes() + Record(kind, {"4", "5", "6", "7"}).bytes();
  const std::vector<LoggedRows> pieces = RowsOf(*kind, bytes, 3);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].id, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(pieces[1].num_rows(), 4U);
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
  LogRecord record = Record(MakeKind("p", kThree), {"1"});
  record.AppendCells(OneRow(kThree, 3, std::string(64 << 10, 'x')), 0);
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
