#include "feature/definitions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <algorithm>
#include <string>

#include "base/clock.h"
#include "feature/flights_for_tests.h"

namespace sw::feature {
namespace {

// A small configuration in which everything is right.
Json Small() {
  return Json::Parse(R"json({
    "source": {"sales": {"table": "csv:sales.csv", "event_time": "sold", "where": "amount > 0",
                         "columns": {"sold": "to_timestamp(epoch)"}},
               "shops": {"table": "csv:shops.csv", "static": true}},
    "entity": {"shop": {"keys": {"shop": "int64"}}},
    "view": {"spend": {"entity": "shop", "source": "sales",
                       "features": {"sum_1h": {"agg": "sum(amount)", "window": "1h"}, "n": {"agg": "count(*)"}}},
             "where": {"entity": "shop", "source": "shops", "features": {"city": {"agg": "last(city)"}}}},
    "request": {"basket": {"inputs": {"amount": "float64"}, "features": {"large": "amount > 100"}}},
    "service": {"fraud": {"features": ["spend.*", "where.city", "basket.large"]}},
    "training_set": {"fraud": {"source": "sales", "service": "fraud", "moment": "sold", "label": "is_fraud = 1"}}
  })json")
      .value();
}

// Where the dotted path leads; objects on the way are made.
Json& At(Json& config, std::string_view path) {
  Json* at = &config;
  while (true) {
    const std::size_t dot = path.find('.');
    at = &(*at)[path.substr(0, dot)];
    if (dot == std::string_view::npos) return *at;
    path.remove_prefix(dot + 1);
  }
}

// The error after one value of the small configuration was changed.
std::string ErrorWith(std::string_view path, Json value) {
  Json config = Small();
  At(config, path) = std::move(value);
  const auto defined = ParseDefinitions(config);
  return defined ? "none" : defined.error().message;
}
std::string ErrorWithout(std::string_view table, std::string_view key) {
  Json config = Small();
  At(config, table).Erase(key);
  const auto defined = ParseDefinitions(config);
  return defined ? "none" : defined.error().message;
}

TEST(Definitions, ReadTheFlightsExample) {
  const Definitions defined = FlightsDefinitions();
  const SourceDef& flights = *defined.Source("flights").value();
  EXPECT_EQ(flights.table, "csv:flights.csv");
  EXPECT_EQ(flights.types.at("tailnum"), data::Type::kString);
  ASSERT_EQ(flights.columns.size(), 5U);
  EXPECT_EQ(flights.columns[0].name, "id");
  EXPECT_EQ(flights.columns[4].name, "landed");
  ASSERT_EQ(flights.lookups.size(), 1U);
  EXPECT_EQ(flights.lookups[0].rows.size(), 4U);
  EXPECT_EQ(defined.Source("weather").value()->delay, base::kHourUs);
  EXPECT_TRUE(defined.Source("planes").value()->is_static);

  const ViewDef& delays = *defined.View("origin_delays").value();
  EXPECT_TRUE(delays.window_over_available);
  ASSERT_EQ(delays.features.size(), 8U);
  EXPECT_EQ(delays.features[7].name, "mean_7d");
  EXPECT_EQ(delays.features[7].aggregate, Aggregate::kMean);
  EXPECT_EQ(delays.features[7].column, "arr_delay");
  EXPECT_EQ(delays.features[7].window, 7 * base::kDayUs);
  EXPECT_EQ(defined.View("weather_now").value()->features[0].window, 0);

  const ServiceDef& service = *defined.Service("late_v1").value();
  std::size_t all = defined.requests.at("trip").features.size();
  for (const auto& [name, view] : defined.views) all += view.features.size();
  EXPECT_EQ(service.features.size(), all);
  EXPECT_EQ(service.features.front(), "origin_delays.count_1h");
  EXPECT_EQ(service.features.back(), "trip.carrier");

  const TrainingSetDef& late = *defined.TrainingSet("late").value();
  EXPECT_EQ(late.label, "arr_delay > 15");
  EXPECT_EQ(late.censor_after, 48 * base::kHourUs);
  EXPECT_EQ(late.slices, (std::vector<std::string>{"origin", "carrier"}));
}

TEST(Definitions, AggregatesTakeParametersWindowsHopsAndTilesAndARatioTwoOfThem) {
  Json config = Small();
  Json& features = At(config, "view.spend.features");
  features["p90"] = Json::MakeObject({{"agg", "quantile( amount , 0.9 )"}, {"window", "1h"}, {"hop", "5m"}});
  features["shops"] = Json::MakeObject({{"agg", "distinct_count(shop)"}, {"window", "1d"}, {"tumbling", "last"}});
  features["share"] = Json::MakeObject({{"agg", "ratio(sum(amount), count(*))"}});
  const Definitions defined = ParseDefinitions(config).value();
  const auto feature = [&](std::string_view name) {
    return *std::ranges::find(defined.views.at("spend").features, name, &FeatureDef::name);
  };
  EXPECT_EQ(feature("p90").column, "amount");
  EXPECT_EQ(feature("p90").parameter, 0.9);
  EXPECT_EQ(feature("p90").hop, 5 * 60 * base::kSecondUs);
  EXPECT_EQ(feature("shops").kind, WindowKind::kTumbling);
  EXPECT_EQ(feature("shops").parameter, static_cast<double>(kDistinctExactUsual));
  EXPECT_EQ(feature("share").Terms().size(), 2U);
  EXPECT_EQ(feature("share").divisor->column, "*");
  EXPECT_NE(ServiceHash(defined, "fraud").value(), ServiceHash(ParseDefinitions(Small()).value(), "fraud").value());
}

TEST(Definitions, UnknownNamesComeWithNearMisses) {
  const Definitions defined = FlightsDefinitions();
  const auto service = defined.Service("late_v2");
  ASSERT_FALSE(service.has_value());
  EXPECT_EQ(service.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service.error().message, "no service \"late_v2\"; did you mean late_v1?");
  EXPECT_FALSE(defined.Entity("orign").has_value());
}

Json SmallSpend() {
  Json config = Small();
  return At(config, "view.spend");
}

struct Case {
  std::string path;
  Json value;
  std::string error;
};

void ExpectErrors(std::initializer_list<Case> cases) {
  for (const Case& each : cases) EXPECT_EQ(ErrorWith(each.path, each.value), each.error);
}

TEST(Definitions, MistakesOfSourcesAreNamedByTheirKey) {
  ExpectErrors({
      {"source.sales.delay", 3, "source.sales.delay: expected a duration such as \"3h\", found 3"},
      {"source.sales.delay", "3 hours",
       "source.sales.delay: expected a duration such as \"3h\", found \"3 hours\""},
      {"source.sales.tabel", "x", "source.sales.tabel: is no known key; did you mean table?"},
      {"source.sales", 1, "source.sales: expected a table, found 1"},
      {"source", Json::MakeArray({1}), "source: expected a table, found [1]"},
      {"source.sales.static", "yes", "source.sales.static: expected true or false, found \"yes\""},
      {"source.shops.delay", "1h",
       "source.shops.static: a static source is always visible: it has no event_time, created_time "
       "or delay"},
      {"source.sales.types", Json::MakeObject({{"shop", "int"}}),
       "source.sales.types.shop: expected a type: \"bool\", \"int64\", \"float64\", \"string\" or "
       "\"timestamp\", found \"int\""},
      {"source.sales.null_values", "NA",
       "source.sales.null_values: expected an array of texts, found \"NA\""},
      {"source.sales.dedupe", Json::MakeArray({"a", "a"}),
       "source.sales.dedupe: \"a\" stands twice"},
      {"source.sales.where", "amount >",
       "source.sales.where: line 1, column 9: expected a value, found the end"},
      {"source.sales.columns.sold", "to_timestmp(epoch)",
       "source.sales.columns.sold: line 1, column 1: no function \"to_timestmp\"; did you mean "
       "to_timestamp?"},
      {"source.sales.columns.sold", "sold + 1",
       "source.sales.columns.sold: reads itself; give the new column another name"},
      {"source.sales.columns.sold", 3,
       "source.sales.columns.sold: expected an expression in quotes, found 3"},
      {"source.sales.columns", Json::MakeObject({{"a", "b + 1"}, {"b", "a + 1"}}),
       "source.sales.columns: these columns read each other in a circle: a, b"},
      {"entity.shop.keys", Json::MakeObject({}),
       "entity.shop.keys: expected names with types, such as { origin = \"string\" }, found a "
       "table"},
      {"entity.shop.keys.shop", "float64",
       "entity.shop.keys.shop: a key may not be float64; use int64 or string"},
  });
}

TEST(Definitions, MistakesOfViewsAndRequestsAreNamedByTheirKey) {
  ExpectErrors({
      {"view.spend.entity", "shp", "view.spend.entity: no entity \"shp\"; did you mean shop?"},
      {"view.spend.source", "sale", "view.spend.source: no source \"sale\"; did you mean sales?"},
      {"view.spend.window_over", "arrival",
       "view.spend.window_over: expected \"event\" or \"available\", found \"arrival\""},
      {"view.spend.features.sum_1h.window", 3,
       "view.spend.features.sum_1h.window: expected a duration such as \"3h\", found 3"},
      {"view.spend.features.sum_1h.window", "0",
       "view.spend.features.sum_1h.window: expected more than 0; leave it out for all of the "
       "history"},
      {"view.spend.features.sum_1h.agg", "sum amount",
       "view.spend.features.sum_1h.agg: expected an aggregate of a column, such as "
       "\"mean(arr_delay)\", found \"sum amount\""},
      {"view.spend.features.sum_1h.agg", "avg(amount)",
       "view.spend.features.sum_1h.agg: no aggregate \"avg\"; there are count, sum, mean, min, "
       "max, first, last, variance, stddev, variance_pop, stddev_pop, distinct_count, quantile, value"},
      {"view.spend.features.sum_1h.agg", "stdev(amount)",
       "view.spend.features.sum_1h.agg: no aggregate \"stdev\"; did you mean stddev? there are count, "
       "sum, mean, min, max, first, last, variance, stddev, variance_pop, stddev_pop, "
       "distinct_count, quantile, value"},
      {"view.spend.features.sum_1h.agg", "quantile(amount, 90)",
       "view.spend.features.sum_1h.agg: quantile takes a column and which one from 0 to 1, such as "
       "\"quantile(amount, 0.9)\""},
      {"view.spend.features.sum_1h.agg", "distinct_count(amount, 0)",
       "view.spend.features.sum_1h.agg: distinct_count takes a column and up to how many it is "
       "exact, 1 to 65536, such as \"distinct_count(shop, 4096)\""},
      {"view.spend.features.sum_1h.agg", "mean(amount, 3)",
       "view.spend.features.sum_1h.agg: mean takes one column, found amount, 3"},
      {"view.spend.features.sum_1h.agg", "ratio(sum(amount))",
       "view.spend.features.sum_1h.agg: a ratio is of two aggregates, found 1"},
      {"view.spend.features.sum_1h.agg", "ratio(amount, count(*))",
       "view.spend.features.sum_1h.agg: a ratio is of two aggregates, such as \"ratio(sum(late), "
       "count(*))\", found \"amount\""},
      {"view.spend.features.sum_1h.ttl", "7m",
       "view.spend.features.sum_1h.ttl: expected a duration above 0, of last or value without a window: how old their row may be"},
      {"view.spend.features.sum_1h.hop", "7m",
       "view.spend.features.sum_1h.window: is not a multiple of its hop; change one of them"},
      {"view.spend.features.n.hop", "7m",
       "view.spend.features.n.hop: there is no window; give its length in \"window\""},
      {"view.spend.features.sum_1h.tumbling", "next",
       "view.spend.features.sum_1h.tumbling: expected \"last\" (the last one that has ended) or "
       "\"current\", found \"next\""},
      {"view.spend.features.sum_1h.agg", "sum(*)",
       "view.spend.features.sum_1h.agg: sum(*) means nothing; only count takes *"},
      {"view.spend.features", Json::MakeObject({}),
       "view.spend.features: is missing; a view has at least one feature"},
      {"view.where.features.city.window", "1h",
       "view.where.features.city: source \"shops\" is static: its rows have no time, so that there "
       "is no window, ttl or strict"},
      {"view.basket", SmallSpend(),
       "view.basket: a request has this name too; a service could not tell their features apart"},
      {"request.basket.features.large", "amout > 100",
       "request.basket.features.large: line 1, column 1: no column \"amout\"; did you mean "
       "amount?"},
  });
}

TEST(Definitions, MistakesOfServicesAndTrainingSetsAreNamedByTheirKey) {
  ExpectErrors({
      {"service.fraud.features", Json::MakeArray({"spend.sum_2h"}),
       "service.fraud.features: no feature \"sum_2h\" in \"spend\"; did you mean sum_1h?"},
      {"service.fraud.features", Json::MakeArray({"spnd.*"}),
       "service.fraud.features: no view or request \"spnd\"; did you mean spend?"},
      {"service.fraud.features", Json::MakeArray({"spend"}),
       "service.fraud.features: expected \"view.feature\" or \"view.*\", found \"spend\""},
      {"service.fraud.features", Json::MakeArray({"spend.*", "spend.n"}),
       "service.fraud.features: \"spend.n\" comes twice"},
      {"service.fraud.features", Json::MakeArray({}),
       "service.fraud.features: expected an array of at least one text, found []"},
      {"request.basket.inputs.shop", "string",
       "service.fraud.features: \"basket.large\" takes \"shop\" as string, another feature as "
       "int64"},
      {"training_set.fraud.service", "frod",
       "training_set.fraud.service: no service \"frod\"; did you mean fraud?"},
      {"training_set.fraud.source", "shops",
       "training_set.fraud.source: source \"shops\" is static: its rows have no moment"},
      {"training_set.fraud.label", "is_fraud = ",
       "training_set.fraud.label: line 1, column 12: expected a value, found the end"},
      {"entity.a b.keys", Json::MakeObject({{"k", "string"}}),
       "entity.a b: expected a name of at most 64 letters, digits, _ and -, that begins with a "
       "letter, found \"a b\""},
  });
}

TEST(Definitions, MissingKeysAreNamed) {
  EXPECT_EQ(ErrorWithout("view.spend", "entity"),
            "view.spend.entity: is missing; the table has source, features");
  EXPECT_EQ(ErrorWithout("source.sales", "event_time"),
            "source.sales.event_time: is missing; name the column of a row's time, or write static "
            "= true");
  EXPECT_EQ(ErrorWithout("view.spend.features.n", "agg"), "view.spend.features.n.agg: is missing");
}

TEST(Definitions, LookupsAreChecked) {
  const auto lookup = [](std::string_view text) {
    return ErrorWith("source.sales.lookup.zones", Json::Parse(text).value());
  };
  EXPECT_EQ(
      lookup(
          R"({"key": "city", "columns": ["zone"], "rows": [{"city": "Oslo", "zone": "Europe/Oslo"}]})"),
      "none");
  EXPECT_EQ(lookup(R"({"key": "city", "columns": ["zone"]})"),
            "source.sales.lookup.zones: has neither a table nor rows; give one of the two");
  EXPECT_EQ(lookup(R"({"key": "city", "columns": ["zone"], "rows": [{"zone": "x"}]})"),
            "source.sales.lookup.zones.rows: a row has no key \"city\": {\"zone\":\"x\"}");
  EXPECT_EQ(lookup(R"({"key": "city", "columns": ["zone"], "rows": [{"city": "x", "zoen": "y"}]})"),
            "source.sales.lookup.zones.rows: \"zoen\" is neither the key \"city\" nor one of the "
            "columns zone");
  EXPECT_EQ(lookup(R"({"key": "city", "columns": ["city"], "table": "csv:x.csv"})"),
            "source.sales.lookup.zones.columns: \"city\" is the key; the source has it as \"city\" "
            "already");
  EXPECT_EQ(lookup(R"({"key": "city", "columns": ["sold"], "table": "csv:x.csv"})"),
            "source.sales.columns.sold: a lookup has a column of this name");
}

TEST(Definitions, ComputedColumnsComeAfterWhatTheyRead) {
  Json config = FlightsConfig();
  Json& columns = At(config, "source.flights.columns");
  std::ranges::reverse(columns.AsObject());  // a reader of TOML need not keep the order of a table
  const Definitions defined = ParseDefinitions(config).value();
  std::vector<std::string> names;
  for (const ComputedColumn& column : defined.sources.at("flights").columns)
    names.push_back(column.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"arrives_same_day", "departs", "arrives", "landed", "id"}));
}

TEST(Definitions, OtherRoomsTablesAreLeftAlone) {
  EXPECT_EQ(ErrorWith("gate.late.metric", 5), "none");
  EXPECT_TRUE(ParseDefinitions(Json::MakeObject()).value().services.empty());
  EXPECT_FALSE(ParseDefinitions(Json("text")).has_value());
}

std::string HashWith(std::string_view path, Json value) {
  Json config = Small();
  At(config, path) = std::move(value);
  return ServiceHash(ParseDefinitions(config).value(), "fraud").value();
}

TEST(ServiceHash, ChangesWithWhatChangesValuesAndWithNothingElse) {
  const std::string hash = ServiceHash(ParseDefinitions(Small()).value(), "fraud").value();
  EXPECT_EQ(hash.size(), 64U);
  const std::pair<const char*, Json> matters[] = {
      {"source.sales.where", "amount > 1"},
      {"source.sales.delay", "1h"},
      {"source.sales.columns.sold", "to_timestamp(epoch + 1)"},
      {"view.spend.window_over", "available"},
      {"view.spend.features.sum_1h.window", "2h"},
      {"view.spend.features.sum_1h.strict", true},
      {"request.basket.features.large", "amount > 101"},
      {"service.fraud.features", Json::MakeArray({"spend.n"})},
      {"entity.shop.keys", Json::MakeObject({{"shop_id", "int64"}})},
  };
  for (const auto& [path, value] : matters) EXPECT_NE(HashWith(path, value), hash) << path;

  const std::pair<const char*, Json> does_not[] = {
      {"view.spend.features.unused", Json::MakeObject({{"agg", "max(amount)"}})},
      {"source.other", Json::MakeObject({{"static", true}})},
      {"training_set.fraud.label", "is_fraud = 2"},
      {"request.basket.features.unused", "amount > 7"},
  };
  for (const auto& [path, value] : does_not) {
    Json config = Small();
    config["service"]["fraud"]["features"] =
        Json::MakeArray({"spend.sum_1h", "spend.n", "where.city", "basket.large"});
    At(config, path) = value;
    EXPECT_EQ(ServiceHash(ParseDefinitions(config).value(), "fraud").value(), hash) << path;
  }
  EXPECT_FALSE(ServiceHash(ParseDefinitions(Small()).value(), "frod").has_value());
}

}  // namespace
}  // namespace sw::feature
