#include "api/tensorflow_serving/grpc_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <proto/tensorflow_serving.pb.h>

#include <cmath>

#include "api/grpc/fakes.h"

namespace sw::tensorflow_serving {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const auto kSchema = std::make_shared<const data::Schema>(
    data::Schema{{{"delay", data::Type::kFloat64}, {"hour", data::Type::kInt64}, {"wet", data::Type::kBool}, {"origin", data::Type::kString}}});
const auto kDelay = std::make_shared<const data::Schema>(data::Schema{{{"delay", data::Type::kFloat64}}});

Result<data::Batch> Rows(const std::shared_ptr<const data::Schema>& schema, const std::string& text) {
  return RowsFromInputs(schema, grpc::FromText<tensorflow::serving::PredictRequest>(text));
}

// One tensor for the column delay; `tensor` is its text.
Result<data::Batch> Delays(const std::string& tensor) { return Rows(kDelay, "inputs { key: 'delay' value {" + tensor + "} }"); }
std::string ErrorOf(const Result<data::Batch>& rows) { return rows ? "rows" : rows.error().ToString(); }

Result<data::Batch> Examples(const std::string& text) {
  return RowsFromExamples(kSchema, grpc::FromText<tensorflow::serving::Input>(text));
}

TEST(RowsFromInputs, TakesATensorAColumn) {
  const auto rows = Rows(kSchema, R"(
    inputs { key: 'delay' value { dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: [0.5, nan] } }
    inputs { key: 'hour' value { dtype: DT_INT32 tensor_shape { dim { size: 2 } dim { size: 1 } } int_val: [3, -4] } }
    inputs { key: 'wet' value { dtype: DT_BOOL tensor_shape { dim { size: 2 } } bool_val: [true, false] } }
    inputs { key: 'origin' value { dtype: DT_STRING tensor_shape { dim { size: 2 } } string_val: ['EWR', 'JFK'] } })");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->column(0).Double(0), 0.5);
  EXPECT_TRUE(std::isnan(rows->column(0).AsDouble(1)));
  EXPECT_THAT(rows->column(1).ints(), ElementsAre(3, -4));
  EXPECT_THAT(rows->column(2).ints(), ElementsAre(1, 0));
  EXPECT_EQ(rows->column(3).String(1), "JFK");
}

TEST(RowsFromInputs, ReadsEveryType) {
  const std::pair<const char*, double> cases[] = {
      {"dtype: DT_FLOAT float_val: 0.1", static_cast<double>(0.1F)}, {"dtype: DT_DOUBLE double_val: 0.1", 0.1},
      {"dtype: DT_INT8 int_val: -128", -128}, {"dtype: DT_INT16 int_val: -32768", -32768}, {"dtype: DT_INT32 int_val: -7", -7},
      {"dtype: DT_UINT8 int_val: 255", 255}, {"dtype: DT_UINT16 int_val: 65535", 65535}, {"dtype: DT_UINT32 uint32_val: 4294967295", 4294967295.0},
      {"dtype: DT_INT64 int64_val: -9007199254740992", -9007199254740992.0}, {"dtype: DT_UINT64 uint64_val: 7", 7}, {"dtype: DT_BOOL bool_val: true", 1},
      {"dtype: DT_HALF half_val: 15360", 1}, {"dtype: DT_BFLOAT16 half_val: 16256", 1},
      {"dtype: DT_DOUBLE tensor_content: '\\000\\000\\000\\000\\000\\000\\370\\077'", 1.5}, {"dtype: DT_INT16 tensor_content: '\\377\\377'", -1},
      {"dtype: DT_BFLOAT16 tensor_content: '\\200\\077'", 1},
  };
  for (const auto& [tensor, value] : cases) {
    const auto rows = Delays(std::string(tensor) + " tensor_shape { dim { size: 1 } }");
    ASSERT_TRUE(rows) << tensor << ": " << rows.error().message;
    EXPECT_THAT(rows->column(0).doubles(), ElementsAre(value)) << tensor;
  }
}

TEST(RowsFromInputs, OneValueStandsForAll) {
  EXPECT_THAT(Delays("dtype: DT_DOUBLE tensor_shape { dim { size: 3 } } double_val: 2.5")->column(0).doubles(), ElementsAre(2.5, 2.5, 2.5));
  const auto matrix = Rows(kDelay, "inputs { key: 'inputs' value { dtype: DT_FLOAT tensor_shape { dim { size: 2 } dim { size: 1 } } float_val: 1 } }");
  EXPECT_THAT(matrix->column(0).doubles(), ElementsAre(1, 1));
}

TEST(RowsFromInputs, SaysWhatIsWrongAndWhere) {
  const std::string two = " tensor_shape { dim { size: 2 } }";
  const std::pair<std::string, const char*> cases[] = {
      {"dtype: DT_COMPLEX64" + two, "input delay: dtype DT_COMPLEX64 is no number, bool or string"},
      {"dtype: 99" + two, "input delay: dtype 99 is no number"},
      {two, "input delay: dtype DT_INVALID"},
      {"dtype: DT_STRING string_val: 'a' string_val: 'b'" + two, "input delay is BYTES, the model reads FP64"},
      {"dtype: DT_STRING tensor_content: 'ab'" + two, "texts stand in string_val"},
      {"dtype: DT_DOUBLE float_val: [1, 2]" + two, "its values are not in the field of DT_DOUBLE"},
      {"dtype: DT_DOUBLE double_val: [1, 2] int_val: 1" + two, "its values are not in the field of DT_DOUBLE"},
      {"dtype: DT_FLOAT float_val: [1, 2, 3]" + two, "input delay: 3 values, its shape [2] is of 2"},
      {"dtype: DT_FLOAT" + two, "input delay: 0 values, its shape [2] is of 2"},
      {"dtype: DT_FLOAT float_val: 1 tensor_shape { dim { size: 0 } }", "input delay: 1 values, its shape [0] is of 0"},
      {"dtype: DT_FLOAT tensor_content: 'abc'" + two, "2 values of FP32 are 8 bytes, found 3"},
      {"dtype: DT_FLOAT tensor_content: 'abcdefgh' float_val: 1" + two, "send one of them"},
      {"dtype: DT_UINT8 int_val: [1, 256]" + two, "input delay: 256 is out of UINT8's range"},
      {"dtype: DT_INT8 int_val: [1, -129]" + two, "input delay: -129 is out of INT8's range"},
      {"dtype: DT_UINT64 uint64_val: [1, 18446744073709551615]" + two, "18446744073709551615 is out of UINT64's range"},
      {"dtype: DT_HALF half_val: [1, 65536]" + two, "65536 is no FP16's 16 bits"},
      {"dtype: DT_INT64 int64_val: [1, 9007199254740993]" + two, "row 1: 9007199254740993 is no number that a double holds"},
      {"dtype: DT_FLOAT float_val: 1", "input delay has the shape []; expected [rows]"},
      {"dtype: DT_FLOAT float_val: 1 tensor_shape { dim { size: -1 } }", "has a negative size"},
      {"dtype: DT_FLOAT float_val: 1 tensor_shape { unknown_rank: true }", "input delay: its shape is unknown"},
      {"dtype: DT_FLOAT float_val: [1, 2] tensor_shape { dim { size: 1 } dim { size: 2 } }", "expected [rows] or [rows, 1]"},
  };
  for (const auto& [tensor, message] : cases) {
    EXPECT_THAT(ErrorOf(Delays(tensor)), testing::AllOf(testing::StartsWith("INVALID_ARGUMENT"), HasSubstr(message))) << tensor;
  }
  EXPECT_THAT(ErrorOf(Rows(kDelay, "inputs { key: 'delya' value {} }")), HasSubstr("unexpected input delya; did you mean delay?"));
  EXPECT_THAT(ErrorOf(Rows(kDelay, "")), HasSubstr("has no inputs"));
}

TEST(RowsFromInputs, AFewBytesDoNotBecomeGigabytes) {
  for (const char* size : {"1000001", "100000000", "9223372036854775807"}) {
    EXPECT_THAT(ErrorOf(Delays(std::string("dtype: DT_FLOAT float_val: 1 tensor_shape { dim { size: ") + size + " } }")), HasSubstr("RESOURCE_EXHAUSTED")) << size;
  }
  EXPECT_TRUE(Delays("dtype: DT_FLOAT float_val: 1 tensor_shape { dim { size: 1000000 } }"));
  const std::string half = "value { dtype: DT_FLOAT float_val: 1 tensor_shape { dim { size: 600000 } } } }";
  EXPECT_THAT(ErrorOf(Rows(kSchema, "inputs { key: 'delay' " + half + "inputs { key: 'hour' " + half)), HasSubstr("splat_values_max"));
  const std::string text(1000, 'x');
  EXPECT_THAT(ErrorOf(Rows(kSchema, "inputs { key: 'origin' value { dtype: DT_STRING string_val: '" + text + "' tensor_shape { dim { size: 9000 } } } }")),
              HasSubstr("splat_text_bytes_max"));
}

TEST(RowsFromExamples, TakesARowAnExampleWithItsContext) {
  const auto rows = Examples(R"(example_list_with_context {
    context { features {
      feature { key: 'origin' value { bytes_list { value: 'EWR' } } } feature { key: 'wet' value { int64_list { value: 1 } } } } }
    examples { features {
      feature { key: 'delay' value { float_list { value: 0.1 } } } feature { key: 'hour' value { int64_list { value: 3 } } } } }
    examples { features {
      feature { key: 'delay' value { int64_list { value: 20 } } } feature { key: 'hour' value {} }
      feature { key: 'origin' value { bytes_list {} } } } } })");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_THAT(rows->column(0).doubles(), ElementsAre(static_cast<double>(0.1F), 20));
  EXPECT_TRUE(rows->column(1).IsNull(1));
  EXPECT_THAT(rows->column(2).ints(), ElementsAre(1, 1));
  EXPECT_EQ(rows->column(3).String(0), "EWR");
  EXPECT_TRUE(rows->column(3).IsNull(1));
}

TEST(RowsFromExamples, SaysWhatIsWrongAndWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "has no input"},
      {"example_list { examples { } }", "example 0 has no delay"},
      {"example_list { examples { features { feature { key: 'dely' value {} } } } }", "unexpected input dely; did you mean delay?"},
      {"example_list_with_context { context { features { feature { key: 'dely' value {} } } } }", "unexpected input dely"},
      {"example_list { examples { features { feature { key: 'delay' value { float_list { value: [1, 2] } } } } } }", "example 0, delay: 2 values, expected 1"},
      {"example_list { examples { features { feature { key: 'delay' value { bytes_list { value: '1' } } } } } }", "a bytes_list is no float64"},
      {"example_list { examples { features { feature { key: 'delay' value { int64_list { value: 9007199254740993 } } } } } }", "is no number that a double holds"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(ErrorOf(Examples(text)), testing::AllOf(testing::StartsWith("INVALID_ARGUMENT"), HasSubstr(message))) << text;
  }
  const std::string first = "example_list { examples { features { feature { key: 'delay' value {} } feature { key: 'hour' value { ";
  EXPECT_THAT(ErrorOf(Examples(first + "float_list { value: 1 } } } } } }")), HasSubstr("example 0, hour: a float_list is no int64"));
  EXPECT_THAT(ErrorOf(Examples(first + "} } feature { key: 'wet' value { int64_list { value: 2 } } } } } }")), HasSubstr("wet: a int64_list is no bool"));
}

TEST(RowsFromExamples, AContextDoesNotMakeMoreThanItMay) {
  tensorflow::serving::Input input;
  auto& list = *input.mutable_example_list_with_context();
  auto& context = *list.mutable_context()->mutable_features()->mutable_feature();
  for (const data::Field& field : kSchema->fields) context[field.name];
  for (int i = 0; i < 250'000; ++i) list.add_examples();
  EXPECT_TRUE(RowsFromExamples(kSchema, input));
  list.add_examples();
  EXPECT_THAT(ErrorOf(RowsFromExamples(kSchema, input)), HasSubstr("splat_values_max"));
  context["origin"].mutable_bytes_list()->add_value(std::string(1000, 'x'));
  EXPECT_THAT(ErrorOf(RowsFromExamples(kSchema, input)), HasSubstr("splat_text_bytes_max"));
}

}  // namespace
}  // namespace sw::tensorflow_serving
