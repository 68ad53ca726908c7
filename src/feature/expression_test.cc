#include "feature/expression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/files.h"
#include "feature/expression_functions.h"

namespace sw::feature {
namespace {

using data::Type;

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();

// Three flights: an ordinary one, one full of nulls, one of extremes.
data::Batch Flights() {
  data::Batch batch(data::Schema{{{"carrier", Type::kString},
                                  {"delay", Type::kInt64},
                                  {"distance", Type::kFloat64},
                                  {"departs", Type::kTimestamp},
                                  {"late", Type::kBool},
                                  {"zone", Type::kString},
                                  {"in.seats", Type::kInt64}}});
  const auto add = [&](std::string_view carrier, std::int64_t delay, double distance,
                       std::string_view departs, bool late, std::string_view zone) {
    batch.column(0).AppendString(carrier);
    batch.column(1).AppendInt(delay);
    batch.column(2).AppendDouble(distance);
    batch.column(3).AppendInt(base::ParseTime(departs).value());
    batch.column(4).AppendBool(late);
    batch.column(5).AppendString(zone);
    batch.column(6).AppendInt(150);
  };
  add("UA", 11, 1400.5, "2013-01-01T10:15:00Z", false, "America/New_York");
  for (std::size_t i = 0; i < batch.num_columns(); ++i) batch.column(i).AppendNull();
  add("b6 \xc3\xa9", kMaxInt, -0.0, "2013-11-03T05:30:00Z", true, "Pacific/Honolulu");
  return batch;
}

// The values of an expression over the flights, "a|b|c", or the error.
std::string Of(std::string_view text) {
  const data::Batch flights = Flights();
  const auto expression = Expression::Compile(text, flights.schema());
  if (!expression) return "error: " + expression.error().message;
  const auto column = expression->Evaluate(flights);
  if (!column) return "error: " + column.error().message;
  EXPECT_EQ(column->type(), expression->type());
  EXPECT_EQ(column->size(), flights.num_rows());
  return column->ToText(0) + "|" + column->ToText(1) + "|" + column->ToText(2);
}

struct Case {
  const char* text;
  const char* expected;
};

void ExpectAll(std::initializer_list<Case> cases) {
  for (const Case& each : cases) EXPECT_EQ(Of(each.text), each.expected) << each.text;
}

TEST(Expression, Arithmetic) {
  ExpectAll({
      {"1 + 2 * 3 - 4", "3|3|3"},
      {"(1 + 2) * 3", "9|9|9"},
      {"- delay", "-11|null|-9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808|-9223372036854775808|-9223372036854775808"},
      {"1 / 2", "0.5|0.5|0.5"},
      {"delay / 0", "null|null|null"},
      {"div(-7, 2)", "-3|-3|-3"},
      {"mod(-7, 2)", "-1|-1|-1"},
      {"-7 % 0", "null|null|null"},
      {"mod(-9223372036854775808, -1)", "0|0|0"},
      {"delay % 10", "1|null|7"},
      {"distance + delay", "1411.5|null|9223372036854775808.0"},
      {"2 - -1", "3|3|3"},
      {"1.5e1 + .5", "15.5|15.5|15.5"},
      {"abs(-3)", "3|3|3"},
      {"abs(distance)", "1400.5|null|0.0"},
      {"sqrt(-1)", "null|null|null"},
      {"round(2.5)", "2.0|2.0|2.0"},
      {"least(3, delay)", "3|3|3"},
      {"greatest(0.5, 1)", "1.0|1.0|1.0"},
  });
}

TEST(Expression, IntegersThatLeaveInt64AreErrorsWithTheirRow) {
  EXPECT_EQ(Of("delay + 1"),
            "error: row 2: line 1, column 7: 9223372036854775807 + 1 leaves int64");
  EXPECT_TRUE(Of("delay * 2").starts_with("error: row 2"));
  EXPECT_TRUE(Of("-9223372036854775808 - 1").starts_with("error: row 0"));
  EXPECT_TRUE(Of("abs(-9223372036854775808)").starts_with("error: row 0"));
  EXPECT_TRUE(Of("div(-9223372036854775808, -1)").starts_with("error: row 0"));
  EXPECT_EQ(Of("9223372036854775808"),
            "error: line 1, column 1: 9223372036854775808 does not fit into int64; write "
            "9223372036854775808.0 for a float64");
}

TEST(Expression, ComparisonsAndLogicHaveThreeValues) {
  ExpectAll({
      {"delay > 10", "true|null|true"},
      {"delay > 11.5", "false|null|true"},
      {"carrier = 'UA' or delay > 0", "true|null|true"},
      {"delay > 0 or true", "true|true|true"},
      {"delay > 0 and false", "false|false|false"},
      {"null and true", "null|null|null"},
      {"not late", "true|null|false"},
      {"not delay = 11", "false|null|true"},
      {"late is null", "false|true|false"},
      {"late is not null", "true|false|true"},
      {"delay in (1, 11)", "true|null|false"},
      {"delay in (1, null)", "null|null|null"},
      {"delay not in (1, 2)", "true|null|true"},
      {"delay between 11 and 12", "true|null|false"},
      {"5 between 6 and delay", "false|false|false"},
      {"carrier < 'a'", "true|null|false"},
      {"departs >= '2013-05-01'", "false|null|true"},
      {"departs = timestamp '2013-01-01 10:15:00'", "true|null|false"},
      {"late = false", "true|null|false"},
      {"delay != 11", "false|null|true"},
  });
}

TEST(Expression, BranchesThatAreNotTakenCannotFail) {
  ExpectAll({
      {"case when delay < 100 then delay + 1 else -1 end", "12|-1|-1"},
      {"delay < 100 and delay + 1 > 0", "true|null|false"},
      {"delay > 100 or delay + 1 > 0", "true|null|true"},
      {"coalesce(delay, 9223372036854775807 + delay)", "11|null|9223372036854775807"},
      {"if(delay > 100, null, delay * 2)", "22|null|null"},
      {"case when false then 9223372036854775807 + 1 else 0 end", "0|0|0"},
      {"case when late then make_timestamp(2013, 1, 1, 0, 0, zone) end is null", "true|true|false"},
  });
  EXPECT_TRUE(Of("case when delay > 100 then delay + 1 else -1 end").starts_with("error: row 2"));
}

TEST(Expression, Branches) {
  ExpectAll({
      {"case when delay > 20 then 'late' when delay > 10 then 'slow' end", "slow|null|late"},
      {"case carrier when 'UA' then 1 when null then 2 else 3.5 end", "1.0|3.5|3.5"},
      {"case delay when 11.0 then 'eleven' else carrier end", "eleven|null|b6 \xc3\xa9"},
      {"coalesce(delay, 0)", "11|0|9223372036854775807"},
      {"coalesce(null, delay, 2.5)", "11.0|2.5|9223372036854775808.0"},
      {"nullif(delay, 11)", "null|null|9223372036854775807"},
      {"nullif(carrier, 'x')", "UA|null|b6 \xc3\xa9"},
  });
}

TEST(Expression, Text) {
  ExpectAll({
      {"concat(carrier, delay, '-', late)",
       "UA11-false|null|b6 \xc3\xa9"
       "9223372036854775807-true"},
      {"carrier || '/' || distance", "UA/1400.5|null|b6 \xc3\xa9/-0.0"},
      {"lower(carrier)", "ua|null|b6 \xc3\xa9"},
      {"UPPER(carrier)", "UA|null|B6 \xc3\xa9"},
      {"length(carrier)", "2|null|4"},
      {"substring(carrier, 2, 1)", "A|null|6"},
      {"substring(carrier, 4, 9223372036854775807)", "|null|\xc3\xa9"},
      {"substring(carrier, -9223372036854775807, 2)", "|null|"},
      {"trim('  a b ')", "a b|a b|a b"},
      {"starts_with(carrier, 'U') or contains(carrier, '6')", "true|null|true"},
      {"'it''s'", "it's|it's|it's"},
      {"\"in.seats\" + in.seats", "300|null|300"},
  });
}

TEST(Expression, Casts) {
  ExpectAll({
      {"cast(distance as int64)", "1400|null|0"},
      {"cast(2.5 as int64)", "2|2|2"},
      {"cast(delay as string)", "11|null|9223372036854775807"},
      {"cast('1.5' as float64)", "1.5|1.5|1.5"},
      {"cast(late as int64)", "0|null|1"},
      {"try_cast(carrier as int64)", "null|null|null"},
      {"cast('2013-03-10T02:30:00-05:00' as timestamp)",
       "2013-03-10T07:30:00Z|2013-03-10T07:30:00Z|2013-03-10T07:30:00Z"},
      {"cast(null as int64)", "null|null|null"},
  });
  EXPECT_EQ(Of("cast('x' as int64)"), "error: line 1, column 6: expected int64, found \"x\"");
  EXPECT_EQ(Of("cast(carrier as int64)"),
            "error: row 0: line 1, column 1: expected int64, found \"UA\"");
  EXPECT_TRUE(Of("cast(1e300 as int64)").ends_with("1e+300 does not fit into int64"));
  EXPECT_EQ(Of("cast(departs as int64)"),
            "error: line 1, column 1: no cast from timestamp to int64");
}

TEST(Expression, Times) {
  ExpectAll({
      {"make_timestamp(2013, 1, 31 + 1, 0, 5, 'America/New_York')",
       "2013-02-01T05:05:00Z|2013-02-01T05:05:00Z|2013-02-01T05:05:00Z"},
      {"make_timestamp(2013, 7, 1, 12, 0, 30, zone)",
       "2013-07-01T16:00:30Z|null|2013-07-01T22:00:30Z"},
      {"add_minutes(departs, 45)", "2013-01-01T11:00:00Z|null|2013-11-03T06:15:00Z"},
      {"add_minutes(departs, -0.5)", "2013-01-01T10:14:30Z|null|2013-11-03T05:29:30Z"},
      {"hour(departs, 'America/New_York')", "5|null|1"},
      {"hour(add_hours(departs, 1), 'America/New_York')", "6|null|1"},  // the repeated hour
      {"minute(departs, zone)", "15|null|30"},
      {"weekday(departs, 'UTC')", "1|null|6"},
      {"month(departs, zone)", "1|null|11"},
      {"day(departs, zone)", "1|null|2"},
      {"seconds_between(departs, add_seconds(departs, 90))", "90.0|null|90.0"},
      {"to_timestamp(1357035300)",
       "2013-01-01T10:15:00Z|2013-01-01T10:15:00Z|2013-01-01T10:15:00Z"},
  });
  EXPECT_TRUE(Of("add_minutes(departs, delay)").starts_with("error: row 2"));
  EXPECT_TRUE(Of("add_minutes(departs, 1e300)").starts_with("error: row 0"));
  EXPECT_EQ(Of("hour(departs, carrier)"),
            "error: row 0: line 1, column 1: no time zone \"UA\"; did you mean Cuba, UCT, UTC?");
  EXPECT_EQ(Of("hour(departs, 'America/New_Yrok')"),
            "error: line 1, column 15: no time zone \"America/New_Yrok\"; did you mean "
            "America/New_York?");
}

TEST(Expression, MistakesAreExplainedWithTheirPlace) {
  ExpectAll({
      {"dely > 15", "error: line 1, column 1: no column \"dely\"; did you mean delay?"},
      {"concta(carrier)", "error: line 1, column 1: no function \"concta\"; did you mean concat?"},
      {"1 +\n  upper(delay)",
       "error: line 2, column 3: upper takes (string), found (int64); convert with cast(value as "
       "type)"},
      {"hour(departs)",
       "error: line 1, column 1: hour takes (timestamp, time zone), found 1 argument"},
      {"late and delay", "error: line 1, column 10: and takes bool, found int64"},
      {"if(delay, 1, 2)", "error: line 1, column 4: a condition is bool, found int64"},
      {"delay == 1", "error: line 1, column 7: unexpected ==: write ="},
      {"1 < delay < 3",
       "error: line 1, column 11: comparisons do not chain; write a < b and b < c, or use "
       "parentheses"},
      {"carrier = 'UA", "error: line 1, column 11: a text is not closed; add ' at its end"},
      {"(1 + 2", "error: line 1, column 7: expected ), found the end"},
      {"1 2", "error: line 1, column 3: expected an operator or the end, found 2"},
      {"1abc", "error: line 1, column 2: \"a\" after a number; put a space or an operator between"},
      {"case when late then 1",
       "error: line 1, column 22: expected when, else or end, found the end"},
      {"case when late then 1 else 'x' end",
       "error: line 1, column 28: this value is string, another branch's int64; convert with "
       "cast(value as type)"},
      {"end",
       "error: line 1, column 1: expected a value, found end (a keyword; a column of that name "
       "goes into double quotes)"},
      {"null",
       "error: line 1, column 1: is always null; give it a type, as in cast(null as float64)"},
      {"  ", "error: expression is empty; write one such as arr_delay > 15"},
      {"a -- b",
       "error: line 1, column 3: unexpected --: comments go into the TOML; put a space between two "
       "minus signs"},
      {"\"\"", "error: line 1, column 1: a column's name is empty"},
      {"cast(1 as decimal)",
       "error: line 1, column 11: expected a type: bool, int64, float64, string or timestamp, "
       "found decimal"},
      {"negative(1)", "error: line 1, column 1: no function \"negative\""},
      {"1e999", "error: line 1, column 1: 1e999 is no number that a float64 can hold"},
      {"\x01", "error: line 1, column 1: unexpected byte 0x01; text goes into single quotes"},
  });
  EXPECT_TRUE(Of("carrier + 1")
                  .starts_with("error: line 1, column 9: + takes (int64, int64) or (float64, "
                               "float64), found (string, int64)"));
}

std::string Repeat(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

TEST(Expression, HostileTextIsRefusedInBoundedTimeAndDepth) {
  const std::string too_deep = "nested deeper than 128";
  for (const std::string& text :
       {Repeat("(", 16000), Repeat("not ", 4000) + "late",
        Repeat("-", 1) + Repeat(" -", 8000) + "1", "1" + Repeat("+1", 8000), Repeat("abs(", 4000),
        Repeat("case when ", 1600), Repeat("coalesce(", 1800), "1" + Repeat(" in (1", 2000),
        Repeat("case 1 when 1 then ", 800)}) {
    EXPECT_NE(Of(text).find(too_deep), std::string::npos)
        << text.substr(0, 20) << ": " << Of(text).substr(0, 100);
  }
  EXPECT_NE(Of(std::string(17000, '1')).find("the limit is 16384"), std::string::npos);
  EXPECT_EQ(Of("true" + Repeat(" and true", 1800)), "true|true|true");  // a chain is not deep
  EXPECT_EQ(Of(Repeat("(", 60) + "1" + Repeat(")", 60)), "1|1|1");
}

TEST(Expression, TextsAreLimitedInLength) {
  data::Batch batch(data::Schema{{{"text", Type::kString}}});
  batch.column(0).AppendString(std::string(kExpressionValueBytesMax / 2 + 1, 'x'));
  const auto twice = Expression::Compile("concat(text, text)", batch.schema()).value();
  const auto column = twice.Evaluate(batch);
  ASSERT_FALSE(column.has_value());
  EXPECT_EQ(column.error().message,
            "row 0: line 1, column 1: a text is longer than the limit of one value");
}

TEST(Expression, ReadsItsColumnsByName) {
  const data::Batch flights = Flights();
  const auto late =
      Expression::Compile("delay > 10 and carrier = 'UA' and delay < 100", flights.schema())
          .value();
  EXPECT_EQ(late.columns(), (std::vector<std::string>{"delay", "carrier"}));
  const data::Batch other_order = flights.Select({"carrier", "delay"}).value();
  EXPECT_EQ(late.Evaluate(other_order).value(), late.Evaluate(flights).value());
  EXPECT_FALSE(late.Evaluate(flights.Select({"delay"}).value()).has_value());
  data::Batch other_type(data::Schema{{{"delay", Type::kString}, {"carrier", Type::kString}}});
  EXPECT_EQ(late.Evaluate(other_type).error().message,
            "column \"delay\": expected int64, found string");
}

TEST(Expression, OneRowAndManyGiveTheSame) {
  const data::Batch flights = Flights();
  const auto expression =
      Expression::Compile("case when delay > 20 then distance else coalesce(delay, 7) end",
                          flights.schema())
          .value();
  const data::Column whole = expression.Evaluate(flights).value();
  data::Column parts(whole.type());
  for (std::size_t row = 0; row < flights.num_rows(); ++row)
    parts.AppendAll(expression.Evaluate(flights.Slice(row, 1)).value());
  EXPECT_EQ(parts, whole);
  EXPECT_EQ(expression.Evaluate(flights.Slice(0, 0)).value().size(), 0U);
}

TEST(Expression, EveryFunctionIsDocumented) {
  const std::string page = base::ReadFile(SW_SOURCE_DIR "/docs/expressions.md").value();
  for (const auto& functions :
       {NumberFunctions(), TextFunctions(), TimeFunctions(), LogicFunctions()}) {
    for (const Signature& each : functions) {
      const std::string name(each.name == "is null" || each.name == "is not null" ? "is [not] null"
                             : each.name == "negative"                            ? "-"
                                                                                  : each.name);
      EXPECT_NE(page.find(name), std::string::npos) << name;
    }
  }
}

TEST(Expression, ParseColumnsNeedsNoSchema) {
  EXPECT_EQ(ParseColumns("concat(a, b, a, \"c d\")").value(),
            (std::vector<std::string>{"a", "b", "c d"}));
  EXPECT_FALSE(ParseColumns("concta(a)").has_value());
}

}  // namespace
}  // namespace sw::feature
