#include "feast/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;

std::string Shown(std::string_view bytes) {
  std::string out;
  AppendValueJson(bytes, out);
  return out;
}
std::string Through(const std::string& json, ValueType type) {
  const auto bytes = EncodeValue(Json::Parse(json).value(), type);
  if (!bytes) return "!" + bytes.error().message;
  ::feast::types::Value message;
  EXPECT_TRUE(message.ParseFromString(*bytes));
  EXPECT_EQ(message.val_case() == ::feast::types::Value::VAL_NOT_SET, bytes->empty());
  // Protobuf's maps have no order.
  if (!message.has_map_val()) {
    EXPECT_EQ(message.SerializeAsString(), *bytes);
  }
  return Shown(*bytes);
}

TEST(Values, ComeBackAsFeastPrintsThem) {
  const struct {
    const char* in;
    ValueType type;
    const char* out;
  } cases[] = {
      {"9007199254740993", Types::INT64, "9007199254740993"},
      {"-9223372036854775808", Types::INT64, "-9223372036854775808"},
      {"3.0", Types::INT64, "3"},
      {"\" 12 \"", Types::INT64, "12"},
      {"-2147483648", Types::INT32, "-2147483648"},
      {"1", Types::DOUBLE, "1.0"},
      {"0.1", Types::FLOAT, "0.10000000149011612"},
      {"\"Infinity\"", Types::DOUBLE, "\"Infinity\""},
      {"true", Types::BOOL, "true"},
      {"0", Types::BOOL, "false"},
      {"5", Types::STRING, "\"5\""},
      {"\"a\\n\\u00e9\\\"\"", Types::STRING, "\"a\\n\u00e9\\\"\""},
      {"\"AP8=\"", Types::BYTES, "\"AP8=\""},
      {"1700000000", Types::UNIX_TIMESTAMP, "1700000000"},
      {"\"1969-12-31T23:59:59.5Z\"", Types::UNIX_TIMESTAMP, "-1"},
      {"[1,null,-3]", Types::INT64_LIST, "[1,-3]"},
      {"[1.5,2]", Types::DOUBLE_LIST, "[1.5,2.0]"},
      {"[0.1]", Types::FLOAT_LIST, "[0.10000000149011612]"},
      {"[\"a\",null]", Types::STRING_LIST, "[\"a\",\"\"]"},
      {"[true,false]", Types::BOOL_LIST, "[true,false]"},
      {"[\"YQ==\"]", Types::BYTES_LIST, "[\"YQ==\"]"},
      {"[]", Types::INT32_LIST, "[]"},
      {"[3,3,4]", Types::INT64_SET, "[3,4]"},
      {"{\"a\":1,\"b\":null,\"c\":[1.5],\"d\":{\"e\":\"f\"}}", Types::MAP, "{\"a\":1,\"b\":null,\"c\":[1.5],\"d\":{\"e\":\"f\"}}"},
      {"\"{\\\"a\\\":1}\"", Types::STRUCT, "{\"a\":1}"},
      {"[{\"a\":1}]", Types::MAP_LIST, "[{\"a\":1}]"},
      {"[[1,2],[],[3]]", Types::VALUE_LIST, "[[1,2],null,[3]]"},
      {"{\"a\":1}", Types::JSON, "\"{\\\"a\\\":1}\""},
      {"\"2024-01-01T05:30:00+05:30\"", Types::ZONED_TIMESTAMP, "\"2024-01-01T05:30:00+05:30\""},
      {"null", Types::INT64, "null"},
      {"7", Types::INVALID, "7"},
  };
  for (const auto& test : cases) EXPECT_EQ(Through(test.in, test.type), test.out) << test.in;
}

TEST(Values, WhatDoesNotFitIsRefusedAndNotCut) {
  for (const auto& [in, type] : std::vector<std::pair<const char*, ValueType>>{{"2147483648", Types::INT32},
                                                                              {"1.5", Types::INT64},
                                                                              {"1e300", Types::INT64},
                                                                              {"\"x\"", Types::INT64},
                                                                              {"\"\"", Types::DOUBLE},
                                                                              {"\"x\"", Types::BOOL},
                                                                              {"2", Types::BOOL},
                                                                              {"[1]", Types::STRING},
                                                                              {"\"A\"", Types::BYTES},
                                                                              {"\"A===\"", Types::BYTES},
                                                                              {"5", Types::INT64_LIST},
                                                                              {"\"{\"", Types::MAP},
                                                                              {"\"{\"", Types::JSON},
                                                                              {"{}", Types::SCALAR_MAP}}) {
    EXPECT_EQ(Through(in, type).substr(0, 1), "!") << in;
  }
  std::string deep = "1";
  for (int i = 0; i < 40; ++i) deep = "[" + deep + "]";
  EXPECT_EQ(Through(deep, Types::VALUE_LIST).substr(0, 1), "!");
}

TEST(Values, BytesThatAreNoValuePrintAsNull) {
  for (const std::string_view bytes : {"", "\x08", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x12\x7f", "\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "\x0b"}) {
    EXPECT_EQ(Shown(bytes), "null");
  }
  std::string deep;
  for (int i = 0; i < 200; ++i) {
    std::string inner;
    ::feast::types::Value value;
    value.mutable_list_val()->add_val()->ParseFromString(deep);
    deep = value.SerializeAsString();
  }
  EXPECT_NE(Shown(deep).find("null"), std::string::npos);
}

TEST(Values, EveryBitOfADoubleComesBack) {
  for (const double value : {0.1, -0.0, 5e-324, 1.7976931348623157e308, 1e16}) {
    std::string bytes;
    AppendDoubleValue(bytes, value);
    EXPECT_EQ(Json::Parse(Shown(bytes)).value().AsDouble(), value);
  }
}

}  // namespace
}  // namespace sw::feast
