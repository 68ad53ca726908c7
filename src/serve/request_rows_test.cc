#include "serve/request_rows.h"

#include <gtest/gtest.h>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

std::string ErrorOf(const data::Schema& schema, data::Batch rows) {
  std::size_t ignored = 0;
  const auto conformed = ConformRows(schema, std::move(rows), ignored);
  if (conformed) return "none";
  EXPECT_EQ(conformed.error().code, ErrorCode::kInvalidArgument);
  return conformed.error().message;
}

TEST(ConformRows, PutsColumnsInTheDeclaredOrderAndLeavesOthersOut) {
  data::Batch rows(data::Schema{{{"extra", data::Type::kBool}, {"origin", data::Type::kString},
                                 {"delay", data::Type::kInt64}, {"tailnum", data::Type::kString}}});
  rows.column(0).AppendBool(true);
  rows.column(1).AppendString("JFK");
  rows.column(2).AppendInt(7);
  rows.column(3).AppendString("N1");
  std::size_t ignored = 0;
  EXPECT_EQ(ConformRows(DelaySchema(), rows, ignored).value(), DelayRows({{"N1", 7, "JFK"}}));
  EXPECT_EQ(ignored, 1U);
}

TEST(ConformRows, NamesAMissingColumnAndItsNearMisses) {
  data::Batch rows(data::Schema{{{"tailnumm", data::Type::kString}}});
  rows.column(0).AppendString("N1");
  EXPECT_EQ(ErrorOf(DelaySchema(), rows), "no column \"tailnum\" in the request; did you mean tailnumm?");
}

TEST(ConformRows, NamesAWrongType) {
  data::Batch rows(data::Schema{{{"delay", data::Type::kString}}});
  rows.column(0).AppendString("late");
  EXPECT_EQ(ErrorOf(data::Schema{{{"delay", data::Type::kFloat64}}}, rows),
            "input \"delay\" is string; this endpoint needs float64");
}

TEST(ConformRows, NamesTheRowOfANullThatIsNotAllowed) {
  data::Batch rows(data::Schema{{{"delay", data::Type::kInt64}}});
  rows.column(0).AppendInt(1);
  rows.column(0).AppendNull();
  const data::Schema strict{{{.name = "delay", .type = data::Type::kFloat64, .nullable = false}}};
  EXPECT_EQ(ErrorOf(strict, rows), "row 1: input \"delay\" is null; this endpoint needs a float64");
  std::size_t ignored = 0;
  const auto widened = ConformRows(data::Schema{{{"delay", data::Type::kFloat64}}}, rows, ignored).value();
  EXPECT_EQ(widened.column(0).Double(0), 1.0);
  EXPECT_TRUE(widened.column(0).IsNull(1));
}

TEST(CheckIds, RefusesHostileIds) {
  EXPECT_TRUE(CheckIds({}, 3));
  EXPECT_TRUE(CheckIds({"a", "b"}, 2));
  EXPECT_TRUE(CheckIds({std::string(kIdBytesMax, 'x')}, 1));
  const std::vector<std::string> hostile[] = {
      {"a"}, {"a", "b", "c"}, {"a", ""}, {"a", std::string(kIdBytesMax + 1, 'x')}, {"a", "a\nb"},
      {"a", std::string("a\0b", 3)}, {"a", "\x7f"}, {"a", "a"}};
  for (const auto& ids : hostile) EXPECT_EQ(CheckIds(ids, 2).error().code, ErrorCode::kInvalidArgument) << ids.size();
}

}  // namespace
}  // namespace sw::serve
