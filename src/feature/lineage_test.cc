#include "feature/lineage.h"

#include <gtest/gtest.h>

#include <optional>

namespace sw::feature {
namespace {

using base::kHourUs;

// A flight an hour: delays are known three hours after departure, distances always were.
struct Story {
  data::Batch table{data::Schema{{{"distance", data::Type::kFloat64}, {"x1", data::Type::kFloat64}}}};
  std::vector<TimeUs> departs;
  Availability known{{"distance", {}}, {"x1", {}}};
  Story& Flight(TimeUs at, double distance, std::optional<double> delay) {
    table.column(0).AppendDouble(distance);
    delay ? table.column(1).AppendDouble(*delay * 0.001) : table.column(1).AppendNull();
    departs.push_back(at);
    known["distance"].push_back(kAlways);
    known["x1"].push_back(at + 3 * kHourUs);
    return *this;
  }
};

TEST(Lineage, AColumnThatIsKnownOnlyLaterLeaksWhateverItIsCalled) {
  const Story story = Story().Flight(0, 1400, 12).Flight(kHourUs, 700, -3).Flight(2 * kHourUs, 700, std::nullopt);
  const auto report = CheckLineage(story.table, story.departs, story.known);
  ASSERT_TRUE(report.has_value());
  ASSERT_EQ(report->columns.size(), 2u);
  EXPECT_EQ(report->columns[0].rows_too_late, 0u);
  EXPECT_EQ(report->columns[1].rows, 2u);
  EXPECT_EQ(report->columns[1].rows_too_late, 2u);
  EXPECT_EQ(report->columns[1].examples.at(0),
            "row 0: x1 = 0.012, used at 1970-01-01T00:00:00Z, known at 1970-01-01T03:00:00Z");
  EXPECT_TRUE(report->Leaks());
}

TEST(Lineage, AValueKnownAtItsMomentDoesNotLeak) {
  Story story = Story().Flight(0, 1400, 12);
  story.known["x1"] = {0};
  EXPECT_FALSE(CheckLineage(story.table, story.departs, story.known)->Leaks());
  story.known["x1"] = {1};
  EXPECT_TRUE(CheckLineage(story.table, story.departs, story.known)->Leaks());
}

TEST(Lineage, ColumnsWithoutAvailabilityAreLeftOut) {
  Story story = Story().Flight(0, 1400, 12);
  story.known.erase("x1");
  EXPECT_EQ(CheckLineage(story.table, story.departs, story.known)->columns.size(), 1u);
}

TEST(Lineage, LengthsAndNamesAreChecked) {
  Story story = Story().Flight(0, 1400, 12);
  EXPECT_FALSE(CheckLineage(story.table, {}, story.known).has_value());
  EXPECT_FALSE(CheckLineage(story.table, story.departs, {{"x1", {}}}).has_value());
  const auto unknown = CheckLineage(story.table, story.departs, {{"x2", {0}}});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("x1"), std::string::npos);
}

TEST(Lineage, RowsSayWhenTheyBecameKnown) {
  data::Batch rows(data::Schema{{{std::string(kAvailableColumn), data::Type::kTimestamp}}});
  rows.column(0).AppendInt(7);
  rows.column(0).AppendNull();
  EXPECT_EQ(AvailabilityOf(rows).value(), (std::vector<TimeUs>{7, kNever}));
  EXPECT_FALSE(AvailabilityOf(data::Batch{}).has_value());
}

}  // namespace
}  // namespace sw::feature
