#include "feast/history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/random.h"
#include "feast/key_map.h"
#include "feast/offline_writes.h"

namespace sw::feast {
namespace {

using Texts = std::vector<std::string>;

struct Row {
  std::string a, b;
  TimeUs event = 0, created = 0;
  std::string value;
};

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() : folder_(base::MakeTempFolder("feast-history").value()), folders_(TableFolders::Make(folder_, {}).value()) {
    view_.name = "stats";
    view_.keys = {{.name = "a"}, {.name = "b"}};
    view_.features = {{.name = "value"}};
    view_.source = BatchSource{.name = "s", .uri = "s", .kind = "file", .field_mapping = {}, .timestamp_field = "event_timestamp", .created_timestamp_column = "created"};
  }
  ~HistoryTest() override { EXPECT_TRUE(base::RemoveFolder(folder_)); }

  static data::RawTable TableOf(const std::vector<Row>& rows) {
    Texts a, b, value;
    std::vector<TimeUs> event, created;
    for (const Row& row : rows) {
      a.push_back(row.a);
      b.push_back(row.b);
      value.push_back(row.value);
      event.push_back(row.event);
      created.push_back(row.created);
    }
    const data::RawTable texts = data::RawTable::OfTexts({{"a", a}, {"b", b}, {"value", value}}).value();
    return texts.Beside(data::RawTable::OfTimes("event_timestamp", event).value()).value().Beside(data::RawTable::OfTimes("created", created).value()).value();
  }
  void Write(const std::string& name, const std::vector<Row>& rows) {
    ASSERT_TRUE(base::MakeFolders(base::JoinPath(folder_, "s")));
    ASSERT_TRUE(TableOf(rows).WriteParquet(base::JoinPath(folder_, "s/" + name + ".parquet")));
  }
  static data::RawTable Labels(const std::vector<Row>& labels) {
    return TableOf(labels).Select({"a", "b", "event_timestamp"}, "labels").value();
  }
  HistoryRequest Request() const { return {.views = {{.view = &view_, .alias = "stats", .features = {0}, .join_key_map = {}}}}; }
  Texts Values(const HistoryRequest& request, std::size_t threads = 2) const {
    const auto answer = HistoricalFeatures(folders_, request, {.threads = threads, .now = 1'000'000});
    if (!answer) return {answer.error().message};
    Texts values;
    const std::size_t column = answer->columns().size() - 1;
    for (std::size_t row = 0; row < answer->num_rows(); ++row) {
      const data::RawValue value = answer->Value(row, column).value();
      values.push_back(value.IsNull() ? "null" : std::get<std::string>(value.value));
    }
    return values;
  }

  const std::string folder_;
  const TableFolders folders_;
  View view_;
};

std::vector<Row> RandomRows(base::Random& random, std::size_t count) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({.a = std::to_string(random.Below(4)), .b = std::to_string(random.Below(4)), .event = static_cast<TimeUs>(random.Below(60)),
                    .created = static_cast<TimeUs>(random.Below(60)), .value = std::to_string(i)});
  }
  return rows;
}

// Slow and plain; ties of both times must not occur.
std::string Naive(const std::vector<Row>& rows, const Row& label, DurationUs ttl, bool by_created) {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (row.a != label.a || row.b != label.b || row.event > label.event || (ttl > 0 && row.event < label.event - ttl)) continue;
    if (by_created && row.created > label.event) continue;
    if (best == nullptr || std::pair(row.event, row.created) > std::pair(best->event, best->created)) best = &row;
  }
  return best == nullptr ? "null" : best->value;
}

TEST_F(HistoryTest, AgreesWithThePlainRule) {
  base::Random random(7);
  for (const DurationUs ttl : {0, 1, 10}) {
    for (const bool by_created : {false, true}) {
      std::vector<Row> rows;
      std::set<std::tuple<std::string, std::string, TimeUs, TimeUs>> seen;
      for (Row& row : RandomRows(random, 300)) {
        if (seen.insert({row.a, row.b, row.event, row.created}).second) rows.push_back(row);
      }
      const std::size_t half = rows.size() / 2;
      Write("x", {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(half)});
      Write("y", {rows.begin() + static_cast<std::ptrdiff_t>(half), rows.end()});
      const std::vector<Row> labels = RandomRows(random, 200);
      view_.ttl = ttl;
      HistoryRequest request = Request();
      request.entities = Labels(labels);
      request.filter_by_created_timestamp = by_created;
      Texts expected;
      for (const Row& label : labels) expected.push_back(Naive(rows, label, ttl, by_created));
      EXPECT_EQ(Values(request), expected) << ttl << by_created;
      EXPECT_EQ(Values(request, 1), expected);
    }
  }
}

TEST_F(HistoryTest, TheOrderOfRowsDecidesNothing) {
  std::vector<Row> rows;
  for (int i = 0; i < 50; ++i) rows.push_back({.a = "1", .b = "1", .event = 5, .created = 5, .value = std::to_string(i)});
  HistoryRequest request = Request();
  request.entities = Labels({{.a = "1", .b = "1", .event = 9, .value = {}}});
  std::set<Texts> answers;
  base::Random random(1);
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.Below(i)]);
    Write("x", {rows.begin(), rows.begin() + 20});
    Write("y", {rows.begin() + 20, rows.end()});
    answers.insert(Values(request));
  }
  EXPECT_EQ(answers.size(), 1u);
}

TEST_F(HistoryTest, KeepsEveryLabelInItsPlace) {
  Write("x", {{.a = "1", .b = "23", .event = 1, .value = "first"}, {.a = "12", .b = "3", .event = 1, .value = "second"}});
  HistoryRequest request = Request();
  request.entities = Labels({{.a = "12", .b = "3", .event = 2, .value = {}}, {.a = "1", .b = "23", .event = 2, .value = {}}, {.a = "1", .b = "23", .event = 2, .value = {}},
                             {.a = "9", .b = "9", .event = 2, .value = {}}, {.a = "1", .b = "23", .event = 0, .value = {}}});
  EXPECT_EQ(Values(request), (Texts{"second", "first", "first", "null", "null"}));
}

TEST_F(HistoryTest, MapsNamesOfTheSourceAndOfTheRequest) {
  Write("x", {{.a = "1", .b = "2", .event = 1, .value = "v"}});
  view_.source->field_mapping = {{"value", "score"}, {"a", "key"}};
  view_.features = {{.name = "score"}};
  view_.keys = {{.name = "key"}, {.name = "b"}};
  HistoryRequest request = Request();
  request.views[0].join_key_map = {{"key", "origin"}};
  request.views[0].alias = "from";
  request.full_feature_names = true;
  request.entities = Labels({{.a = "1", .b = "2", .event = 2, .value = {}}}).Rename({{"a", "origin"}}).value();
  const data::RawTable answer = HistoricalFeatures(folders_, request, {}).value();
  EXPECT_EQ(answer.columns().back().name, "from__score");
  EXPECT_EQ(Values(request), Texts{"v"});
}

TEST_F(HistoryTest, WithoutEntitiesAnswersForAllThatItKnows) {
  Write("x", {{.a = "1", .b = "1", .event = 1, .value = "old"}, {.a = "1", .b = "1", .event = 5, .value = "new"}, {.a = "2", .b = "1", .event = 3, .value = "other"},
              {.a = "3", .b = "1", .event = 99, .value = "future"}});
  HistoryRequest request = Request();
  request.end = 10;
  Texts values = Values(request);
  std::ranges::sort(values);
  EXPECT_EQ(values, (Texts{"new", "other"}));
  request.start = 4;
  EXPECT_EQ(Values(request), Texts{"new"});
}

TEST_F(HistoryTest, SaysWhatIsWrong) {
  HistoryRequest request = Request();
  request.entities = Labels({{.a = "1", .b = "1", .event = 9, .value = {}}});
  EXPECT_NE(Values(request)[0].find("there is no file or folder"), std::string::npos);
  Write("x", {{.a = "1", .b = "1", .event = 1, .value = "v"}});
  request.entities = request.entities->Select({"a", "event_timestamp"}, "t").value();
  EXPECT_EQ(Values(request)[0], "FeastEntityDFMissingColumnsError: the entity table has no column b, a join key of feature view stats");
  request.entities = Labels({{.a = "1", .b = "1", .event = 9, .value = {}}}).Rename({{"event_timestamp", "value"}}).value();
  EXPECT_NE(Values(request)[0].find("two columns would be named value"), std::string::npos);
  view_.features = {{.name = "valeu"}};
  EXPECT_NE(Values(request)[0].find("value"), std::string::npos);
  view_.source->uri = "../outside";
  EXPECT_NE(Values(request)[0].find("outside the folders of tables"), std::string::npos);
  view_.source->uri = "s3://bucket/x";
  EXPECT_NE(Values(request)[0].find("only Parquet files"), std::string::npos);
}

TEST_F(HistoryTest, PullsTheNewestAndAll) {
  Write("x", {{.a = "1", .b = "1", .event = 5, .created = 1, .value = "new"}, {.a = "1", .b = "1", .event = 5, .created = 0, .value = "corrected"},
              {.a = "2", .b = "1", .event = 3, .value = "other"}, {.a = "2", .b = "1", .event = 9, .value = "late"}});
  PullRequest pull{.uri = "s", .keys = {"a", "b"}, .features = {"value"}, .event_time = "event_timestamp", .created = "created"};
  pull.end = 5;
  const data::RawTable newest = PullLatest(folders_, pull, {.threads = 2}).value();
  ASSERT_EQ(newest.num_rows(), 2u);
  EXPECT_EQ(newest.Value(0, 2).value(), data::RawValue{std::string("new")});
  pull.keys = {};
  const data::RawTable all = PullAll(folders_, pull, {.threads = 2}).value();
  EXPECT_EQ(all.num_rows(), 3u);
  EXPECT_EQ(all.Value(0, 0).value(), data::RawValue{std::string("other")});
  EXPECT_TRUE(all.Has("__dummy_id"));
}

TEST(KeyMap, NumbersBecomeBytesWhenOtherKeysCome) {
  KeyMap map;
  const data::RawTable texts = data::RawTable::OfTexts({{"k", {"a", "b", "a"}}}).value();
  data::RawKeys numbers;
  numbers.is_null = {0, 0, 1};
  numbers.is_number = true;
  numbers.numbers = {7, 8, 0};
  EXPECT_EQ(map.Insert(numbers).value(), (std::vector<std::uint32_t>{0, 1, KeyMap::kNone}));
  EXPECT_EQ(map.Insert(texts.Keys({0}).value()).value(), (std::vector<std::uint32_t>{2, 3, 2}));
  std::vector<std::uint32_t> ids;
  map.Find(numbers, ids);
  EXPECT_EQ(ids, (std::vector<std::uint32_t>{0, 1, KeyMap::kNone}));
}

TEST(TableFolders, AllowsOnlyWhatIsWithin) {
  const std::string folder = base::MakeTempFolder("feast-folders").value(), other = base::MakeTempFolder("feast-other").value();
  const TableFolders folders = TableFolders::Make(folder, {}).value();
  EXPECT_EQ(folders.Find("data/x.parquet").value(), folder + "/data/x.parquet");
  EXPECT_EQ(folders.Find("file://" + folder + "/x").value(), folder + "/x");
  for (const std::string& bad : {std::string("../x"), other + "/x", std::string("/etc/passwd"), folder + "x/y", std::string("a/../../x")}) {
    EXPECT_EQ(folders.Find(bad).error().code, ErrorCode::kPermissionDenied) << bad;
  }
  EXPECT_EQ(folders.Find("gs://x/y").error().code, ErrorCode::kUnimplemented);
  EXPECT_TRUE(TableFolders::Make(folder, {other}).value().Find(other + "/x").has_value());
  EXPECT_TRUE(base::RemoveFolder(folder).has_value() && base::RemoveFolder(other).has_value());
}

}  // namespace
}  // namespace sw::feast
