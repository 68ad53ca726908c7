#include "feature/source.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "feature/flights_for_tests.h"

namespace sw::feature {
namespace {

using data::Batch;
using data::Type;

void Write(const std::string& name, std::string_view text) { std::ofstream(name) << text; }

constexpr std::string_view kAirports =
    "faa,name,tzone\nPHX,Phoenix,America/Phoenix\nHNL,Honolulu,Pacific/Honolulu\nSFO,San "
    "Francisco,America/Los_Angeles\n"
    "LAS,Las "
    "Vegas,America/Los_Angeles\nCLT,Charlotte,America/New_York\nIAH,Houston,America/Chicago\n"
    "XNA,Bentonville,America/Chicago\nANC,Anchorage,America/Anchorage\nNOZ,No zone,NA\n";

SourceDef FlightsSource() { return FlightsDefinitions().sources.at("flights"); }

// Derives the rows of a flights.csv with these lines.
Result<Batch> Derived(const SourceDef& source, std::string_view lines) {
  Write("airports.csv", kAirports);
  Write("flights.csv",
        "year,month,day,sched_dep_time,sched_arr_time,arr_delay,carrier,flight,origin,dest,"
        "tailnum\n" +
            std::string(lines));
  const Batch raw = SW_TRY(ReadSourceTable(source, "."));
  return DeriveRows(source, raw, SW_TRY(LoadLookups(source, ".")));
}

struct Flight {
  const char* line;
  const char* departs;
  const char* arrives;
  const char* landed;
};

// Real flights of 2013; the expected times come from Python's zoneinfo.
constexpr Flight kFlights[] = {
    // Ordinary, over midnight by three zones, and cancelled.
    {"2013,1,1,630,1014,3,US,245,EWR,PHX,N1", "2013-01-01T11:30:00Z", "2013-01-01T17:14:00Z",
     "2013-01-01T17:17:00Z"},
    {"2013,1,1,900,1530,-14,HA,51,JFK,HNL,N1", "2013-01-01T14:00:00Z", "2013-01-02T01:30:00Z",
     "2013-01-02T01:16:00Z"},
    {"2013,1,1,1530,1805,NA,MQ,4525,LGA,XNA,N1", "2013-01-01T20:30:00Z", "2013-01-02T00:05:00Z",
     "null"},
    {"2013,3,9,2128,14,-17,B6,199,JFK,LAS,N1", "2013-03-10T02:28:00Z", "2013-03-10T08:14:00Z",
     "2013-03-10T07:57:00Z"},
    {"2013,12,31,2359,437,2,B6,839,JFK,BQN,N1", "2014-01-01T04:59:00Z", "2014-01-01T08:37:00Z",
     "2014-01-01T08:39:00Z"},
    // Arizona and Hawaii have no daylight saving.
    {"2013,7,1,658,915,-20,UA,1138,EWR,PHX,N1", "2013-07-01T10:58:00Z", "2013-07-01T16:15:00Z",
     "2013-07-01T15:55:00Z"},
    {"2013,7,1,1000,1430,57,HA,51,JFK,HNL,N1", "2013-07-01T14:00:00Z", "2013-07-02T00:30:00Z",
     "2013-07-02T01:27:00Z"},
    {"2013,7,6,1615,1953,1,UA,887,EWR,ANC,N1", "2013-07-06T20:15:00Z", "2013-07-07T03:53:00Z",
     "2013-07-07T03:54:00Z"},
    // Clocks go forward on 10 March at 2 h: around it, on it, and in places that take no part.
    {"2013,3,9,2359,438,26,B6,727,JFK,BQN,N1", "2013-03-10T04:59:00Z", "2013-03-10T08:38:00Z",
     "2013-03-10T09:04:00Z"},
    {"2013,3,9,1335,1936,-2,UA,15,EWR,HNL,N1", "2013-03-09T18:35:00Z", "2013-03-10T05:36:00Z",
     "2013-03-10T05:34:00Z"},
    {"2013,3,9,2155,242,62,B6,713,JFK,SJU,N1", "2013-03-10T02:55:00Z", "2013-03-10T06:42:00Z",
     "2013-03-10T07:44:00Z"},
    {"2013,3,10,500,648,-20,US,1113,EWR,CLT,N1", "2013-03-10T09:00:00Z", "2013-03-10T10:48:00Z",
     "2013-03-10T10:28:00Z"},
    {"2013,3,10,610,846,-45,UA,511,EWR,LAS,N1", "2013-03-10T10:10:00Z", "2013-03-10T15:46:00Z",
     "2013-03-10T15:01:00Z"},
    {"2013,3,10,619,903,-12,UA,1236,EWR,PHX,N1", "2013-03-10T10:19:00Z", "2013-03-10T16:03:00Z",
     "2013-03-10T15:51:00Z"},
    // They go back on 3 November.
    {"2013,11,2,1735,2107,-25,UA,1284,EWR,SFO,N1", "2013-11-02T21:35:00Z", "2013-11-03T04:07:00Z",
     "2013-11-03T03:42:00Z"},
    {"2013,11,3,520,800,-9,UA,322,EWR,IAH,N1", "2013-11-03T10:20:00Z", "2013-11-03T14:00:00Z",
     "2013-11-03T13:51:00Z"},
    {"2013,11,3,1000,1555,-18,HA,51,JFK,HNL,N1", "2013-11-03T15:00:00Z", "2013-11-04T01:55:00Z",
     "2013-11-04T01:37:00Z"},
    {"2013,11,3,2025,126,-7,UA,1071,EWR,BQN,N1", "2013-11-04T01:25:00Z", "2013-11-04T05:26:00Z",
     "2013-11-04T05:19:00Z"},
    // The four airports that airports.csv lacks.
    {"2013,2,1,540,1017,-10,B6,725,JFK,BQN,N1", "2013-02-01T10:40:00Z", "2013-02-01T14:17:00Z",
     "2013-02-01T14:07:00Z"},
    {"2013,2,1,610,1051,0,B6,709,JFK,SJU,N1", "2013-02-01T11:10:00Z", "2013-02-01T14:51:00Z",
     "2013-02-01T14:51:00Z"},
    {"2013,2,1,810,1315,-12,AA,655,JFK,STT,N1", "2013-02-01T13:10:00Z", "2013-02-01T17:15:00Z",
     "2013-02-01T17:03:00Z"},
    {"2013,2,1,2359,444,-5,B6,739,JFK,PSE,N1", "2013-02-02T04:59:00Z", "2013-02-02T08:44:00Z",
     "2013-02-02T08:39:00Z"},
};

TEST(Source, LandingsFollowTheDestinationsClock) {
  std::string lines;
  for (const Flight& flight : kFlights) lines += std::string(flight.line) + "\n";
  const Batch rows = Derived(FlightsSource(), lines).value();
  ASSERT_EQ(rows.num_rows(), std::size(kFlights));
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const Flight& flight = kFlights[row];
    EXPECT_EQ(rows.Find("departs")->ToText(row), flight.departs) << flight.line;
    EXPECT_EQ(rows.Find("arrives")->ToText(row), flight.arrives) << flight.line;
    EXPECT_EQ(rows.Find("landed")->ToText(row), flight.landed) << flight.line;
  }
  EXPECT_EQ(rows.Find("id")->String(0), "US245-EWR-2013-1-1-630");
}

TEST(Source, AFlightToAPlaceWithoutZoneHasNoLanding) {
  const Batch rows =
      Derived(FlightsSource(),
              "2013,1,1,630,1014,3,US,245,EWR,NOZ,N1\n2013,1,1,630,1014,3,US,246,EWR,QQQ,N1\n")
          .value();
  EXPECT_EQ(rows.Find("departs")->null_count(), 0U);
  EXPECT_EQ(rows.Find("landed")->null_count(), 2U);
}

TEST(Source, AllFlightsOf2013AgreeWithPython) {
  const SourceDef source = FlightsSource();
  if (!base::Exists(FlightsTables() + "/flights.csv")) GTEST_SKIP() << "no tables; run ./dev setup";
  const Batch raw = ReadSourceTable(source, FlightsTables()).value();
  const LookupTables lookups = LoadLookups(source, FlightsTables()).value();
  const std::int64_t start = base::MonotonicNs();
  const Batch rows = DeriveRows(source, raw, lookups).value();
  RecordProperty("derive_ms", static_cast<int>((base::MonotonicNs() - start) / 1'000'000));
  ASSERT_EQ(rows.num_rows(), 336'776U);
  EXPECT_EQ(rows.Find("tzone")->null_count(), 0U);
  EXPECT_EQ(rows.Find("landed")->null_count(), 9'430U);
  // "departs,arrives,landed" in seconds, a line each; the hash was made by Python's zoneinfo.
  std::string lines;
  const auto add = [&](const data::Column& column, std::size_t row, char end) {
    lines += column.IsNull(row) ? "None" : std::to_string(column.Int(row) / base::kSecondUs);
    lines += end;
  };
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    add(*rows.Find("departs"), row, ',');
    add(*rows.Find("arrives"), row, ',');
    add(*rows.Find("landed"), row, '\n');
  }
  EXPECT_EQ(base::Sha256Hex(lines),
            "ccf9f01c5f1261dd2d82954eb865cb14009ba6d5280e35521eec8b801c3bc445");
}

TEST(Source, TheOtherSourcesOfTheExampleCanBeRead) {
  if (!base::Exists(FlightsTables() + "/weather.csv")) GTEST_SKIP() << "no tables; run ./dev setup";
  const Definitions defined = FlightsDefinitions();
  for (const auto& [name, rows] : {std::pair{"weather", 26'115U}, std::pair{"planes", 3'322U}}) {
    const SourceDef& source = defined.sources.at(name);
    const Batch raw = ReadSourceTable(source, FlightsTables()).value();
    EXPECT_EQ(DeriveRows(source, raw, {}).value().num_rows(), rows);
  }
}

// A source of sales, changed by each test.
SourceDef Sales() {
  SourceDef source;
  source.name = "sales";
  source.table = "sales.csv";
  source.event_time = "sold";
  source.columns = {{"sold", "to_timestamp(epoch)"}};
  return source;
}

Result<Batch> SalesOf(const SourceDef& source, std::string_view csv) {
  Write("sales.csv", csv);
  const Batch raw = SW_TRY(ReadSourceTable(source, "."));
  return DeriveRows(source, raw, SW_TRY(LoadLookups(source, ".")));
}

std::string ErrorOf(const Result<Batch>& result) {
  return result ? "none" : result.error().message;
}

constexpr std::string_view kSales = "shop,epoch,amount\n1,1357035300,5\n2,1357035301,\n3,,7\n";

TEST(Source, WhereDropsRowsForWhichItIsNotTrue) {
  SourceDef source = Sales();
  source.where = "amount > 5 or epoch is not null and amount = 5";
  const Batch rows =
      SalesOf(source,
              "shop,epoch,amount\n1,1357035300,5\n2,1357035301,\n3,1357035302,7\n4,1357035303,1\n")
          .value();
  ASSERT_EQ(rows.num_rows(), 2U);
  EXPECT_EQ(rows.Find("shop")->Int(1), 3);
  source.where = "amount + 1";
  EXPECT_EQ(ErrorOf(SalesOf(source, kSales)),
            "source.sales.where: expected a condition (bool), found int64");
}

TEST(Source, ARowWithoutEventTimeIsAnErrorThatSaysWhatToDo) {
  EXPECT_EQ(ErrorOf(SalesOf(Sales(), kSales)),
            "source.sales.event_time: \"sold\" is null in 1 of 3 rows (first: row 2); leave such "
            "rows out with where = \"sold is not null\"");
  SourceDef source = Sales();
  source.where = "sold is not null";
  EXPECT_EQ(SalesOf(source, kSales).value().num_rows(), 2U);
}

TEST(Source, MissingAndWrongColumnsAreNamed) {
  SourceDef source = Sales();
  source.event_time = "solld";
  EXPECT_EQ(ErrorOf(SalesOf(source, kSales)),
            "source.sales.event_time: no column \"solld\" in source sales; did you mean sold?");
  source = Sales();
  source.event_time = "epoch";
  EXPECT_EQ(ErrorOf(SalesOf(source, kSales)),
            "source.sales.event_time: expected a column of timestamps, found \"epoch\" (int64); "
            "compute one in "
            "source.sales.columns with make_timestamp, to_timestamp or cast");
  source = Sales();
  source.columns[0].expression = "to_timestamp(epcoh)";
  EXPECT_EQ(
      ErrorOf(SalesOf(source, kSales)),
      "source.sales.columns.sold: line 1, column 14: no column \"epcoh\"; did you mean epoch?");
  source = Sales();
  source.columns.push_back({"amount", "shop + 1"});
  EXPECT_EQ(ErrorOf(SalesOf(source, kSales)),
            "source.sales.columns.amount: the table has a column \"amount\" already; choose "
            "another name");
  source = Sales();
  source.dedupe = {"shpo"};
  source.where = "sold is not null";
  EXPECT_EQ(ErrorOf(SalesOf(source, kSales)),
            "source.sales.dedupe: no column \"shpo\" in source sales; did you mean shop?");
}

TEST(Source, TablesStayInsideOfTheirFolder) {
  for (const char* table : {"csv:/etc/passwd", "/etc/passwd", "csv:../sales.csv", "a/../../b.csv",
                            "..", "csv:", "csv:a/.."}) {
    SourceDef source = Sales();
    source.table = table;
    const auto read = ReadSourceTable(source, ".");
    ASSERT_FALSE(read.has_value()) << table;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(read.error().message.starts_with(
        "source.sales.table: expected a file inside of the folder"))
        << read.error().message;
  }
}

TEST(Source, ASourceWithoutTableTakesPushesOnly) {
  SourceDef source = Sales();
  source.table.clear();
  EXPECT_EQ(ReadSourceTable(source, ".").error().code, ErrorCode::kFailedPrecondition);
}

TEST(Source, AnEmptyBatchShowsTheDerivedSchema) {
  const Batch empty(data::Schema{{{"epoch", Type::kInt64}}});
  const Batch rows = DeriveRows(Sales(), empty, {}).value();
  EXPECT_EQ(rows.num_rows(), 0U);
  EXPECT_EQ(rows.schema().fields[1].type, Type::kTimestamp);
}

// The flights example's definitions, with the derived schema of its flights.
struct Checked {
  Definitions defined = FlightsDefinitions();
  std::string Error() const {
    const SourceDef& source = defined.sources.at("flights");
    Write("airports.csv", kAirports);
    data::Schema raw;
    for (const char* name :
         {"year", "month", "day", "sched_dep_time", "sched_arr_time", "arr_delay", "flight"}) {
      raw.fields.push_back({.name = name, .type = Type::kInt64});
    }
    for (const char* name : {"carrier", "origin", "dest", "tailnum"})
      raw.fields.push_back({.name = name, .type = Type::kString});
    const auto schema = DeriveSchema(source, raw, LoadLookups(source, ".").value());
    const Status status =
        schema ? CheckColumns(defined, source, *schema) : std::unexpected(schema.error());
    return status ? "none" : status.error().message;
  }
};

TEST(CheckColumns, FindsWhatTheTableLacksBeforeAnyRowIsRead) {
  EXPECT_EQ(Checked().Error(), "none");
  Checked aggregate;
  aggregate.defined.views.at("origin_delays").features[1].column = "arr_dely";
  EXPECT_EQ(aggregate.Error(),
            "view.origin_delays.features.mean_1h.agg: no column \"arr_dely\" in source flights; "
            "did you mean arr_delay?");
  Checked text;
  text.defined.views.at("origin_delays").features[1].column = "carrier";
  EXPECT_EQ(
      text.Error(),
      "view.origin_delays.features.mean_1h.agg: mean needs a column of numbers, found string");
  Checked key;
  key.defined.entities.at("origin").keys[0].type = Type::kInt64;
  EXPECT_EQ(key.Error(),
            "view.origin_delays.entity: key \"origin\" is int64 in entity origin, but string in "
            "source flights; "
            "declare it in source.flights.types");
  Checked moment;
  moment.defined.training_sets.at("late").moment = "sched_dep_time";
  EXPECT_EQ(moment.Error(),
            "training_set.late.moment: expected a column of timestamps, found \"sched_dep_time\" "
            "(int64)");
  Checked label;
  label.defined.training_sets.at("late").label = "concat(arr_delay)";
  EXPECT_EQ(label.Error(), "training_set.late.label: expected a bool or a number, found string");
  Checked slice;
  slice.defined.training_sets.at("late").slices = {"origins"};
  EXPECT_EQ(
      slice.Error(),
      "training_set.late.slices: no column \"origins\" in source flights; did you mean origin?");
  Checked column;
  column.defined.sources.at("flights").columns[0].expression = "concat(carier)";
  EXPECT_EQ(
      column.Error(),
      "source.flights.columns.id: line 1, column 8: no column \"carier\"; did you mean carrier?");
}

TEST(CheckColumns, TheExampleFitsItsTables) {
  if (!base::Exists(FlightsTables() + "/flights.csv")) GTEST_SKIP() << "no tables; run ./dev setup";
  const Status status = CheckTables(FlightsDefinitions(), FlightsTables());
  EXPECT_TRUE(status.has_value()) << status.error().message;
  EXPECT_EQ(CheckTables(FlightsDefinitions(), ".").error().code, ErrorCode::kNotFound);
}

LookupDef Cities(std::string_view rows) {
  LookupDef lookup;
  lookup.name = "cities";
  lookup.table = "csv:cities.csv";
  lookup.key = "id";
  lookup.on = "shop";
  lookup.columns = {"city"};
  lookup.rows = Json::Parse(rows).value();
  return lookup;
}

TEST(Lookups, OwnRowsWinAndMissesAreNull) {
  Write("cities.csv", "id,city,extra\n1,Oslo,x\n2,Rome,y\n,Nowhere,z\n");
  SourceDef source = Sales();
  source.where = "sold is not null";
  source.lookups = {Cities(R"([{"id": 2, "city": "Roma"}, {"id": 9, "city": null}])")};
  const Batch rows = SalesOf(source, "shop,epoch\n1,1\n2,1\n9,1\n5,1\n,1\n").value();
  const data::Column& city = *rows.Find("city");
  EXPECT_EQ(city.ToText(0), "Oslo");
  EXPECT_EQ(city.ToText(1), "Roma");
  EXPECT_EQ(city.null_count(), 3U);
}

TEST(Lookups, RowsAloneAreEnough) {
  SourceDef source = Sales();
  source.lookups = {Cities(R"([{"id": 1, "city": 5}, {"id": 2, "city": 0.5}])")};
  source.lookups[0].table.clear();
  const Batch rows = SalesOf(source, "shop,epoch\n1,1\n2,1\n").value();
  EXPECT_EQ(rows.Find("city")->Double(0), 5.0);
}

TEST(Lookups, MistakesAreNamed) {
  SourceDef source = Sales();
  source.lookups = {Cities("[]")};
  Write("cities.csv", "id,city\n1,Oslo\n2,Rome\n1,Roma\n");
  EXPECT_EQ(LoadLookups(source, ".").error().message,
            "source.sales.lookup.cities: key \"1\" comes twice in csv:cities.csv (rows 1 and 3); a "
            "key names one row");
  Write("cities.csv", "id,ctiy\n1,Oslo\n");
  EXPECT_NE(LoadLookups(source, ".").error().message.find("did you mean ctiy?"), std::string::npos);
  Write("cities.csv", "id,city\none,Oslo\n");
  EXPECT_EQ(ErrorOf(SalesOf(source, "shop,epoch\n1,1\n")),
            "source.sales.lookup.cities.on: \"shop\" is int64, the lookup's key \"id\" is string; "
            "declare one in types");
  source.lookups = {Cities(R"([{"id": 1, "city": "x"}, {"id": 1, "city": "y"}])")};
  EXPECT_TRUE(LoadLookups(source, ".")
                  .error()
                  .message.starts_with("source.sales.lookup.cities.rows: \"id\": expected string"));
  source.lookups[0].table = "csv:../cities.csv";
  EXPECT_TRUE(LoadLookups(source, ".")
                  .error()
                  .message.starts_with("source.sales.lookup.cities.table: expected a file inside"));
  source.lookups[0].table.clear();
  EXPECT_EQ(LoadLookups(source, ".").error().message,
            "source.sales.lookup.cities: key \"1\" comes twice in rows (rows 1 and 2); a key names "
            "one row");
}

}  // namespace
}  // namespace sw::feature
