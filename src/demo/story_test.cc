#include "demo/story.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "demo/report.h"

namespace sw::demo {
namespace {

TEST(Story, HoldsOnlyIfEveryStatementHeld) {
  Story story;
  EXPECT_TRUE(story.AllHeld());
  story.Check(true, "the sky is blue");
  EXPECT_TRUE(story.AllHeld());
  story.Check(false, "pigs fly");
  EXPECT_FALSE(story.AllHeld());
  EXPECT_EQ(story.ToJson().Find("statements")->size(), 2U);
}

TEST(Report, StandsAloneAndCannotBeBrokenByWhatItShows) {
  Story story;
  story.Keep("note", "</script><script>alert(1)</script>");
  const std::string path = base::MakeTempFolder("report").value() + "/report.html";
  ASSERT_TRUE(WriteReport(story, path));
  const std::string page = base::ReadFile(path).value();
  EXPECT_EQ(page.find("<script>alert(1)"), std::string::npos);
  EXPECT_EQ(page.find("src=\"http"), std::string::npos);
  EXPECT_GT(page.size(), 100'000U);
}

}  // namespace
}  // namespace sw::demo
