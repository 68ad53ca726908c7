// The promise of the room: online(t) == offline(t), byte for byte, whatever came in whatever order.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/files.h"
#include "base/random.h"
#include "data/readers.h"
#include "feature/feature_store_fixture.h"
#include "feature/table_join.h"

namespace sw::feature {
namespace {

using base::kDayUs;
using base::kHourUs;
using data::Type;

bool IsAsked(Aggregate aggregate, std::string_view column) {
  const data::Type type = column == "note" ? Type::kString : Type::kFloat64;
  return column == "*" ? aggregate == Aggregate::kCount : TermType({.aggregate = aggregate}, type).has_value();
}

// So that windows of each kind meet each aggregate somewhere.
void MoveWindow(std::size_t number, FeatureDef& feature) {
  if (feature.window == 0) return;
  if (number % 4 == 1) feature.hop = kHourUs / 4;
  if (number % 4 == 2) feature.kind = WindowKind::kTumbling;
  if (number % 4 == 3) feature.kind = WindowKind::kCurrent;
}

ViewDef EveryFeature(const std::string& name, const std::string& entity, const std::vector<DurationUs>& windows) {
  ViewDef view{.name = name, .entity = entity, .source = "landings", .window_over_available = false, .features = {}};
  for (const DurationUs window : windows) {
    for (const bool strict : {false, true}) {
      for (const char* column : {"*", "crew", "load", "note", "late"}) {
        for (const std::string& name : AggregateNames()) {
          const Aggregate aggregate = ParseAggregate(name).value();
          if (!IsAsked(aggregate, column)) continue;
          FeatureDef feature{"f" + std::to_string(view.features.size()), aggregate, column, window, strict};
          if (aggregate == Aggregate::kQuantile) feature.parameter = 0.5;
          if (aggregate == Aggregate::kDistinctCount) feature.parameter = 2;  // and a sketch beyond
          if (aggregate == Aggregate::kMean && std::string_view(column) == "load") feature.divisor = TermDef{Aggregate::kCount, "*"};
          MoveWindow(view.features.size(), feature);
          view.features.push_back(feature);
        }
      }
    }
  }
  return view;
}

Definitions EveryView() {
  Definitions defined = LandingsDefinitions();
  AddView(defined, EveryFeature("short", "ship", {kHourUs, 3 * kHourUs}));
  AddView(defined, EveryFeature("long", "call", {kDayUs, 7 * kDayUs, 40 * kDayUs}));
  AddView(defined, EveryFeature("lifetime", "ship", {0}));
  AddView(defined, EveryFeature("mixed", "call", {0, kDayUs}));
  ViewDef over_available = EveryFeature("over_available", "ship", {0, kHourUs, kDayUs});
  over_available.window_over_available = true;
  AddView(defined, over_available);
  ServiceDef& all = defined.services["all"];
  all.name = "all";
  for (const auto& [name, service] : defined.services) {
    if (name != "all") all.features.insert(all.features.end(), service.features.begin(), service.features.end());
  }
  return defined;
}

// Times on a grid of a quarter of an hour, so that many tie; a third known late, some never.
void AppendLanding(base::Random& random, TimeUs around, std::size_t number, data::Batch& rows) {
  const auto text_or_null = [&](std::size_t column, std::initializer_list<const char*> values) {
    const std::size_t index = random.Below(values.size() + 1);
    index < values.size() ? rows.column(column).AppendString(values.begin()[index]) : rows.column(column).AppendNull();
  };
  const TimeUs at = around - static_cast<TimeUs>(random.Below(40)) * kHourUs / 4;
  rows.column(0).AppendString("landing-" + std::to_string(number));
  text_or_null(1, {"Aida", "Bounty", "Argo"});
  random.Below(9) == 0 ? rows.column(2).AppendNull() : rows.column(2).AppendInt(static_cast<std::int64_t>(random.Below(2)));
  rows.column(3).AppendInt(at);
  if (random.Below(20) == 0) {
    rows.column(4).AppendNull();
  } else {
    rows.column(4).AppendInt(at + (random.Below(3) == 0 ? static_cast<TimeUs>(random.Below(60)) * kHourUs / 4 : -5));
  }
  random.Below(5) == 0 ? rows.column(5).AppendNull() : rows.column(5).AppendInt(static_cast<std::int64_t>(random.Below(7)) - 3);
  const double loads[] = {-0.0, 0.0, 1e16, -1e16, 0.1, 5e-324, std::numeric_limits<double>::infinity(),
                          std::numeric_limits<double>::quiet_NaN()};
  random.Below(5) == 0 ? rows.column(6).AppendNull() : rows.column(6).AppendDouble(loads[random.Below(random.Below(20) == 0 ? 8 : 6)]);
  text_or_null(7, {"", "calm", "rough"});
  random.Below(4) == 0 ? rows.column(8).AppendNull() : rows.column(8).AppendBool(random.Below(2) == 0);
}

data::Batch Requests() {
  data::Batch requests(data::Schema{{{"ship", Type::kString}, {"berth", Type::kInt64}}});
  for (const char* ship : {"Aida", "Bounty", "Argo", "never seen", "Aida"}) {
    requests.column(0).AppendString(ship);
    requests.column(1).AppendInt(static_cast<std::int64_t>(requests.num_rows() % 2));
  }
  requests.column(0).AppendNull();
  requests.column(1).AppendNull();
  return requests;
}

void ExpectSame(const data::Batch& online, const data::Batch& offline, TimeUs t) {
  ASSERT_EQ(online.num_columns(), offline.num_columns());
  ASSERT_GT(offline.num_columns(), 0u);
  if (data::EncodeBatch(online) == data::EncodeBatch(offline)) return;
  for (std::size_t i = 0; i < online.num_columns(); ++i) {
    for (std::size_t row = 0; row < online.num_rows(); ++row) {
      ASSERT_EQ(online.column(i).ToText(row), offline.column(i).ToText(row))
          << online.schema().fields[i].name << " row " << row << " at " << base::FormatTime(t);
    }
  }
  FAIL() << "bits differ at " << base::FormatTime(t);
}

class ParityOf : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ParityOf, OnlineIsOfflineWhateverCameInWhateverOrder) {
  base::Random random(GetParam());
  StoreStory story(EveryView());
  const data::Batch requests = Requests();
  TimeUs now = 1000 * kDayUs;
  std::size_t number = 0;
  std::vector<TimeUs> moments;
  data::Batch asked, served, read;
  for (int step = 0; step < 25; ++step) {
    now += static_cast<TimeUs>(random.Below(30)) * kHourUs / 4;
    data::Batch rows(LandingsSchema());
    for (std::size_t i = random.Below(25); i > 0; --i) {
      const std::size_t id = random.Below(6) == 0 && number > 0 ? random.Below(number) : number++;  // some come twice
      AppendLanding(random, now + (random.Below(10) == 0 ? 5 * kDayUs : 0), id, rows);
    }
    ASSERT_TRUE(story.store().Push("landings", rows, {.durability = store::Durability::kBuffered}).has_value());
    if (random.Below(6) == 0) story.Restart();
    const bool rebuilt = random.Below(9) != 0 || story.store().Rebuild().has_value();
    ASSERT_TRUE(rebuilt);
    const TimeUs past = now - static_cast<TimeUs>(random.Below(10)) * kDayUs;
    for (const TimeUs t : {now, now + kHourUs, past}) {
      const FeatureRead answer = story.Read("all", requests, t);
      ExpectSame(answer.features, story.Offline("all", requests, t), t);
      const data::Batch noted = answer.read.Take(std::vector<std::size_t>(requests.num_rows(), 0));
      moments.insert(moments.end(), requests.num_rows(), t);
      asked.num_columns() == 0 ? void(asked = requests) : asked.AppendAll(requests);
      served.num_columns() == 0 ? void(served = answer.features) : served.AppendAll(answer.features);
      read.num_columns() == 0 ? void(read = noted) : read.AppendAll(noted);
    }
  }
  // Each read is found again, bit for bit, from the rows that there were: others came since for times before.
  const AuditReport report = story.store().Audit("all", {asked, moments, served, read}).value();
  EXPECT_EQ(report.audited, asked.num_rows());
  EXPECT_EQ(report.different, 0u) << (report.examples.empty() ? "" : report.examples[0]);
  EXPECT_TRUE(std::ranges::any_of(report.freshness, [](const auto& feature) { return feature.changed > 0; }));
}
INSTANTIATE_TEST_SUITE_P(Seeds, ParityOf, testing::Range<std::uint64_t>(1, 7));

TEST(FeatureParity, TheOrderOfArrivalDoesNotShow) {
  base::Random random(5);
  data::Batch rows(LandingsSchema());
  for (std::size_t i = 0; i < 300; ++i) AppendLanding(random, static_cast<TimeUs>(random.Below(300)) * kHourUs, i, rows);
  StoreStory at_once(EveryView());
  StoreStory one_by_one(EveryView());
  ASSERT_TRUE(at_once.store().Push("landings", rows, {}).has_value());
  for (std::size_t i = 0; i < 300; i += 15) {
    std::vector<std::size_t> some;
    for (std::size_t j = 0; j < 15; ++j) some.push_back(299 - (i + j));
    ASSERT_TRUE(one_by_one.store().Push("landings", rows.Take(some), {.durability = store::Durability::kBuffered}).has_value());
  }
  for (const TimeUs t : {50 * kHourUs, 200 * kHourUs, 290 * kHourUs, 400 * kHourUs}) {
    ExpectSame(one_by_one.Online("all", Requests(), t), at_once.Online("all", Requests(), t), t);
    ExpectSame(one_by_one.Offline("all", Requests(), t), at_once.Offline("all", Requests(), t), t);
  }
}

// By declared names or by content, within memory or on disk, whole or in blocks.
TEST(FeatureParity, TablesGiveWhatTheStoreGives) {
  base::Random random(21);
  data::Batch rows(LandingsSchema());
  for (std::size_t i = 0; i < 400; ++i) AppendLanding(random, static_cast<TimeUs>(random.Below(200)) * kHourUs, random.Below(9) == 0 ? i / 2 : i, rows);
  rows.AppendAll(rows.Slice(100, 50));  // delivered twice
  const store::TempFolder tables;
  ASSERT_TRUE(data::WriteParquet(rows, tables / "landings.parquet"));
  for (const bool is_named : {true, false}) {
    Definitions defined = EveryView();
    defined.sources["landings"].table = "parquet:landings.parquet";
    if (!is_named) defined.sources["landings"].dedupe.clear();
    StoreStory story(defined);
    ASSERT_TRUE(story.store().Push("landings", rows, {}).has_value());
    data::Batch labels(Requests().schema());
    std::vector<TimeUs> moments;
    for (TimeUs t = 0; t < 240 * kHourUs; t += 35 * kHourUs) {
      labels.AppendAll(Requests());
      moments.insert(moments.end(), Requests().num_rows(), t);
    }
    const data::Batch stored = story.store().Join("all", labels, moments, {}).value();
    const data::Batch naive = story.store().Join("all", labels, moments, {.ignore_availability = true, .cuts = {}, .progress = {}}).value();
    for (const std::size_t memory : {std::size_t{1}, std::size_t{20'000}, std::size_t{1} << 30}) {
      TableJoinOptions options{.tables_folder = tables.path, .memory_bytes_max = memory, .block_rows = 37, .spill_folder = tables.path};
      ExpectSame(JoinFromTables(story.definitions(), "all", labels, moments, options)->features, stored, 0);
      options.ignore_availability = true;
      ExpectSame(JoinFromTables(story.definitions(), "all", labels, moments, options)->features, naive, 0);
    }
    EXPECT_EQ(base::ListFolder(tables.path)->size(), 1u) << "files of rows were left behind";
  }
}

ViewDef NewestRows(const std::string& name, const std::string& entity, bool over_available) {
  ViewDef view{.name = name, .entity = entity, .source = "landings", .window_over_available = over_available, .features = {}};
  for (const char* column : {"crew", "load", "note", "late"}) {
    for (const Aggregate aggregate : {Aggregate::kLast, Aggregate::kValue}) {
      for (const bool strict : {false, true}) {
        for (const DurationUs ttl : {DurationUs{0}, 9 * kHourUs}) {
          view.features.push_back({.name = "f" + std::to_string(view.features.size()), .aggregate = aggregate, .column = column, .strict = strict, .ttl = ttl});
        }
      }
    }
  }
  return view;
}

// By slots, where no row is kept; with rows of one moment, which have no order there, by the other way.
TEST(FeatureParity, TablesGiveTheNewestRowsThatTheStoreGives) {
  base::Random random(23);
  for (const bool has_ties : {false, true}) {
    Definitions defined = LandingsDefinitions();
    defined.sources["landings"].table = "parquet:landings.parquet";
    defined.sources["landings"].dedupe.clear();
    AddView(defined, NewestRows("of_ship", "ship", false));
    AddView(defined, NewestRows("of_call", "call", false));
    AddView(defined, NewestRows("known", "ship", true));
    ServiceDef& all = defined.services["all"];
    all.name = "all";
    for (const auto& [name, view] : defined.views) {
      for (const FeatureDef& feature : view.features) all.features.push_back(name + "." + feature.name);
    }
    data::Batch rows(LandingsSchema());
    for (std::size_t i = 0; i < 400; ++i) AppendLanding(random, static_cast<TimeUs>(random.Below(200)) * kHourUs, i, rows);
    if (!has_ties) {
      data::Column at(Type::kTimestamp), known(Type::kTimestamp);
      for (std::size_t i = 0; i < rows.num_rows(); ++i) {
        at.AppendInt(rows.column(3).Int(i) + static_cast<TimeUs>(i));
        rows.column(4).IsNull(i) ? known.AppendNull() : known.AppendInt(rows.column(4).Int(i) + static_cast<TimeUs>(i));
      }
      rows.column(3) = std::move(at);
      rows.column(4) = std::move(known);
    }
    const store::TempFolder tables;
    ASSERT_TRUE(data::WriteParquet(rows, tables / "landings.parquet"));
    StoreStory story(defined);
    ASSERT_TRUE(story.store().Push("landings", rows, {}).has_value());
    data::Batch labels(Requests().schema());
    std::vector<TimeUs> moments;
    for (TimeUs t = 0; t < 240 * kHourUs; t += 7 * kHourUs) {
      labels.AppendAll(Requests());
      moments.insert(moments.end(), Requests().num_rows(), t % 2 == 0 ? t : rows.column(3).Int(static_cast<std::size_t>(t / kHourUs)));
    }
    for (const bool naive : {false, true}) {
      const data::Batch stored = story.store().Join("all", labels, moments, {.ignore_availability = naive, .cuts = {}, .progress = {}}).value();
      const TableJoinOptions options{.tables_folder = tables.path, .ignore_availability = naive, .block_rows = 37, .spill_folder = tables.path};
      const TableJoin joined = JoinFromTables(story.definitions(), "all", labels, moments, options).value();
      ExpectSame(joined.features, stored, 0);
      EXPECT_GT(joined.matches.at("of_ship").happened, joined.matches.at("of_ship").hidden);
    }
  }
}

// A slow, obvious reference: every row looked at, by the words of kernel.h.
std::optional<std::int64_t> SlowSum(const data::Batch& rows, std::string_view ship, TimeUs t, DurationUs window) {
  std::optional<std::int64_t> sum;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    if (rows.column(1).IsNull(row) || rows.column(1).String(row) != ship || rows.column(4).IsNull(row)) continue;
    const TimeUs at = rows.column(3).Int(row);
    const TimeUs available = std::max(at, rows.column(4).Int(row));
    if (available > t || at > t || at <= t - window || rows.column(5).IsNull(row)) continue;
    sum = sum.value_or(0) + rows.column(5).Int(row);
  }
  return sum;
}

TEST(FeatureParity, BothAgreeWithASlowReference) {
  base::Random random(11);
  Definitions defined = LandingsDefinitions();
  AddView(defined, {"crew", "ship", "landings", false, {{"sum_1d", Aggregate::kSum, "crew", kDayUs, false}}});
  StoreStory story(defined);
  data::Batch rows(LandingsSchema());
  for (std::size_t i = 0; i < 500; ++i) AppendLanding(random, static_cast<TimeUs>(random.Below(90)) * kHourUs, i, rows);
  ASSERT_TRUE(story.store().Push("landings", rows, {}).has_value());
  std::size_t values = 0;
  for (TimeUs t = 0; t < 120 * kHourUs; t += kHourUs / 2) {
    const data::Batch online = story.Online("crew", Requests(), t);
    const auto slow = SlowSum(rows, "Aida", t, kDayUs);
    ASSERT_EQ(online.column(0).IsNull(0), !slow.has_value()) << t;
    ASSERT_EQ(online.column(0).Int(0), slow.value_or(0)) << t;
    values += slow ? 1 : 0;
  }
  EXPECT_GT(values, 100u);
}

}  // namespace
}  // namespace sw::feature
