// The test is its own worker, as the seaworthy program is: see main at the end.
#include "train/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "model/formats/linear.h"
#include "model/map_blobs.h"
#include "stats/metrics.h"
#include "train/worker.h"
#include "train/worker_job.h"

namespace sw::train {
namespace {

using testing::HasSubstr;

// The table of reference_values.py, and a text column beside it.
data::Batch Flights(int rows = 300) {
  data::Batch table(data::Schema{{{"trip.hour", data::Type::kInt64},
                                  {"delay", data::Type::kFloat64},
                                  {"trip:origin", data::Type::kString},
                                  {"year", data::Type::kInt64}}});
  for (int i = 0; i < rows; ++i) {
    table.column(0).AppendInt(i * 7 % 24);
    if (i % 11 == 3) {
      table.column(1).AppendNull();
    } else {
      table.column(1).AppendDouble(i * 37 % 101 - 20);
    }
    table.column(2).AppendString(i % 3 == 0 ? "EWR" : i % 3 == 1 ? "JFK" : "LGA");
    table.column(3).AppendInt(2013);
  }
  return table;
}

data::Column Late(const data::Batch& table) {
  data::Column label(data::Type::kBool);
  for (std::size_t i = 0; i < table.num_rows(); ++i) {
    const double delay = table.column(1).IsNull(i) ? 25 : table.column(1).Double(i);
    label.AppendBool(static_cast<double>(table.column(0).Int(i)) * 3 + delay +
                         static_cast<double>(i * 53 % 60) >
                     95);
  }
  return label;
}

TrainOptions Options() { return {.worker = {"/proc/self/exe", "train-worker"}, .threads = 1}; }

Recipe LightGbmRecipe() {
  return {.name = "late",
          .library = Library::kLightGbm,
          .rounds = 20,
          .params = Json::MakeObject({{"num_leaves", 7}, {"min_data_in_leaf", 5}}),
          .seed = 7};
}

double AucOf(const model::Package& package, const data::Batch& table, const data::Column& label) {
  std::vector<double> scores(table.num_rows());
  std::vector<std::uint8_t> labels;
  EXPECT_TRUE(package.Score(table, scores));
  for (std::size_t i = 0; i < label.size(); ++i)
    labels.push_back(static_cast<std::uint8_t>(label.Int(i)));
  return stats::Auc({scores, labels}).value();
}

TEST(Train, LightGbmInAChildGivesAPackageWhoseGoldenRowsAreItsOwn) {
  const data::Batch table = Flights(2000);
  const auto content = Train(table, Late(table), LightGbmRecipe(), Options());
  ASSERT_TRUE(content.has_value()) << content.error().message;
  EXPECT_EQ(content->inputs,
            (std::vector<std::string>{"trip.hour", "delay", "trip:origin", "year"}));
  EXPECT_EQ(content->golden.expected.size(), kGoldenRows);
  EXPECT_EQ(content->golden.from, "LightGBM, right after it trained");
  EXPECT_EQ(content->golden.inputs.schema(), table.schema()) << "as a request brings them";
  EXPECT_EQ(content->encoding.categories.at("trip:origin"),
            (std::vector<std::string>{"EWR", "JFK", "LGA"}));
  const auto package = model::LoadInMemory(*content);
  ASSERT_TRUE(package.has_value()) << package.error().message;
  EXPECT_TRUE((*package)->is_verified());
  EXPECT_GT(AucOf(**package, table, Late(table)), 0.9);
}

TEST(Train, TheSameTableRecipeAndSeedGiveTheSamePackageWithAnyThreads) {
  const data::Batch table = Flights(2000);
  TrainOptions options = Options();
  const auto one = Train(table, Late(table), LightGbmRecipe(), options).value();
  options.threads = 2;
  const auto two = Train(table, Late(table), LightGbmRecipe(), options).value();
  EXPECT_EQ(one.golden.expected, two.golden.expected);
  EXPECT_EQ(one.golden.inputs, two.golden.inputs);
  Recipe other = LightGbmRecipe();
  other.seed = 8;
  EXPECT_NE(Train(table, Late(table), other, options).value().golden.inputs, one.golden.inputs);
}

TEST(Train, TellsProgressAndKeepsLineage) {
  const data::Batch table = Flights();
  TrainOptions options = Options();
  std::vector<double> told;
  options.progress = [&](double done) { told.push_back(done); };
  options.lineage = Json::MakeObject({{"training_set", "late"}});
  const auto content = Train(table, Late(table), LightGbmRecipe(), options).value();
  EXPECT_EQ(told.back(), 1);
  EXPECT_GT(told.size(), 10U);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(content.lineage.StringOr("training_set", ""), "late");
  EXPECT_EQ(content.lineage.Find("recipe")->IntOr("seed", 0), 7);
  EXPECT_EQ(content.lineage.Find("trained_on")->IntOr("rows", 0), 300);
}

TEST(Train, LogisticEqualsScikitLearn) {
  const data::Batch table = Flights();
  const struct {
    double l2, hour, delay, intercept;
  } cases[] = {{1, 1.715418574973715, 2.3599266868347653, -0.22909159353526098},
               {20, 0.825536671653683, 1.1889051563029085, -0.15103306864186708}};
  for (const auto& expected : cases) {
    const Recipe recipe{.library = Library::kLogistic,
                        .params = Json::MakeObject({{"l2", expected.l2}})};
    const auto content = Train(table, Late(table), recipe, {}).value();
    EXPECT_EQ(content.inputs, (std::vector<std::string>{"trip.hour", "delay"}))
        << "neither text nor constant columns";
    const model::LinearModel model = model::ParseLinear(content.model).value();
    EXPECT_NEAR(model.terms[0].weight, expected.hour, 1e-6);
    EXPECT_NEAR(model.terms[1].weight, expected.delay, 1e-6);
    EXPECT_NEAR(model.intercept, expected.intercept, 1e-6);
    EXPECT_TRUE(model::LoadInMemory(content).has_value());
    EXPECT_EQ(content.lineage.Find("trained_on")->Find("unused_columns")->size(), 2U);
  }
}

TEST(Train, ConstantIsTheShareOfPositives) {
  const data::Batch table = Flights();
  const auto content = Train(table, Late(table), {.library = Library::kConstant}, {}).value();
  const auto package = model::LoadInMemory(content).value();
  std::vector<double> scores(2);
  ASSERT_TRUE(package->Score(table.Slice(0, 2), scores));
  EXPECT_EQ(scores[0], 142 / 300.0);
}

TEST(Train, RowsWithoutALabelAreLeftOut) {
  const data::Batch table = Flights();
  data::Column label(data::Type::kFloat64);
  for (int i = 0; i < 300; ++i) {
    if (i >= 4) {
      label.AppendNull();
    } else {
      label.AppendDouble(i == 0 ? 1 : 0);
    }
  }
  const auto content = Train(table, label, {.library = Library::kConstant}, {}).value();
  EXPECT_EQ(content.lineage.Find("trained_on")->IntOr("rows", 0), 4);
  EXPECT_EQ(content.golden.expected, std::vector<double>(4, 0.25));
}

TEST(Train, ColumnsThatSayNothingDoNotBreakTheLogisticFit) {
  data::Batch table = Flights();
  data::Column infinite(data::Type::kFloat64), empty(data::Type::kFloat64),
      copy(data::Type::kFloat64);
  for (int i = 0; i < 300; ++i) {
    infinite.AppendDouble(i % 2 == 0 ? std::numeric_limits<double>::infinity() : i);
    empty.AppendNull();
    copy.AppendDouble(table.column(0).AsDouble(static_cast<std::size_t>(i)) * 2);
  }
  table.AddColumn({"infinite", data::Type::kFloat64}, infinite);
  table.AddColumn({"empty", data::Type::kFloat64}, empty);
  table.AddColumn({"copy", data::Type::kFloat64}, copy);
  const auto content = Train(table, Late(table), {.library = Library::kLogistic}, {}).value();
  EXPECT_EQ(content.inputs, (std::vector<std::string>{"trip.hour", "delay", "infinite", "copy"}));
  EXPECT_TRUE(model::LoadInMemory(content).has_value());
}

TEST(Train, WhatCannotBeLearntFromIsRefusedWithTheReason) {
  const data::Batch table = Flights();
  const Recipe recipe{.library = Library::kLogistic};
  data::Column zeros(data::Type::kBool), twos(data::Type::kInt64), text(data::Type::kString),
      none(data::Type::kBool);
  data::Column nan(data::Type::kFloat64);
  for (int i = 0; i < 300; ++i) {
    zeros.AppendBool(false);
    twos.AppendInt(i % 3);
    text.AppendString("late");
    none.AppendNull();
    nan.AppendDouble(std::nan(""));
  }
  const struct {
    const data::Column& label;
    std::string message;
  } cases[] = {{zeros, "both 0 and 1 are needed"},
               {twos, "takes 0 and 1"},
               {text, "must be a number"},
               {none, "none of 300 rows has a label"},
               {nan, "not finite"},
               {data::Column(data::Type::kBool), "0 labels for 300 rows"}};
  for (const auto& [label, message] : cases) {
    const auto content = Train(table, label, recipe, {});
    ASSERT_FALSE(content.has_value()) << message;
    EXPECT_THAT(content.error().message, HasSubstr(message));
  }
}

TEST(Train, ATextColumnWithTooManyValuesIsRefused) {
  data::Batch table(data::Schema{{{"id", data::Type::kString}}});
  data::Column label(data::Type::kBool);
  for (std::size_t i = 0; i <= kCategoriesMax; ++i) {
    table.column(0).AppendString(std::to_string(i));
    label.AppendBool(i % 2 == 0);
  }
  const auto content = Train(table, label, LightGbmRecipe(), Options());
  ASSERT_FALSE(content.has_value());
  EXPECT_THAT(content.error().message, HasSubstr("text column id has 10001 distinct values"));
}

TEST(Train, AFailureOfTheChildAnswersWithItsWords) {
  const data::Batch table = Flights();
  TrainOptions options = Options();
  options.lightgbm_library = "/nowhere/lib_lightgbm.so";
  const auto no_library = Train(table, Late(table), LightGbmRecipe(), options);
  ASSERT_FALSE(no_library.has_value());
  EXPECT_THAT(no_library.error().message,
              HasSubstr("cannot load LightGBM: /nowhere/lib_lightgbm.so"));

  Recipe recipe = LightGbmRecipe();
  recipe.params.Set("num_leaves", 1);
  const auto bad_parameter = Train(table, Late(table), recipe, Options());
  ASSERT_FALSE(bad_parameter.has_value());
  EXPECT_THAT(bad_parameter.error().message, HasSubstr("num_leaves"));

  options = Options();
  options.worker = {"/bin/false"};
  EXPECT_FALSE(Train(table, Late(table), LightGbmRecipe(), options).has_value());
  options.worker = {"/bin/true"};  // answers nothing
  EXPECT_FALSE(Train(table, Late(table), LightGbmRecipe(), options).has_value());
}

TEST(WorkerJob, DamagedBytesAreRefused) {
  WorkerJob job{.library = "x", .rounds = 2, .names = {"a"}, .golden = {0}};
  data::Column column(data::Type::kFloat64);
  column.AppendDouble(1);
  job.table.AddColumn({"a", data::Type::kFloat64}, column);
  job.table.AddColumn({"label", data::Type::kFloat64}, column);
  const std::string good = EncodeJob(job);
  EXPECT_EQ(DecodeJob(good).value().table, job.table);
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(DecodeJob(good.substr(0, length)).has_value()) << length;
  }
  job.golden = {1};
  EXPECT_FALSE(DecodeJob(EncodeJob(job)).has_value()) << "a golden row outside the table";
  job.golden = {0};
  job.names = {"a", "b"};
  EXPECT_FALSE(DecodeJob(EncodeJob(job)).has_value()) << "names without columns";
}

TEST(WorkerJob, ProgressLinesAreToldFromOthers) {
  EXPECT_EQ(ParseProgressLine("progress 5/20"), 0.25);
  for (const std::string_view line : {"", "progress", "progress x", "progress 5", "progress 5/0",
                                      "progress 6/5", "[LightGBM] [Warning] progress 5/20"}) {
    EXPECT_LT(ParseProgressLine(line), 0) << line;
  }
}

}  // namespace
}  // namespace sw::train

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "train-worker") {
    return sw::train::TrainWorkerMain(STDIN_FILENO, STDOUT_FILENO);
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
