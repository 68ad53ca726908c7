#include "api/wire/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace sw::wire {
namespace {

using testing::HasSubstr;

data::Schema Request() {
  return {{{"delay", data::Type::kFloat64}, {"hour", data::Type::kInt64}, {"wet", data::Type::kBool},
           {"origin", data::Type::kString}, {"at", data::Type::kTimestamp}}};
}

data::Schema Numbers() { return {{{"a", data::Type::kFloat64}, {"b", data::Type::kFloat64}}}; }

Result<Tensor> FromJson(std::string_view datatype, std::string_view json, std::vector<std::int64_t> shape) {
  return TensorFromJson("x", ParseDataType(datatype).value(), std::move(shape), Json::Parse(json).value());
}

template <typename T>
std::string Raw(std::initializer_list<T> values) {
  std::string bytes;
  for (const T value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  return bytes;
}

Tensor Column(std::string name, std::string_view datatype, std::string_view json) {
  const Json data = Json::Parse(json).value();
  const auto rows = static_cast<std::int64_t>(data.size());
  return TensorFromJson(std::move(name), ParseDataType(datatype).value(), {rows}, data).value();
}

std::vector<Tensor> AllColumns() {
  return {Column("origin", "BYTES", R"(["EWR", null])"), Column("delay", "FP32", "[0.5, null]"),
          Column("hour", "INT8", "[7, -3]"), Column("wet", "BOOL", "[true, false]"),
          Column("at", "BYTES", R"(["2013-06-01T12:00:00Z", null])")};
}

TEST(Tensors, OfColumnsBecomeRowsInTheSchemasOrder) {
  const data::Batch rows = RowsFromTensors(Request(), AllColumns()).value();
  ASSERT_EQ(rows.schema(), Request());
  ASSERT_EQ(rows.num_rows(), 2U);
  EXPECT_EQ(rows.column(0).Double(0), 0.5);
  EXPECT_TRUE(rows.column(0).IsNull(1));
  EXPECT_EQ(rows.column(1).Int(1), -3);
  EXPECT_EQ(rows.column(2).Int(0), 1);
  EXPECT_EQ(rows.column(3).String(0), "EWR");
  EXPECT_EQ(rows.column(4).ToText(0), "2013-06-01T12:00:00Z");
}

TEST(Tensors, ThatAreNoColumnsAreRefusedByName) {
  const struct {
    const char* what;
    std::function<void(std::vector<Tensor>&)> change;
    const char* message;
  } cases[] = {
      {"misspelt", [](auto& all) { all[1].name = "dely"; }, "unexpected input dely; did you mean delay?"},
      {"extra", [](auto& all) { all.push_back(Column("extra", "FP64", "[1, 2]")); }, "unexpected input extra"},
      {"twice", [](auto& all) { all.push_back(Column("hour", "INT64", "[1, 2]")); }, "input hour is there twice"},
      {"absent", [](auto& all) { all.erase(all.begin()); }, "input origin is missing"},
      {"other rows", [](auto& all) { all[2] = Column("hour", "INT8", "[1]"); }, "input hour has 1 rows, others have 2"},
      {"a shape", [](auto& all) { all[2].shape = {1, 2}; }, "input hour has the shape [1, 2]"},
      {"real for integer", [](auto& all) { all[2] = Column("hour", "FP64", "[1, 2]"); }, "input hour is FP64, the model reads INT64"},
      {"text for real", [](auto& all) { all[1] = Column("delay", "BYTES", R"(["1", "2"])"); }, "the model reads FP64"},
      {"integer for text", [](auto& all) { all[0] = Column("origin", "INT64", "[1, 2]"); }, "the model reads BYTES"},
      {"integer for flag", [](auto& all) { all[3] = Column("wet", "INT64", "[1, 0]"); }, "the model reads BOOL"},
      {"no moment", [](auto& all) { all[4] = Column("at", "BYTES", R"(["noon", "noon"])"); }, "input at, row 0"},
      {"nothing", [](auto& all) { all.clear(); }, "no inputs"},
  };
  for (const auto& [what, change, message] : cases) {
    std::vector<Tensor> tensors = AllColumns();
    change(tensors);
    const auto rows = RowsFromTensors(Request(), std::move(tensors));
    ASSERT_FALSE(rows) << what;
    EXPECT_EQ(rows.error().code, ErrorCode::kInvalidArgument) << what;
    EXPECT_THAT(rows.error().message, HasSubstr(message)) << what;
  }
}

TEST(Tensors, OfOneMatrixAreAllColumns) {
  const auto matrix = [](std::string name, std::vector<std::int64_t> shape) {
    const Json data = Json::Parse("[[1, 2], [3, 4], [5, 6]]").value();
    return std::vector<Tensor>{TensorFromJson(std::move(name), DataType::kFp64, std::move(shape), data).value()};
  };
  for (const char* name : {"input", "input-0", "input__0"}) {
    const data::Batch rows = RowsFromTensors(Numbers(), matrix(name, {3, 2})).value();
    EXPECT_EQ(rows.column(1).Double(2), 6);
  }
  EXPECT_THAT(RowsFromTensors(Numbers(), matrix("rows", {3, 2})).error().message, HasSubstr("unexpected input rows"));
  EXPECT_THAT(RowsFromTensors(Numbers(), matrix("input", {2, 3})).error().message, HasSubstr("expected [rows, 2]"));
  EXPECT_THAT(RowsFromTensors(Numbers(), matrix("input", {6})).error().message, HasSubstr("expected [rows, 2]"));
}

TEST(Tensors, OfJsonKeepToTheirTypeAndShape) {
  const struct {
    const char* datatype;
    const char* json;
    std::vector<std::int64_t> shape;
    const char* message;  // nullptr: it is right
  } cases[] = {
      {"FP64", "[[1, 2], [3, 4]]", {2, 2}, nullptr},
      {"FP64", "[1, 2, 3, 4]", {2, 2}, nullptr},
      {"FP64", "[1, 2, 3]", {2, 2}, "has 4 values, data has 3"},
      {"FP64", "[1]", {-1}, "negative size"},
      {"FP64", "[1]", {1LL << 40, 1LL << 40}, "tensor_values_max"},
      {"FP64", "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", {1}, "nested more than 16 deep"},
      {"FP64", "[\"1\"]", {1}, "FP64 has a value of string"},
      {"FP64", "{}", {1}, "expected an array"},
      {"FP32", "[3.4e38]", {1}, nullptr},
      {"FP32", "[1e39]", {1}, "1e+39 is out of FP32's range"},
      {"FP16", "[1]", {1}, "has no form in JSON"},
      {"UINT8", "[255]", {1}, nullptr},
      {"UINT8", "[256]", {1}, "256 is out of UINT8's range"},
      {"UINT8", "[-1]", {1}, "out of UINT8's range"},
      {"INT8", "[-129]", {1}, "out of INT8's range"},
      {"INT64", "[9223372036854775807]", {1}, nullptr},
      {"INT64", "[9223372036854775808]", {1}, "out of INT64's range"},
      {"INT32", "[1.5]", {1}, "INT32 has a value of number"},
      {"BOOL", "[true, 0, 1]", {3}, nullptr},
      {"BOOL", "[2]", {1}, "BOOL has a value of"},
      {"BYTES", "[\"a\", \"\"]", {2}, nullptr},
      {"BYTES", "[1]", {1}, "BYTES has a value of"},
  };
  for (const auto& [datatype, json, shape, message] : cases) {
    const auto tensor = FromJson(datatype, json, shape);
    const std::string said = tensor ? "" : tensor.error().message;
    EXPECT_EQ(said.empty(), message == nullptr) << datatype << " " << json << ": " << said;
    EXPECT_THAT(said, HasSubstr(message == nullptr ? "" : message)) << datatype << " " << json;
  }
  EXPECT_EQ(FromJson("FP32", "[0.1]", {1})->values.Double(0), static_cast<double>(0.1F));
}

TEST(Tensors, OfBytesAreLittleEndianWithoutPadding) {
  const auto from = [](DataType type, std::string_view bytes, std::int64_t count) {
    return TensorFromBytes("x", type, {count}, bytes);
  };
  EXPECT_EQ(from(DataType::kFp32, Raw({0.1F, -2.0F}), 2)->values.Double(0), static_cast<double>(0.1F));
  EXPECT_EQ(from(DataType::kFp64, Raw({0.1}), 1)->values.Double(0), 0.1);
  EXPECT_EQ(from(DataType::kInt16, Raw<std::int16_t>({-5}), 1)->values.Int(0), -5);
  EXPECT_EQ(from(DataType::kUint16, Raw<std::uint16_t>({65535}), 1)->values.Int(0), 65535);
  EXPECT_EQ(from(DataType::kUint32, Raw<std::uint32_t>({4294967295U}), 1)->values.Int(0), 4294967295LL);
  EXPECT_EQ(from(DataType::kBool, std::string("\1\0", 2), 2)->values.Int(1), 0);
  EXPECT_EQ(from(DataType::kBf16, Raw<std::uint16_t>({0x3FC0}), 1)->values.Double(0), 1.5);
  const auto halves = from(DataType::kFp16, Raw<std::uint16_t>({0x3C00, 0xC000, 0x0001, 0x7C00, 0x7E00, 0x3555}), 6).value();
  EXPECT_EQ(halves.values.Double(0), 1);
  EXPECT_EQ(halves.values.Double(1), -2);
  EXPECT_EQ(halves.values.Double(2), 0x1p-24);
  EXPECT_TRUE(std::isinf(halves.values.Double(3)) && std::isnan(halves.values.Double(4)));
  EXPECT_EQ(halves.values.Double(5), 0x1.554p-2);
  EXPECT_EQ(from(DataType::kBytes, std::string("\3\0\0\0EWR\0\0\0\0", 11), 2)->values.String(0), "EWR");
}

TEST(Tensors, OfBytesOfAnotherLengthAreRefused) {
  const auto message = [](DataType type, std::string_view bytes, std::int64_t count) {
    const auto tensor = TensorFromBytes("x", type, {count}, bytes);
    return tensor ? std::string("it was taken") : tensor.error().message;
  };
  EXPECT_THAT(message(DataType::kFp32, Raw({1.0F}), 2), HasSubstr("2 values of FP32 are 8 bytes, found 4"));
  EXPECT_THAT(message(DataType::kUint64, Raw<std::uint64_t>({~0ULL}), 1), HasSubstr("18446744073709551615 is out of INT64's range"));
  EXPECT_THAT(message(DataType::kBytes, std::string("\3\0\0", 3), 1), HasSubstr("end within value 0"));
  EXPECT_THAT(message(DataType::kBytes, std::string("\xFF\xFF\xFF\xFF" "a", 5), 1), HasSubstr("end within value 0"));
  EXPECT_THAT(message(DataType::kBytes, std::string("\1\0\0\0ab", 6), 1), HasSubstr("1 bytes are left"));
}

TEST(Instances, AreObjectsOrListsOfAllColumns) {
  const auto rows = [](std::string_view text) { return RowsFromInstances(Numbers(), Json::Parse(text).value()); };
  EXPECT_EQ(rows(R"([{"b": 2, "a": 1}, [3, null]])")->column(0).Double(1), 3);
  EXPECT_TRUE(rows("[[3, null]]")->column(1).IsNull(0));
  const std::pair<const char*, const char*> wrong[] = {
      {R"([{"a": 1, "c": 2}])", "unexpected input c"}, {R"([{"a": 1}])", "instance 0 has no b"},
      {"[[1]]", "instance 0 has 1 values, the model reads 2"}, {"[[1, 2], [1, 2, 3]]", "instance 1 has 3 values"},
      {"[1, 2]", "instance 0 is integer"}, {R"([["x", 1]])", "instance 0, a"}, {"{}", "must be an array"},
  };
  for (const auto& [text, message] : wrong) {
    const auto found = rows(text);
    ASSERT_FALSE(found) << text;
    EXPECT_THAT(found.error().message, HasSubstr(message)) << text;
  }
  const data::Schema whole{{{"n", data::Type::kInt64}}};
  EXPECT_FALSE(RowsFromInstances(whole, Json::Parse("[1.5]").value()));
  EXPECT_EQ(RowsFromInstances(whole, Json::Parse("[2.0]").value())->column(0).Int(0), 2);  // protobuf knows no integers
}

TEST(Columns, AreListsByName) {
  const auto rows = [](std::string_view text) { return RowsFromColumns(Numbers(), Json::Parse(text).value()); };
  EXPECT_EQ(rows(R"({"b": [2, 4], "a": [[1], [3]]})")->column(0).Double(1), 3);
  EXPECT_EQ(rows("[[1, 2]]")->column(1).Double(0), 2);
  EXPECT_THAT(rows(R"({"a": [1]})").error().message, HasSubstr("input b is missing"));
  EXPECT_THAT(rows(R"({"a": [1], "b": [1, 2]})").error().message, HasSubstr("input b has 2 rows, a has 1"));
  EXPECT_THAT(rows(R"({"a": [1], "b": 2})").error().message, HasSubstr("input b must be an array"));
}

}  // namespace
}  // namespace sw::wire
