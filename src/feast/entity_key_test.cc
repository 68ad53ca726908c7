#include "feast/entity_key.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;

std::string Hex(const std::vector<Field>& keys, const std::vector<KeyValue>& values) {
  std::string out;
  EntityKeyFormat(keys).Append(values, out);
  return base::HexEncode(out);
}

// By feast.infra.key_encoding_utils.serialize_entity_key of the SDK 0.67, version 3.
TEST(EntityKey, IsSerialisedAsFeastDoesIt) {
  EXPECT_EQ(Hex({{"user", Types::INT64}}, {{Types::INT64, 1 << 15}}), "0100000002000000040000007573657204000000080000000080000000000000");
  EXPECT_EQ(Hex({{"user", Types::INT64}}, {{Types::INT64, std::int64_t{1} << 31}}), "0100000002000000040000007573657204000000080000000000008000000000");
  EXPECT_EQ(Hex({{"user", Types::INT64}, {"customer", Types::STRING}}, {{Types::INT64, 1 << 15}, {Types::STRING, 0, "test"}}),
            "020000000200000008000000637573746f6d657202000000040000007573657202000000040000007465737404000000080000000080000000000000");
  EXPECT_EQ(Hex({{"e2", Types::UNIX_TIMESTAMP}}, {{Types::UNIX_TIMESTAMP, 1758823656}}), "01000000020000000200000065320800000008000000e884d56800000000");
  EXPECT_EQ(Hex({{"a", Types::INT32}}, {{Types::INT32, -1}}), "010000000200000001000000610300000004000000ffffffff");
  EXPECT_EQ(Hex({{"b", Types::BYTES}}, {{Types::BYTES, 0, std::string_view("\0\xff", 2)}}), "01000000020000000100000062010000000200000000ff");
  EXPECT_EQ(Hex({}, {}), "01000000020000000a0000005f5f64756d6d795f69640200000000000000");
}

TEST(EntityKey, ValuesAreTakenAsFeastConvertsThem) {
  std::string scratch;
  EXPECT_EQ(ReadKeyValue(Json("1001"), Types::INT64, scratch).value().number, 1001);
  EXPECT_EQ(ReadKeyValue(Json(5), Types::STRING, scratch).value().text, "5");
  EXPECT_EQ(ReadKeyValue(Json(5.0), Types::INT32, scratch).value().number, 5);
  EXPECT_EQ(ReadKeyValue(Json(-3), Types::UNIX_TIMESTAMP, scratch).value().number, -3);
  EXPECT_EQ(ReadKeyValue(Json("x"), Types::INVALID, scratch).value().type, Types::STRING);
  EXPECT_EQ(ReadKeyValue(Json("AP8="), Types::BYTES, scratch).value().text, std::string_view("\0\xff", 2));
}

TEST(EntityKey, ValuesThatAreNoKeysAreRefused) {
  std::string scratch;
  for (const auto& [value, type] : std::vector<std::pair<Json, ValueType>>{{Json(), Types::INT64},
                                                                          {Json("abc"), Types::INT64},
                                                                          {Json(1.5), Types::INT64},
                                                                          {Json(true), Types::INT64},
                                                                          {Json(1.5), Types::DOUBLE},
                                                                          {Json::MakeArray({1}), Types::INT64},
                                                                          {Json(std::int64_t{1} << 40), Types::INT32}}) {
    EXPECT_FALSE(ReadKeyValue(value, type, scratch).has_value()) << value.Dump();
  }
  EXPECT_FALSE(CheckKeyType({"k", Types::DOUBLE}).has_value());
}

TEST(EntityKey, AMessageHasToBeOfTheKeysType) {
  ::feast::types::Value value;
  value.set_int32_val(7);
  EXPECT_EQ(ReadKeyValue(value, {"k", Types::INT64}).value().type, Types::INT64);
  EXPECT_FALSE(ReadKeyValue(value, {"k", Types::STRING}).has_value());
  value.set_double_val(1);
  EXPECT_FALSE(ReadKeyValue(value, {"k", Types::INVALID}).has_value());
}

}  // namespace
}  // namespace sw::feast
