#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "eval/gate.h"

namespace sw::eval {
namespace {

using testing::HasSubstr;

Result<GatePolicy> Parse(const std::string& json) {
  return ParseGate("late", Json::Parse(json).value());
}

TEST(ParseGate, ReadsWhatTheConfigurationSays) {
  const GatePolicy policy =
      Parse(R"({"metric": "cost", "max_loss_increase": 0.002, "alpha": 0.01, "slices": ["origin"],
      "cost": {"true_positive": 0, "false_positive": 1, "false_negative": 3, "true_negative": 0},
      "max_slice_loss_increase": 0.01})")
          .value();
  EXPECT_EQ(policy.name, "late");
  EXPECT_EQ(policy.loss, Loss::kCost);
  EXPECT_EQ(policy.costs.false_negative, 3);
  EXPECT_EQ(policy.max_loss_increase, 0.002);
  EXPECT_EQ(policy.alpha, 0.01);
  EXPECT_EQ(policy.slices, std::vector<std::string>{"origin"});
  EXPECT_EQ(ParseGate("late", policy.ToJson()).value(), policy);
}

TEST(ParseGate, RefusesWhatItDoesNotKnowAndSaysWhere) {
  const struct {
    std::string json, message;
  } cases[] = {
      {R"({"max_loss_increse": 1})",
       "gate.late.max_loss_increse: unknown key; did you mean max_loss_increase"},
      {R"({"metric": "auc"})", "gate.late.metric: expected brier, log_loss or cost, found auc"},
      {R"({"metric": "cost"})", "gate.late.cost: missing"},
      {R"({"cost": {"false_positiv": 1}})",
       "gate.late.cost.false_positiv: unknown key; did you mean"},
      {R"({"cost": 3})", "gate.late.cost.expected a table"},
      {R"({"cost": {"false_positive": 1, "true_negative": 2, "false_negative": 1}})",
       "gate.late.cost: an error must cost more than being right"},
      {R"({"cost": {"false_positive": 1}})", "gate.late.cost: an error must cost more"},
      {R"({"alpha": 0})", "gate.late.alpha"},
      {R"({"alpha": 0.6})", "gate.late.alpha"},
      {R"({"alpha": "NaN"})", "gate.late.alpha"},
      {R"({"max_loss_increase": "Infinity"})", "finite"},
      {R"({"slices": ["origin"]})", "max_slice_loss_increase: missing"},
      {R"({"slices": [1]})", "expected names of columns"},
      {R"({"clusters_min": 1})", "expected 2 or more"},
      {R"([])", "expected a table"},
  };
  for (const auto& [json, message] : cases) {
    const Result<GatePolicy> policy = Parse(json);
    ASSERT_FALSE(policy.has_value()) << json;
    EXPECT_THAT(policy.error().message, HasSubstr(message)) << json;
  }
}

}  // namespace
}  // namespace sw::eval
