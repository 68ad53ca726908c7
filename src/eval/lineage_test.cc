#include "eval/lineage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::eval {
namespace {

using stats::Verdict;
using testing::HasSubstr;

Lineage Clean() {
  return {.columns = {{.name = "hour", .rows = 100}, {.name = "delay", .rows = 90}},
          .label_is_known = true};
}

TEST(JudgeLineage, PassesWhenEveryValueWasKnownInTime) {
  const stats::Judgement judgement = JudgeLineage({"hour", "delay"}, Clean());
  EXPECT_EQ(judgement.verdict, Verdict::kPass);
  EXPECT_EQ(judgement.evidence.IntOr("values", 0), 190);
}

TEST(JudgeLineage, ALateValueFailsWhateverItsColumnIsCalled) {
  for (const std::string name : {"dep_delay", "x17"}) {
    Lineage lineage = Clean();
    lineage.columns.push_back({name, 1000, 990, {"row 4 at 05:15, known at 08:30"}});
    const stats::Judgement judgement = JudgeLineage({"hour", "delay", name}, lineage);
    EXPECT_EQ(judgement.verdict, Verdict::kFail);
    EXPECT_THAT(judgement.summary,
                HasSubstr(name + " was known only after the moment in 990 of 1000 rows (99.0 %)"));
    EXPECT_THAT(judgement.summary, HasSubstr("row 4 at 05:15, known at 08:30"));
    EXPECT_EQ(judgement.evidence.Find("late")->AsArray()[0].IntOr("rows_too_late", 0), 990);
  }
}

TEST(JudgeLineage, ALateColumnThatTheModelDoesNotUseIsNoLeak) {
  Lineage lineage = Clean();
  lineage.columns.push_back({"dep_delay", 1000, 990, {}});
  EXPECT_EQ(JudgeLineage({"hour"}, lineage).verdict, Verdict::kPass);
}

TEST(JudgeLineage, WhatIsNotKnownIsUndecided) {
  EXPECT_EQ(JudgeLineage({"hour"}, std::nullopt).verdict, Verdict::kUndecided);
  EXPECT_THAT(JudgeLineage({"hour"}, std::nullopt).summary, HasSubstr("no lineage"));

  const stats::Judgement input = JudgeLineage({"hour", "gust"}, Clean());
  EXPECT_EQ(input.verdict, Verdict::kUndecided);
  EXPECT_THAT(input.summary, HasSubstr("no lineage of 1 inputs: gust"));

  Lineage lineage = Clean();
  lineage.label_is_known = false;
  EXPECT_EQ(JudgeLineage({"hour"}, lineage).summary, "labels without lineage");
  EXPECT_EQ(JudgeLineage({"hour"}, lineage).verdict, Verdict::kUndecided);

  lineage = {.columns = {{.name = "hour", .rows = 0}}, .label_is_known = true};
  EXPECT_EQ(JudgeLineage({"hour"}, lineage).verdict, Verdict::kUndecided);
}

TEST(JudgeLineage, ALeakFailsEvenWhereOtherThingsAreUnknown) {
  const Lineage lineage{.columns = {{"dep_delay", 10, 1, {}}}, .label_is_known = false};
  EXPECT_EQ(JudgeLineage({"dep_delay", "gust"}, lineage).verdict, Verdict::kFail);
}

}  // namespace
}  // namespace sw::eval
