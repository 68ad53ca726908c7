#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/json_cursor.h"
#include "base/random.h"

namespace sw::base {
namespace {

using testing::HasSubstr;

struct Refusal {
  std::string text;
  std::string message;
};

TEST(Json, RefusesBadTextWithItsPlace) {
  const std::vector<Refusal> refusals = {
      {"", "line 1, column 1"},
      {"{\n  \"a\": 1,\n  \"a\": 2}", "line 3, column 5: duplicate key \"a\""},
      {"{\"a\":1} x", "line 1, column 9"},
      {"[1,]", "line 1, column 4"},
      {"[\n1\n2]", "line 3, column 1"},
      {"[NaN]", "column"},
      {"[1e999]", "line 1, column 6"},
      {"[01]", "column"},
      {"\"\xff\"", "invalid"},
      {"\"\xc0\xaf\"", "invalid"},
      {"\"\xed\xa0\x80\"", "invalid"},
      {"\"\\ud800\"", "surrogate"},
      {"\"a\nb\"", "control"},
      {"'a'", "column"},
      {"[1 /* no */]", "column"},
      {"{\"a\"", "column"},
  };
  for (const Refusal& refusal : refusals) {
    const Result<Json> parsed = Json::Parse(refusal.text);
    ASSERT_FALSE(parsed) << refusal.text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message, HasSubstr(refusal.message)) << refusal.text;
    EXPECT_THAT(parsed.error().message, testing::Not(HasSubstr("json.exception"))) << refusal.text;
  }
}

TEST(Json, RefusesNestingBeyondTheLimit) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(Json::Parse(nested(64)));
  EXPECT_THAT(Json::Parse(nested(65)).error().message, HasSubstr("column 65: nested deeper than 64"));
  EXPECT_FALSE(Json::Parse(std::string(1'000'000, '[')));
  EXPECT_FALSE(Json::Parse(nested(3), {.depth_max = 2}));
}

TEST(Json, RefusesMoreBytesThanTheLimit) {
  EXPECT_EQ(Json::Parse("[1,2]", {.bytes_max = 4}).error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(Json::Parse("[1,2]", {.bytes_max = 5}));
}

TEST(Json, FindsADuplicateAmongManyKeys) {
  std::string text = "{";
  for (int i = 0; i < 20'000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(Json::Parse(text + "\"last\":0}"));
  EXPECT_THAT(Json::Parse(text + "\"k3\":0}").error().message, HasSubstr("duplicate key \"k3\""));
  EXPECT_THAT(Json::Parse(text + "\"k19999\":0}").error().message, HasSubstr("duplicate key"));
}

TEST(Json, KeepsOrderAndNestsWithoutSharing) {
  const std::string text = R"({"z":1,"a":[true,null,{"m":-2.5,"b":"x"}],"e":{},"f":[]})";
  const Json parsed = Json::Parse(text).value();
  EXPECT_EQ(parsed.Dump(), text);
  Json copy = parsed;
  copy["a"].AsArray()[2]["m"] = 3;
  EXPECT_EQ(parsed.Dump(), text);
  EXPECT_NE(copy, parsed);
}

TEST(Json, IndentsForPeople) {
  const Json json = Json::MakeObject({{"a", Json::MakeArray({1, 2})}, {"b", Json::MakeObject()}});
  EXPECT_EQ(json.Dump(2), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

TEST(Json, IntegersStayExact) {
  for (const char* text : {"9223372036854775807", "-9223372036854775808", "9007199254740993", "0"}) {
    const Json json = Json::Parse(text).value();
    EXPECT_TRUE(json.IsInt());
    EXPECT_EQ(json.Dump(), text);
  }
  const Json beyond = Json::Parse("18446744073709551616").value();
  EXPECT_TRUE(beyond.IsDouble());
  EXPECT_EQ(beyond.AsDouble(), 18446744073709551616.0);
  EXPECT_EQ(Json::Parse("9223372036854775808").value().AsDouble(), 9223372036854775808.0);
}

TEST(Json, DoublesReadBackAsTheSameBits) {
  std::vector<double> values = {0.1, 1.0, -0.0, 1e22, 5e-324, 1.7976931348623157e308, 1.0 / 3};
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const double value = std::bit_cast<double>(random.NextU64());
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const double value : values) {
    const std::string text = Json(value).Dump();
    const Json back = Json::Parse(text).value();
    ASSERT_TRUE(back.IsDouble()) << text;
    EXPECT_EQ(std::bit_cast<std::uint64_t>(back.AsDouble()), std::bit_cast<std::uint64_t>(value)) << text;
  }
  EXPECT_EQ(Json(0.1).Dump(), "0.1");
  EXPECT_EQ(Json(1.0).Dump(), "1.0");
}

TEST(Json, NonFiniteNumbersTravelAsStrings) {
  Json json;
  json["n"] = std::numeric_limits<double>::quiet_NaN();
  json["i"] = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(json.Dump(), R"({"n":"NaN","i":"-Infinity"})");
  const Json back = Json::Parse(json.Dump()).value();
  EXPECT_TRUE(std::isnan(back.GetDouble("n").value()));
  EXPECT_EQ(back.GetDouble("i").value(), -std::numeric_limits<double>::infinity());
}

TEST(Json, StringsAreEscapedAndMadeValid) {
  std::string out;
  AppendJsonString(out, std::string_view("q\"\\\n\x01\x7f\0z", 8));
  EXPECT_EQ(out, "\"q\\\"\\\\\\n\\u0001\\u007f\\u0000z\"");
  out.clear();
  AppendJsonString(out, "a\xff\xe2\x82\xac\xe2\x82");
  EXPECT_EQ(out, "\"a\xef\xbf\xbd\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_TRUE(Json::Parse(out));
}

TEST(Json, TypedMembersNameKeyAndTypes) {
  const Json json = Json::Parse(R"({"s":"x","i":3,"d":2.5,"b":true,"a":[1],"o":{},"n":null})").value();
  EXPECT_EQ(json.GetString("s").value(), "x");
  EXPECT_EQ(json.GetInt("i").value(), 3);
  EXPECT_EQ(json.GetDouble("i").value(), 3.0);
  EXPECT_TRUE(json.GetBool("b").value());
  EXPECT_EQ(json.GetArray("a").value()->size(), 1u);
  EXPECT_TRUE(json.GetObject("o").value()->IsObject());
  EXPECT_EQ(json.GetString("i").error().message, "\"i\" is of type integer: expected a string");
  EXPECT_EQ(json.GetInt("d").error().message, "\"d\" is of type number: expected an integer");
  EXPECT_EQ(json.GetInt("q").error().message, "missing \"q\": expected an integer");
  EXPECT_EQ(json.IntOr("n", 9), 9);
  EXPECT_EQ(json.StringOr("q", "f"), "f");
  EXPECT_FALSE(Json(3).GetString("q"));
}

TEST(Json, ErasesAndAppends) {
  Json json;
  json["a"].Append(1);
  json.Set("b", "x");
  json.Erase("missing");
  json.Erase("b");
  EXPECT_EQ(json.Dump(), R"({"a":[1]})");
}

// The quick reader takes less than the library, and what it takes is the same value.
TEST(Json, BothReadersAgree) {
  const std::vector<std::string> texts = {
      "1", "-0", "0.0", "-0.0", "1e5", "1E-7", "123456789012345678", "1234567890123456789", "-9223372036854775808", "1e400", "1e-400",
      "4.9e-324", "2.2250738585072011e-308", "0.1", "9007199254740993", "9007199254740993.0", "[1,2.5,null,true,false]", " [ ] ", "{}",
      "{\"a\":{\"b\":[[],[{}]]}}", "{\"a\":1,\"a\":2}", "{\"a\":1,}", "[1 2]", "[,]", "01", "1.", ".5", "+1", "--1", "1e", "0x1", "tru", "truex",
      "nul", "\"a\\n\\t\\\"\\\\\\/b\"", "\"\\u00e9\"", "\"\xc3\xa9\"", "\"\xff\"", "\"a\x01\"", "\"a", "\"\\x\"", "", " ", "[", "{\"a\"", "{\"a\":", "{1:2}",
      "[1]x", std::string("[1]\0", 4), std::string("\0", 1), "\"\\", "[\"a\",\"b\"]"};
  for (const std::string& text : texts) {
    EXPECT_EQ(Json::Parse(text), ParseAnyJson(text, {})) << text;
    EXPECT_EQ(Json::Parse(text, {.floats = true}), ParseAnyJson(text, {.floats = true})) << text;
    const auto known = ParseKnownJson(text, {});
    if (known) {
      EXPECT_EQ(*known, ParseAnyJson(text, {}).value()) << text;
    }
  }
  EXPECT_TRUE(ParseKnownJson(R"({"inputs":[{"name":"a","shape":[1,2],"data":[0.25,-3e2]}]})", {}));
  Random random(5);
  const std::string_view pieces[] = {"{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-2.5e3", "null", " ", "true"};
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::uint64_t k = random.NextU64() % 9; k > 0; --k) text += pieces[random.NextU64() % std::size(pieces)];
    ASSERT_EQ(Json::Parse(text), ParseAnyJson(text, {})) << text;
  }
}

}  // namespace
}  // namespace sw::base
