#include "model/formats/ubjson.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "model/formats/fixture.h"

namespace sw::model {
namespace {

using testing::HasSubstr;

// "i\x03" and the like: literals with zeros in them need their length.
template <std::size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

Document Parsed(const std::string& bytes) {
  auto document = ReadUbjson(bytes);
  EXPECT_TRUE(document.has_value()) << document.error().message;
  return document.value_or(Document());
}

TEST(Ubjson, ReadsEveryKindOfValue) {
  const Document document = Parsed(Bytes(
      "{i\x01" "zZ" "i\x01tT" "i\x01" "fF" "i\x01" "ci\xfe" "U\x01uU\xfe" "I\x00\x01sI\xff\xfe" "l\x00\x00\x00\x01ll\x00\x01\x00\x00"
      "L\x00\x00\x00\x00\x00\x00\x00\x01LL\xff\xff\xff\xff\xff\xff\xff\xff" "i\x01" "dd\x3f\xc0\x00\x00"
      "i\x01" "DD\x3f\xf8\x00\x00\x00\x00\x00\x00" "i\x01SSi\x02hi" "i\x01" "CCx}"));
  EXPECT_TRUE(document.Find("z")->IsNull());
  EXPECT_EQ(*document.Find("t"), Document(true));
  EXPECT_EQ(*document.Find("f"), Document(false));
  EXPECT_EQ(document.Int("c").value(), -2);
  EXPECT_EQ(document.Int("u").value(), 254);
  EXPECT_EQ(document.Int("s").value(), -2);
  EXPECT_EQ(document.Int("l").value(), 65536);
  EXPECT_EQ(document.Int("L").value(), -1);
  EXPECT_EQ(document.Number("d").value(), 1.5);
  EXPECT_EQ(document.Number("D").value(), 1.5);
  EXPECT_EQ(document.String("S").value(), "hi");
  EXPECT_EQ(document.Int("C").value(), 'x');
}

TEST(Ubjson, ReadsArraysPlainCountedAndTyped) {
  const Document document = Parsed(Bytes("{i\x01p[i\x01i\x02]i\x01" "c[#i\x02" "Ti\x05" "i\x01y[$U#i\x03\x01\x02\xff"
                                         "i\x01" "f[$d#L\x00\x00\x00\x00\x00\x00\x00\x01\x3f\xc0\x00\x00i\x01" "e[]i\x01m[i\x01" "d\x3f\x00\x00\x00]}"));
  EXPECT_EQ(document.Ints("p").value(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(document.Items("c").value()->size(), 2U);
  EXPECT_EQ(document.Ints("y").value(), (std::vector<std::int64_t>{1, 2, 255}));
  EXPECT_EQ(document.Doubles("f").value(), std::vector<double>{1.5});
  EXPECT_TRUE(document.Doubles("e").value().empty());
  EXPECT_EQ(document.Doubles("m").value(), (std::vector<double>{1, 0.5}));
  EXPECT_FALSE(document.Ints("f").has_value());
}

TEST(Ubjson, AnArrayOfFloatsCostsFourBytesAnElement) {
  std::string bytes = Bytes("{i\x01" "f[$d#l\x00\x10\x00\x00");
  bytes += std::string(4 << 20, '\0') + "}";
  const Document document = Parsed(bytes);
  const auto& numbers = std::get<Document::Numbers>(document.Find("f")->value());
  EXPECT_EQ(std::get<std::vector<float>>(numbers).capacity(), 1U << 20);
}

TEST(Ubjson, RefusesBadBytesWithTheirPlace) {
  const struct {
    const char* name;
    std::string bytes;
    const char* message;
  } cases[] = {
      {"empty", "", "byte 0: it is cut off"},
      {"cut off object", "{", "byte 1: it is cut off"},
      {"cut off number", Bytes("{i\x01" "dd\x3f"), "byte 5: it is cut off"},
      {"cut off array", Bytes("{i\x01" "a[i\x01"), "it is cut off"},
      {"long key", Bytes("{i\x7f" "abc}"), "a length is 127, 4 bytes are left"},
      {"negative length", Bytes("{i\xff" "abc}"), "a length is -1"},
      {"huge typed array", Bytes("{i\x01" "a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff}"), "a length is 9223372036854775807"},
      {"huge counted array", Bytes("{i\x01" "a[#l\x7f\xff\xff\xff" "ZZZ}"), "a length is 2147483647"},
      {"text as length", Bytes("{Si\x01" "aZ}"), "marker 0x53 is not read as a length"},
      {"typed without a count", Bytes("{i\x01" "a[$d\x00}"), "needs its length"},
      {"typed text", Bytes("{i\x01" "a[$S#i\x01" "i\x01x}"), "as the type of an array"},
      {"high precision", Bytes("{i\x01" "aHi\x01" "1}"), "marker 0x48"},
      {"counted object", Bytes("{#i\x01i\x01" "aZ"), "in an object"},
      {"duplicate key", Bytes("{i\x01" "aZi\x01" "aZ}"), "duplicate key \"a\""},
      {"trailing bytes", "{}{}", "2 bytes follow"},
      {"unknown marker", Bytes("{i\x01" "a\x01}"), "marker 0x01"},
      {"depth", "{i\x01" "a" + std::string(100000, '['), "deeper than 64"},
  };
  for (const auto& test : cases) {
    const auto document = ReadUbjson(test.bytes);
    ASSERT_FALSE(document.has_value()) << test.name;
    EXPECT_THAT(document.error().message, HasSubstr(test.message)) << test.name;
  }
}

TEST(Ubjson, LimitsBytesAndValues) {
  const std::string many = "{i\x01" "a[" + std::string(1000, 'Z') + "]}";
  EXPECT_TRUE(ReadUbjson(many).has_value());
  EXPECT_EQ(ReadUbjson(many, {.values_max = 500}).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(ReadUbjson(many, {.bytes_max = 999}).error().code, ErrorCode::kResourceExhausted);
}

TEST(Ubjson, EveryTruncationOfAModelIsRefused) {
  const std::string model = TestData("xgboost_vectors.ubj");
  ASSERT_TRUE(ReadUbjson(model).has_value());
  for (std::size_t length = 0; length < model.size(); ++length) {
    ASSERT_FALSE(ReadUbjson(std::string_view(model).substr(0, length)).has_value()) << length;
  }
}

TEST(ReadDocument, GivesTheSameTreeForBothForms) {
  const Document binary = Parsed(Bytes("{i\x01" "a[$l#i\x02\x00\x00\x00\x01\xff\xff\xff\xffi\x01" "b{i\x01" "cSi\x01xi\x01" "dd\x3f\xc0\x00\x00}}"));
  const Document text = ReadDocument(R"({"a": [1, -1], "b": {"c": "x", "d": 1.5}})").value();
  EXPECT_EQ(binary.Ints("a").value(), text.Ints("a").value());
  EXPECT_EQ(*binary.Find("b"), *text.Find("b"));
}

TEST(ReadDocument, ReadsJsonWithBareNanAndInfinity) {
  const Document document =
      ReadDocument(R"({"a": [1.5, NaN, Infinity, -Infinity], "NaN": "a \" NaN", "b": [true, false]})").value();
  const auto numbers = document.Doubles("a").value();
  ASSERT_EQ(numbers.size(), 4U);
  EXPECT_TRUE(std::isnan(numbers[1]));
  EXPECT_EQ(numbers[2], HUGE_VAL);
  EXPECT_EQ(numbers[3], -HUGE_VAL);
  EXPECT_EQ(document.String("NaN").value(), "a \" NaN");
  EXPECT_EQ(document.Ints("b").value(), (std::vector<std::int64_t>{1, 0}));
}

TEST(ReadDocument, ReadsAFloatFromItsDigitsAndNotThroughADouble) {
  // Just above the middle of two floats; the nearest double is the middle itself.
  const std::string text = R"({"x": [1.00000005960464477539062500001, 2]})";
  EXPECT_EQ(ReadDocument(text, true).value().Doubles("x").value()[0], 1.00000011920928955078125);
  EXPECT_EQ(ReadDocument(text, false).value().Doubles("x").value()[0], 1.000000059604644775390625);
}

TEST(ReadDocument, RefusesWrongTypesByKey) {
  const Document document = ReadDocument(R"({"a": "x", "b": [1, "x"]})").value();
  EXPECT_THAT(document.Int("a").error().message, HasSubstr("\"a\" must be an integer, found string"));
  EXPECT_THAT(document.Ints("b").error().message, HasSubstr("\"b\" must be whole numbers, found array"));
  EXPECT_THAT(document.Get("c").error().message, HasSubstr("\"c\" is missing"));
  EXPECT_THAT(ReadDocument(std::string(100000, '[')).error().message, HasSubstr("deeper than 64"));
}

}  // namespace
}  // namespace sw::model
