#include "model/engines/onnx_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <numeric>
#include <optional>
#include <thread>

#include "base/files.h"
#include "model/model_file.h"

namespace sw::model {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kFixtures = std::string(SW_SOURCE_DIR) + "/src/model/testdata/onnx/";

std::string Fixture(const std::string& name) {
  return base::ReadFile(kFixtures + name + ".onnx").value();
}

Result<std::unique_ptr<Engine>> Make(const std::string& name,
                                     const std::vector<std::string>& columns = {}) {
  const std::string bytes = Fixture(name);
  return MakeEngine(DetectFormat(bytes).value(), bytes, {.onnxruntime = "", .columns = columns});
}

std::string Refusal(const std::string& name, const std::vector<std::string>& columns = {}) {
  const auto engine = Make(name, columns);
  return engine ? "not refused" : engine.error().message;
}

using Doubles = std::vector<double>;

data::Batch Numbers(const std::vector<std::pair<std::string, Doubles>>& columns) {
  data::Batch batch;
  for (const auto& [name, values] : columns) {
    data::Column column(data::Type::kFloat64);
    for (const double value : values) column.AppendDouble(value);
    batch.AddColumn({name, data::Type::kFloat64}, std::move(column));
  }
  return batch;
}

Result<Doubles> Scores(const Engine& engine, const data::Batch& rows) {
  Doubles scores(rows.num_rows() * engine.outputs(Output::kPrediction));
  SW_TRY(engine.Score(rows, Output::kPrediction, scores));
  return scores;
}

// ---- Columns ----

TEST(OnnxEngineTest, AMatrixTakesItsColumnsByName) {
  const auto engine = Make("dot").value();
  EXPECT_THAT(engine->inputs(), ElementsAre("x_0", "x_1", "x_2"));
  EXPECT_EQ(engine->exactness(), Exactness::kEngine);
  EXPECT_EQ(engine->outputs(Output::kPrediction), 1);
  const auto rows =
      Numbers({{"x_2", {3, 0}}, {"other", {9, 9}}, {"x_0", {1, 0}}, {"x_1", {2, -1}}});
  EXPECT_THAT(Scores(*engine, rows).value(), ElementsAre(321.5, -9.5));
  EXPECT_EQ(engine->Describe().StringOr("engine", ""), "onnxruntime");
}

TEST(OnnxEngineTest, NamesComeFromMetadataOrTheCaller) {
  EXPECT_THAT(Make("named").value()->inputs(), ElementsAre("pressure", "heat", "flow"));
  EXPECT_THAT(Make("named", {"a", "b", "c"}).value()->inputs(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Make("named", {"flow", "heat", "pressure"}).value()->inputs(),
              ElementsAre("pressure", "heat", "flow"));  // the same names: by name, not by place
  EXPECT_THAT(Refusal("dot", {"a", "b"}), HasSubstr("reads 3 columns, 2 names are given"));
  EXPECT_THAT(Refusal("dot", {"a", "b", "a"}), HasSubstr("are the same"));
}

TEST(OnnxEngineTest, EachTypeOfInputIsReadExactly) {
  const auto engine = Make("columns").value();
  EXPECT_THAT(engine->inputs(), ElementsAre("a", "b", "c", "d", "e", "f"));
  data::Batch rows(data::Schema{{{"a", data::Type::kInt64},
                                 {"b", data::Type::kFloat64},
                                 {"c", data::Type::kString},
                                 {"d", data::Type::kFloat64},
                                 {"e", data::Type::kBool},
                                 {"f", data::Type::kInt64}}});
  rows.column(0).AppendInt(1);
  rows.column(1).AppendDouble(0.125);
  rows.column(2).AppendString("cold");
  rows.column(3).AppendDouble(7);
  rows.column(4).AppendBool(true);
  rows.column(5).AppendInt(-5);
  EXPECT_THAT(Scores(*engine, rows).value(), ElementsAre(1166.25, -1166.25));
}

TEST(OnnxEngineTest, WhatATypeCannotHoldIsRefusedByColumnAndRow) {
  const auto engine = Make("columns").value();
  const auto message = [&](std::string_view column, std::optional<double> value) {
    data::Batch rows = Numbers({{"a", {0}}, {"b", {0}}, {"d", {0}}, {"e", {0}}, {"f", {0}}});
    data::Column text(data::Type::kString);
    column == "c" ? text.AppendNull() : text.AppendString("hot");
    rows.AddColumn({"c", data::Type::kString}, std::move(text));
    if (const auto place = rows.schema().Find(column); place && column != "c") {
      rows.column(*place) = data::Column(data::Type::kFloat64);
      value ? rows.column(*place).AppendDouble(*value) : rows.column(*place).AppendNull();
    }
    const auto scores = Scores(*engine, rows);
    return scores ? "not refused" : scores.error().message;
  };
  EXPECT_EQ(message("b", 1e300), "not refused");
  EXPECT_THAT(message("c", {}), HasSubstr("column c is missing in row 0"));
  EXPECT_THAT(message("d", 0.5), HasSubstr("column d is 0.5 in row 0, the ONNX model reads int64"));
  EXPECT_THAT(message("d", 0x1p63), HasSubstr("column d"));
  EXPECT_THAT(message("d", {}), HasSubstr("column d is missing in row 0"));
  EXPECT_THAT(message("d", std::numeric_limits<double>::infinity()), HasSubstr("column d"));
  EXPECT_THAT(message("e", 2), HasSubstr("column e is 2"));
  EXPECT_THAT(message("f", 0x1p31), HasSubstr("column f"));
}

TEST(OnnxEngineTest, AbsentColumnsAndWrongTypesAreNamed) {
  const auto engine = Make("dot").value();
  EXPECT_EQ(Scores(*engine, Numbers({{"x_0", {1}}, {"x_1", {1}}, {"x2", {1}}})).error().code,
            ErrorCode::kNotFound);
  data::Batch rows = Numbers({{"x_0", {1}}, {"x_1", {1}}});
  data::Column text(data::Type::kString);
  text.AppendString("1");
  rows.AddColumn({"x_2", data::Type::kString}, std::move(text));
  EXPECT_THAT(Scores(*engine, rows).error().message, HasSubstr("x_2 must be float, found string"));
}

TEST(OnnxEngineTest, MissingNumbersAreNaN) {
  const auto engine = Make("dot").value();
  data::Batch rows = Numbers({{"x_0", {1, 1}}, {"x_1", {1, 1}}});
  data::Column gaps(data::Type::kFloat64);
  gaps.AppendNull();
  gaps.AppendDouble(1);
  rows.AddColumn({"x_2", data::Type::kFloat64}, std::move(gaps));
  EXPECT_THAT(Scores(*engine, rows).value(), ElementsAre(testing::IsNan(), 111.5));
}

// ---- Sizes ----

TEST(OnnxEngineTest, NoRowsGiveNoScores) {
  EXPECT_THAT(
      Scores(*Make("dot").value(), Numbers({{"x_0", {}}, {"x_1", {}}, {"x_2", {}}})).value(),
      ElementsAre());
}

TEST(OnnxEngineTest, AModelOfOneRowScoresRowsOneByOne) {
  const auto rows = Numbers({{"x_0", {1, 2, 3}}, {"x_1", {0, 0, 0}}, {"x_2", {0, 0, 0}}});
  EXPECT_THAT(Scores(*Make("one_row").value(), rows).value(), ElementsAre(1.5, 2.5, 3.5));
  EXPECT_THAT(Refusal("four_rows"), HasSubstr("dynamic_axes={'x': {0: 'N'}}"));
}

TEST(OnnxEngineTest, SizesThatTheModelLeavesOpenAreFoundOut) {
  const auto rows = Numbers({{"x_0", {1}}, {"x_1", {2}}, {"x_2", {3}}});
  EXPECT_THAT(Scores(*Make("open_output").value(), rows).value(), ElementsAre(321.5));
  EXPECT_THAT(Refusal("open_input"), HasSubstr("does not say how many columns"));
  EXPECT_THAT(Scores(*Make("open_input", {"x_0", "x_1", "x_2"}).value(), rows).value(),
              ElementsAre(6));
}

TEST(OnnxEngineTest, ManyRowsAreScoredInParts) {
  Doubles values(10'001);
  std::iota(values.begin(), values.end(), 0);
  const Doubles zeros(values.size());
  const Doubles scores =
      Scores(*Make("dot").value(), Numbers({{"x_0", values}, {"x_1", zeros}, {"x_2", zeros}}))
          .value();
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(scores[i], values[i] + 0.5);
}

TEST(OnnxEngineTest, ManyThreadsScoreAtOnce) {
  const auto engine = Make("dot").value();
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const double x = t * 1000 + i;
        const auto scores = Scores(*engine, Numbers({{"x_0", {x}}, {"x_1", {0}}, {"x_2", {0}}}));
        wrong[static_cast<std::size_t>(t)] += !scores || (*scores)[0] != x + 0.5 ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

// ---- Outputs ----

TEST(OnnxEngineTest, OfTwoClassesTheSecondIsPredicted) {
  const auto rows = Numbers({{"X_0", {0, 9}}, {"X_1", {0, 1}}});
  const auto tensor = Make("two_tensor").value();
  EXPECT_EQ(tensor->outputs(Output::kPrediction), 1);
  const Doubles scores = Scores(*tensor, rows).value();
  EXPECT_LT(scores[0], 0.1);
  EXPECT_GT(scores[1], 0.9);
  EXPECT_EQ(Scores(*Make("two_maps").value(), rows).value(), scores);
}

TEST(OnnxEngineTest, OfThreeClassesAllArePredicted) {
  const auto rows = Numbers({{"X_0", {0, 4, 9}}, {"X_1", {0, 1, 1}}});
  const auto tensor = Make("three_tensor").value();
  ASSERT_EQ(tensor->outputs(Output::kPrediction), 3);
  const Doubles scores = Scores(*tensor, rows).value();
  for (std::size_t row = 0; row < 3; ++row) {
    EXPECT_GT(scores[row * 3 + row], 0.4);
    EXPECT_NEAR(scores[row * 3] + scores[row * 3 + 1] + scores[row * 3 + 2], 1, 1e-6);
  }
  EXPECT_EQ(Scores(*Make("three_maps").value(), rows).value(), scores);
}

TEST(OnnxEngineTest, RawScoresAndContributionsDoNotExist) {
  const auto engine = Make("dot").value();
  Doubles scores(4);
  const auto rows = Numbers({{"x_0", {1}}, {"x_1", {1}}, {"x_2", {1}}});
  EXPECT_EQ(engine->Score(rows, Output::kRaw, {scores.data(), 1}).error().code,
            ErrorCode::kUnimplemented);
  EXPECT_EQ(engine->Contribute(rows, scores).error().code, ErrorCode::kUnimplemented);
}

// ---- Refusals ----

TEST(OnnxEngineTest, WhatIsNotReadIsNamed) {
  EXPECT_THAT(Refusal("halves"), HasSubstr("input x is a tensor of float16"));
  EXPECT_THAT(Refusal("picture"), HasSubstr("has the shape [N, 3, 8, 8]"));
}

TEST(OnnxEngineTest, AModelThatRunsOnIsStopped) {
  const auto engine =
      MakeOnnxEngine(Fixture("rounds"),
                     {.library = "", .columns = {}, .run_limit = std::chrono::milliseconds(40)})
          .value();
  EXPECT_THAT(Scores(*engine, Numbers({{"x", {1000}}})).value(), ElementsAre(1000));
  const Error error = Scores(*engine, Numbers({{"x", {1e18}}})).error();
  EXPECT_EQ(error.code, ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(error.message, HasSubstr("stopped after 40ms (limit onnx_run_ms_max)"));
  EXPECT_THAT(Scores(*engine, Numbers({{"x", {1000}}})).value(),
              ElementsAre(1000));  // and works on
}

TEST(OnnxEngineTest, AModelThatRunsOnForARowOfZerosIsNotLoaded) {
  const auto engine =
      MakeOnnxEngine(Fixture("endless"),
                     {.library = "", .columns = {}, .run_limit = std::chrono::milliseconds(40)});
  ASSERT_FALSE(engine.has_value());
  EXPECT_EQ(engine.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(OnnxEngineTest, AModelThatWantsTooMuchMemoryIsRefusedIt) {
  const auto engine = Make("values").value();
  EXPECT_THAT(Scores(*engine, Numbers({{"x", {1000}}})).value(), ElementsAre(1000));
  for (const double values : {0x1p29 + 1, 0x1p33, 0x1p60}) {
    const auto scores = Scores(*engine, Numbers({{"x", {values}}}));
    ASSERT_FALSE(scores.has_value()) << values;
    EXPECT_THAT(scores.error().message, HasSubstr("ONNX Runtime refused (scoring)"));
  }
  EXPECT_THAT(Scores(*engine, Numbers({{"x", {1000}}})).value(), ElementsAre(1000));
}

// ONNX Runtime would look for the file in the current folder.
TEST(OnnxEngineTest, TensorsInOtherFilesAreNotRead) {
  std::filesystem::copy_file(kFixtures + "external.bin", "external.bin",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(Refusal("external"), HasSubstr("external data"));
}

TEST(OnnxEngineTest, WhatOnnxRuntimeRefusesIsAnError) {
  std::string bytes = Fixture("dot");
  bytes.replace(bytes.find("MatMul"), 6, "NatNul");
  const auto engine = MakeEngine("onnx", bytes);
  ASSERT_FALSE(engine.has_value());
  EXPECT_THAT(engine.error().message, HasSubstr("ONNX Runtime refused (loading the model)"));
  EXPECT_THAT(engine.error().message, HasSubstr("NatNul"));
}

// The bytes 4 to 7 say "ORTM" to ONNX Runtime: a format of its own, which was not checked.
TEST(OnnxEngineTest, BytesThatAreAlsoAnOrtFileAreReadAsOnnx) {
  const std::string bytes = std::string("\x08\x08\x12\x06ORTM!!", 10) + Fixture("dot").substr(2);
  const auto engine = MakeEngine("onnx", bytes);
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_THAT(Scores(**engine, Numbers({{"x_0", {1}}, {"x_1", {2}}, {"x_2", {3}}})).value(),
              ElementsAre(321.5));
}

TEST(OnnxEngineTest, AnAbsentLibrarySaysHowToGetIt) {
  const auto engine = MakeEngine("onnx", Fixture("dot"),
                                 {.onnxruntime = "/nowhere/libonnxruntime.so", .columns = {}});
  ASSERT_FALSE(engine.has_value());
  EXPECT_EQ(engine.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(engine.error().message, HasSubstr("/nowhere/libonnxruntime.so"));
  EXPECT_THAT(engine.error().message, HasSubstr("pip install onnxruntime"));
}

TEST(OnnxEngineTest, AnotherLibraryIsNotMistakenForIt) {
  const auto engine =
      MakeEngine("onnx", Fixture("dot"), {.onnxruntime = "libc.so.6", .columns = {}});
  ASSERT_FALSE(engine.has_value());
  EXPECT_THAT(engine.error().message, HasSubstr("libc.so.6 is not ONNX Runtime"));
}

}  // namespace
}  // namespace sw::model
