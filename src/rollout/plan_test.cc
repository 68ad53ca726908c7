#include "rollout/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::rollout {
namespace {

Result<Plan> Parse(std::string_view text) { return ParsePlan("late", Json::Parse(text).value()); }

TEST(Plan, IsReadFromItsTable) {
  const Plan plan =
      Parse(R"({"endpoint": "late", "steps": ["shadow", "canary", "live"], "canary_share": 0.25,
                              "alpha": 0.05, "max_loss_increase": 0.002, "max_time": "10d",
                              "slices": ["origin"]})")
          .value();
  EXPECT_EQ(plan.name, "late");
  EXPECT_EQ(plan.endpoint, "late");
  EXPECT_THAT(plan.steps, testing::ElementsAre(Step::kShadow, Step::kCanary, Step::kLive));
  EXPECT_EQ(plan.canary_share, 0.25);
  EXPECT_EQ(plan.max_slice_loss_increase, 0.01);  // five times the overall one
  EXPECT_EQ(plan.harm_loss_increase, 0.002);  // what is not promoted is harm
  EXPECT_EQ(plan.max_time, 10 * base::kDayUs);
  EXPECT_EQ(ParsePlan("late", PlanToJson(plan)).value(), plan);
}

TEST(Plan, SaysWhichKeyIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } kBad[] = {
      {"[]", "rollout.late: expected a table, found array"},
      {R"({"steps": ["live"]})", "rollout.late.endpoint: expected"},
      {R"({"endpoint": 3, "steps": ["live"]})", "rollout.late.endpoint: expected"},
      {R"({"endpoint": "e"})", "rollout.late.steps: expected"},
      {R"({"endpoint": "e", "steps": "live"})", "rollout.late.steps: expected an array"},
      {R"({"endpoint": "e", "steps": [1]})", "rollout.late.steps: expected strings, found 1"},
      {R"({"endpoint": "e", "steps": ["canary"]})", "\"live\" last"},
      {R"({"endpoint": "e", "steps": ["canary", "shadow", "live"]})", "in this order"},
      {R"({"endpoint": "e", "steps": ["canary", "canary", "live"]})", "at most once"},
      {R"({"endpoint": "e", "steps": ["blue", "live"]})", "found \"blue\""},
      {R"({"endpoint": "e", "steps": ["live"], "alpha": 0})",
       "rollout.late.alpha: expected a number"},
      {R"({"endpoint": "e", "steps": ["live"], "alpha": "NaN"})",
       "rollout.late.alpha: expected a number"},
      {R"({"endpoint": "e", "steps": ["live"], "alpha": 1})", "to 0.5, found 1"},
      {R"({"endpoint": "e", "steps": ["live"], "canary_share": 1.5})", "rollout.late.canary_share"},
      {R"({"endpoint": "e", "steps": ["live"], "max_loss_increase": -1})",
       "rollout.late.max_loss_increase"},
      {R"({"endpoint": "e", "steps": ["live"], "harm_loss_increase": 0.003})",
       "rollout.late.harm_loss_increase: expected a number from 0 to 0.002"},
      {R"({"endpoint": "e", "steps": ["live"], "max_time": 10})", "such as \"10d\", found 10"},
      {R"({"endpoint": "e", "steps": ["live"], "slices": ["a", "a"]})", "each once, found \"a\""},
      {R"({"endpoint": "e", "steps": ["live"], "canary": 0.1})",
       "rollout.late.canary: unknown key"},
  };
  for (const auto& bad : kBad) {
    const Result<Plan> plan = Parse(bad.text);
    ASSERT_FALSE(plan) << bad.text;
    EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(plan.error().message, testing::HasSubstr(bad.message));
  }
}

TEST(Plan, TheLevelsOfAllTestsAddUpToAlpha) {
  Plan plan{.endpoint = "e",
            .steps = {Step::kShadow, Step::kCanary, Step::kLive},
            .alpha = 0.08,
            .slices = {"a"}};
  EXPECT_EQ(SplitAlpha(plan), (AlphaSplit{.harm = 0.01, .slices = 0.01, .safe = 0.04}));
  plan.steps = {Step::kCanary, Step::kLive};
  EXPECT_EQ(SplitAlpha(plan), (AlphaSplit{.harm = 0.02, .slices = 0.02, .safe = 0.04}));
  plan.slices = {};
  EXPECT_EQ(SplitAlpha(plan), (AlphaSplit{.harm = 0.04, .slices = 0, .safe = 0.04}));
}

}  // namespace
}  // namespace sw::rollout
