#include "feature/feature_store.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "base/errors.h"
#include "feature/feature_store_fixture.h"

namespace sw::feature {
namespace {

using base::kDayUs;
using base::kHourUs;
using data::Type;

Definitions CrewView(DurationUs window = kDayUs) {
  Definitions defined = LandingsDefinitions();
  AddView(defined, {"crew", "ship", "landings", false, {{"sum", Aggregate::kSum, "crew", window, false},
                                                         {"last", Aggregate::kLast, "crew", 0, false}}});
  return defined;
}

// Rows of the source in few words.
class Landings {
 public:
  Landings& Row(const std::string& id, std::optional<std::string> ship, TimeUs at, std::optional<TimeUs> known,
                std::optional<std::int64_t> crew) {
    rows_.column(0).AppendString(id);
    ship ? rows_.column(1).AppendString(*ship) : rows_.column(1).AppendNull();
    rows_.column(2).AppendInt(1);
    rows_.column(3).AppendInt(at);
    known ? rows_.column(4).AppendInt(*known) : rows_.column(4).AppendNull();
    crew ? rows_.column(5).AppendInt(*crew) : rows_.column(5).AppendNull();
    rows_.column(6).AppendDouble(0.5);
    rows_.column(7).AppendString("calm");
    rows_.column(8).AppendBool(false);
    return *this;
  }
  operator const data::Batch&() const { return rows_; }

 private:
  data::Batch rows_{LandingsSchema()};
};

data::Batch Ship(const std::string& name) {
  data::Batch requests(data::Schema{{{"ship", Type::kString}}});
  requests.column(0).AppendString(name);
  return requests;
}

std::string Text(const data::Batch& features) {
  std::string text;
  for (std::size_t i = 0; i < features.num_columns(); ++i) text += (i > 0 ? " " : "") + features.column(i).ToText(0);
  return text;
}

TEST(FeatureStore, ARowIsTakenOnceOverRestartsToo) {
  StoreStory story(CrewView());
  const Landings rows = Landings().Row("a", "Aida", 0, 0, 3).Row("b", "Aida", 1, 1, 4).Row("a", "Aida", 0, 0, 3);
  const PushResult first = story.store().Push("landings", rows, {}).value();
  EXPECT_EQ(first.rows, 2u);
  EXPECT_EQ(first.repeated, 1u);
  EXPECT_TRUE(first.durable);
  story.Restart();
  const PushResult again = story.store().Push("landings", rows, {}).value();
  EXPECT_EQ(again.rows, 0u);
  EXPECT_EQ(again.repeated, 3u);
  EXPECT_TRUE(again.durable);
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), kHourUs)), "7 4");
}

TEST(FeatureStore, AProducersSequenceIsTakenOnce) {
  StoreStory story(CrewView());
  const PushOptions seventh{.producer = "feed", .sequence = 7};
  EXPECT_EQ(story.store().Push("landings", Landings().Row("a", "Aida", 0, 0, 3), seventh)->rows, 1u);
  const PushResult again = story.store().Push("landings", Landings().Row("other", "Aida", 0, 0, 3), seventh).value();
  EXPECT_EQ(again.rows, 0u);
  EXPECT_EQ(again.repeated, 1u);
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), kHourUs)), "3 3");
}

TEST(FeatureStore, WithoutADedupeKeyTheContentNamesARowWhateverTheOrderOfColumns) {
  Definitions defined = CrewView();
  defined.sources["landings"].dedupe.clear();
  StoreStory story(defined);
  const data::Batch rows = Landings().Row("a", "Aida", 0, 0, 3).Row("a", "Aida", 0, 0, std::nullopt);
  EXPECT_EQ(story.store().Push("landings", rows, {})->rows, 2u);
  const data::Batch turned = rows.Select({"crew", "note", "load", "late", "known", "at", "berth", "ship", "id"}).value();
  EXPECT_EQ(story.store().Push("landings", turned, {})->rows, 0u);
}

TEST(FeatureStore, AFutureRowStaysHiddenAndARowOfUnknownTimeForEver) {
  StoreStory story(CrewView());
  const Landings rows = Landings().Row("a", "Aida", 0, 5 * kHourUs, 3).Row("b", "Aida", 0, std::nullopt, 100);
  ASSERT_TRUE(story.store().Push("landings", rows, {}).has_value());
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 5 * kHourUs - 1)), "null null");
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 5 * kHourUs)), "3 3");
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 10 * kHourUs)), "3 3");
  const data::Batch all = story.store().Rows("landings", {}).value();
  EXPECT_EQ(all.num_rows(), 2u);
  EXPECT_EQ(all.schema(), story.store().RowSchema("landings").value());
  const std::vector<TimeUs> known = AvailabilityOf(all).value();
  EXPECT_EQ((std::multiset<TimeUs>{known.begin(), known.end()}), (std::multiset<TimeUs>{5 * kHourUs, kNever}));
}

TEST(FeatureStore, TheNaiveJoinSeesWhatWasNotKnownYet) {
  StoreStory story(CrewView());
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("a", "Aida", 0, 5 * kHourUs, 3), {}).has_value());
  EXPECT_EQ(Text(story.Offline("crew", Ship("Aida"), kHourUs)), "null null");
  JoinOptions naive;
  naive.ignore_availability = true;
  EXPECT_EQ(Text(story.Offline("crew", Ship("Aida"), kHourUs, naive)), "3 3");
}

TEST(FeatureStore, AJoinCanBeRepeatedAsOfACut) {
  StoreStory story(CrewView());
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("a", "Aida", 0, 0, 3), {}).has_value());
  JoinOptions as_of;
  as_of.cuts = story.store().Cuts("crew").value();
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("b", "Aida", 1, 1, 4), {}).has_value());
  EXPECT_EQ(Text(story.Offline("crew", Ship("Aida"), 9)), "7 4");
  EXPECT_EQ(Text(story.Offline("crew", Ship("Aida"), 9, as_of)), "3 3");
  EXPECT_EQ(Text(story.Offline("crew", Ship("Aida"), 9)), "7 4");
  EXPECT_EQ(story.store().Rows("landings", as_of.cuts["landings"])->num_rows(), 1u);
  as_of.cuts["landings"] = {{0, 99}};
  EXPECT_FALSE(story.store().Join("crew", Ship("Aida"), {9}, as_of).has_value());
}

TEST(FeatureStore, AnEarlierMomentThanTheRecordsHoldIsAnsweredFromTheLogbook) {
  StoreStory story(CrewView());
  Landings rows;
  for (int i = 0; i < 300; ++i) rows.Row("r" + std::to_string(i), "Aida", i * kHourUs, i * kHourUs + 5, i);
  ASSERT_TRUE(story.store().Push("landings", rows, {}).has_value());
  for (const TimeUs hour : {0, 7, 100, 290, 299}) {
    EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), hour * kHourUs + 5)), Text(story.Offline("crew", Ship("Aida"), hour * kHourUs + 5)));
    EXPECT_TRUE(Text(story.Online("crew", Ship("Aida"), hour * kHourUs + 5)).ends_with(" " + std::to_string(hour)));
  }
}

TEST(FeatureStore, AStaticRowIsKnownAtAnyTimeAndSurvivesSealing) {
  Definitions defined = LandingsDefinitions();
  SourceDef& ships = defined.sources["ships"];
  ships.name = "ships";
  ships.is_static = true;
  AddView(defined, {"plan", "ship", "ships", false, {{"berths", Aggregate::kLast, "berths", 0, false}}});
  StoreStory story(defined);
  data::Batch rows(data::Schema{{{"ship", Type::kString}, {"berths", Type::kInt64}}});
  rows.column(0).AppendString("Aida");
  rows.column(1).AppendInt(1200);
  ASSERT_TRUE(story.store().Push("ships", rows, {}).has_value());
  ASSERT_TRUE(story.logbook().Seal("source/ships").has_value());
  story.Restart();
  for (const TimeUs t : {TimeUs{-900} * kDayUs, TimeUs{0}, 20'000 * kDayUs}) {
    EXPECT_EQ(Text(story.Online("plan", Ship("Aida"), t)), "1200");
    EXPECT_EQ(Text(story.Offline("plan", Ship("Aida"), t)), "1200");
  }
  EXPECT_EQ(story.store().Push("ships", rows, {})->repeated, 1u);
}

TEST(FeatureStore, ANullKeyMeetsNothing) {
  StoreStory story(CrewView());
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("a", std::nullopt, 0, 0, 3).Row("b", "Aida", 0, 0, 4), {}).has_value());
  data::Batch nobody(data::Schema{{{"ship", Type::kString}}});
  nobody.column(0).AppendNull();
  EXPECT_EQ(Text(story.Online("crew", nobody, 9)), "null null");
  EXPECT_EQ(Text(story.Offline("crew", nobody, 9)), "null null");
}

TEST(FeatureStore, AColumnKeepsTheTypeThatItsFirstRowsHad) {
  StoreStory story(CrewView());
  const data::Batch rows = Landings().Row("a", "Aida", 0, 0, 3);
  ASSERT_TRUE(story.store().Push("landings", rows, {}).has_value());
  const auto with_crew = [&](const std::string& id, data::Column crew) {
    data::Batch changed;
    for (std::size_t i = 0; i < rows.num_columns(); ++i) {
      data::Column column = rows.column(i);
      if (i == 0) (column = data::Column(Type::kString)).AppendString(id);
      if (i == 5) column = crew;
      changed.AddColumn({rows.schema().fields[i].name, column.type()}, std::move(column));
    }
    return story.store().Push("landings", changed, {});
  };
  data::Column whole(Type::kFloat64), half(Type::kFloat64), text(Type::kString), nothing(Type::kString);
  whole.AppendDouble(4.0);
  half.AppendDouble(4.5);
  text.AppendString("many");
  nothing.AppendNull();
  EXPECT_EQ(with_crew("b", whole)->rows, 1u);
  EXPECT_EQ(with_crew("c", nothing)->rows, 1u);
  for (const data::Column& bad : {half, text}) {
    const auto refused = with_crew("d", bad);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().message.find("column \"crew\""), std::string::npos) << refused.error().message;
  }
  EXPECT_EQ(story.store().Rows("landings", {})->num_rows(), 3u);
  EXPECT_TRUE(Text(story.Online("crew", Ship("Aida"), 9)).starts_with("7 "));
}

TEST(FeatureStore, AColumnThatOnlyLaterRowsHaveIsTakenInAndNullBefore) {
  StoreStory story(CrewView());
  const data::Batch rows = Landings().Row("a", "Aida", 0, 0, 3);
  ASSERT_TRUE(story.store().Push("landings", rows.Select({"id", "ship", "at", "known"}).value(), {}).has_value());
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 9)), "null null");
  const auto unseen = story.store().Join("crew", Ship("Aida"), {9}, {});
  ASSERT_FALSE(unseen.has_value());
  EXPECT_NE(unseen.error().message.find("crew"), std::string::npos);
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("b", "Aida", 1, 1, 4), {}).has_value());
  EXPECT_EQ(story.store().FeatureSchema("crew")->fields[0].type, Type::kInt64);
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 9)), "4 4");
  EXPECT_EQ(Text(story.Offline("crew", Ship("Aida"), 9)), "4 4");
}

TEST(FeatureStore, WhatIsMissingIsNamed) {
  Definitions defined = CrewView();
  AddView(defined, {"slip", "ship", "landings", false, {{"sum", Aggregate::kSum, "crwe", kDayUs, false}}});
  StoreStory story(defined);
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("a", "Aida", 0, 0, 3), {}).has_value());
  const auto slip = story.store().Join("slip", Ship("Aida"), {9}, {});
  ASSERT_FALSE(slip.has_value());
  EXPECT_NE(slip.error().message.find("view.slip: "), std::string::npos) << slip.error().message;
  EXPECT_NE(slip.error().message.find("crew"), std::string::npos) << slip.error().message;
  EXPECT_EQ(story.store().Push("landigns", Landings(), {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(story.store().Join("crwe", Ship("Aida"), {9}, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(story.store().Join("crew", Ship("Aida"), {9, 10}, {}).error().code, ErrorCode::kInvalidArgument);
  data::Batch other(data::Schema{{{"shpi", Type::kString}}});
  other.column(0).AppendString("Aida");
  Result<data::Batch> answer = data::Batch{};
  story.store().ReadOnline("crew", other, 9, [&](Result<data::Batch> features) { answer = std::move(features); });
  ASSERT_FALSE(answer.has_value());
  EXPECT_NE(answer.error().message.find("shpi"), std::string::npos) << answer.error().message;
}

TEST(FeatureStore, AKeyOfAnotherTypeThanItsEntitysIsRefusedBeforeAnythingIsWritten) {
  Definitions defined = LandingsDefinitions();
  defined.entities["ship"].keys[0].type = Type::kInt64;
  AddView(defined, {"crew", "ship", "landings", false, {{"last", Aggregate::kLast, "crew", 0, false}}});
  StoreStory story(defined);
  const auto refused = story.store().Push("landings", Landings().Row("a", "Aida", 0, 0, 3), {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(story.store().Rows("landings", {})->num_rows(), 0u);
}

TEST(FeatureStore, AChangedViewIsFilledFromTheLogbook) {
  StoreStory story(CrewView());
  const Landings rows = Landings().Row("a", "Aida", 0, 0, 3).Row("b", "Aida", 20 * kHourUs, 20 * kHourUs, 4);
  ASSERT_TRUE(story.store().Push("landings", rows, {}).has_value());
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 21 * kHourUs)), "7 4");
  ASSERT_TRUE(story.store().Replace(std::make_shared<const Definitions>(CrewView(2 * kHourUs))).has_value());
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 21 * kHourUs)), "4 4");
  EXPECT_EQ(Text(story.Offline("crew", Ship("Aida"), 21 * kHourUs)), "4 4");
  story.RestartWith(CrewView(kDayUs));
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 21 * kHourUs)), "7 4");
  std::set<std::string> layouts;  // what is no longer read is gone
  ASSERT_TRUE(story.online().ForEach("f|", [&](std::string_view key, std::string_view) {
    layouts.emplace(key.substr(0, std::string_view("f|crew|0123456789ab|").size()));
    return Ok();
  }).has_value());
  EXPECT_EQ(layouts.size(), 1u);
}

TEST(FeatureStore, ALostOnlineStoreComesBackFromTheLogbook) {
  StoreStory story(CrewView());
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("a", "Aida", 0, 0, 3), {}).has_value());
  for (const char* prefix : {"f|", "v|", "s|"}) ASSERT_TRUE(story.online().DeletePrefix(prefix).has_value());
  story.Restart();
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 9)), "3 3");
  ASSERT_TRUE(story.online().DeletePrefix("f|").has_value());
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 9)), "null null");
  ASSERT_TRUE(story.store().Rebuild().has_value());
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), 9)), "3 3");
}

TEST(FeatureStore, NothingOfALostOnlineStoreIsTrusted) {
  StoreStory story(CrewView());
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("a", "Aida", 0, 0, 3), {}).has_value());
  std::vector<store::OnlineWrite> torn;
  ASSERT_TRUE(story.online().ForEach("f|", [&](std::string_view key, std::string_view) -> Status {
    torn.push_back({std::string(key), "torn"});
    return Ok();
  }).has_value());
  ASSERT_TRUE(story.online().PutNow(torn).has_value());
  const FeatureStoreOptions lost{.tables_folder = {}, .online_was_lost = true};
  const auto store = MakeFeatureStore(story.definitions(), story.logbook(), story.online(), lost).value();
  std::string text;
  store->ReadOnline("crew", Ship("Aida"), 9, [&](Result<data::Batch> features) { text = Text(features.value()); });
  EXPECT_EQ(text, "3 3");
}

// Refuses writes while told to.
class FullStore final : public store::OnlineStore {
 public:
  explicit FullStore(store::OnlineStore& real) : real_(real) {}
  bool full = false;
  void MultiGet(std::span<const std::string> keys, GetCallback done) override { real_.MultiGet(keys, std::move(done)); }
  void MultiPut(std::vector<store::OnlineWrite> writes, PutCallback done) override {
    if (full) return done(ResourceExhausted("no space"));
    real_.MultiPut(std::move(writes), std::move(done));
  }
  Status Visit(std::span<const std::string_view> keys, const std::function<Status(Views)>& visit) const override {
    return real_.Visit(keys, visit);
  }
  Status Merge(std::span<const store::OnlineWrite> writes, const Wins& wins) override {
    return full ? ResourceExhausted("no space") : real_.Merge(writes, wins);
  }
  Status ForEach(std::string_view prefix, const std::function<Status(std::string_view, std::string_view)>& visit) const override {
    return real_.ForEach(prefix, visit);
  }
  Status DeletePrefix(std::string_view prefix) override { return real_.DeletePrefix(prefix); }
  Status Sync() override { return real_.Sync(); }

 private:
  store::OnlineStore& real_;
};

TEST(FeatureStore, WhatTheOnlineStoreRefusedTheNextPushBringsIn) {
  StoreStory story(CrewView());
  FullStore online(story.online());
  const auto store = MakeFeatureStore(story.definitions(), story.logbook(), online).value();
  online.full = true;
  const Landings rows = Landings().Row("a", "Aida", 0, 0, 3);
  ASSERT_FALSE(store->Push("landings", rows, {}).has_value());
  online.full = false;
  const auto again = store->Push("landings", rows, {});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->rows, 0u);
  EXPECT_EQ(again->repeated, 1u);
  std::string text;
  store->ReadOnline("crew", Ship("Aida"), 9, [&](Result<data::Batch> features) { text = Text(features.value()); });
  EXPECT_EQ(text, "3 3");
}

TEST(FeatureStore, TheAuditFindsOneBit) {
  StoreStory story(CrewView());
  ASSERT_TRUE(story.store().Push("landings", Landings().Row("a", "Aida", 0, 0, 3), {}).has_value());
  data::Batch requests = Ship("Aida");
  requests.AddColumn({"id", Type::kString}, requests.column(0));
  data::Batch served = story.Online("crew", requests, 9);
  const ParityReport good = story.store().Audit("crew", requests, {9}, served).value();
  EXPECT_EQ(good.compared, 2u);
  EXPECT_EQ(good.different, 0u);
  EXPECT_EQ(good.cuts.at("landings"), (store::Cut{{0, 1}}));
  served.column(1) = data::Column(Type::kInt64);
  served.column(1).AppendInt(2);
  const ParityReport bad = story.store().Audit("crew", requests, {9}, served).value();
  EXPECT_EQ(bad.different, 1u);
  EXPECT_EQ(bad.examples.at(0), "Aida: crew.last was served as 2, recomputed as 3");
}

TEST(FeatureStore, ReadersAndWritersMayOverlap) {
  StoreStory story(CrewView());
  std::jthread writer([&] {
    for (int i = 0; i < 30; ++i) {
      story.store().Push("landings", Landings().Row("r" + std::to_string(i), "Aida", i, i, 1), {.durability = store::Durability::kBuffered}).value();
    }
  });
  std::int64_t last = 0;
  for (int i = 0; i < 60; ++i) {
    const data::Batch online = story.Online("crew", Ship("Aida"), kHourUs);
    const std::int64_t sum = online.column(0).IsNull(0) ? 0 : online.column(0).Int(0);
    EXPECT_GE(sum, last);
    last = sum;
    story.Offline("crew", Ship("Aida"), kHourUs);
  }
  writer.join();
  EXPECT_EQ(Text(story.Online("crew", Ship("Aida"), kHourUs)), "30 1");
}

}  // namespace
}  // namespace sw::feature
