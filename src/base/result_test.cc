#include "base/errors.h"
#include "base/check.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace sw::base {
namespace {

Result<std::unique_ptr<int>> Make(bool fail) {
  if (fail) return NotFound("no number {}; make one", 7);
  return std::make_unique<int>(7);
}
Status Touch(bool fail) {
  if (fail) return DataLoss("torn");
  return Ok();
}
Result<int> Use(bool fail_make, bool fail_touch) {
  std::unique_ptr<int> number = SW_TRY(Make(fail_make));
  SW_TRY(Touch(fail_touch));
  return *number;
}

TEST(Result, TryMovesTheValueOutOrReturnsTheError) {
  EXPECT_EQ(Use(false, false).value(), 7);
  EXPECT_EQ(Use(true, false).error(), (Error{ErrorCode::kNotFound, "no number 7; make one"}));
  EXPECT_EQ(Use(false, true).error().ToString(), "DATA_LOSS: torn");
}

TEST(Result, WithinPutsContextInFront) {
  const Error error = Error{ErrorCode::kInvalidArgument, "no header"}.Within("reading flights.csv");
  EXPECT_EQ(error.ToString(), "INVALID_ARGUMENT: reading flights.csv: no header");
}

TEST(Result, EveryCodeHasItsOwnNameAndAnErrorStatus) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    names.insert(ErrorCodeName(static_cast<ErrorCode>(code)));
    EXPECT_GE(HttpStatus(static_cast<ErrorCode>(code)), 400);
  }
  EXPECT_EQ(names.size(), 13u);
  EXPECT_EQ(HttpStatus(ErrorCode::kResourceExhausted), 429);
}

TEST(CheckDeathTest, NamesTheBrokenInvariant) {
  EXPECT_DEATH(SW_CHECK(1 + 1 == 3, "sums are wrong"), "broken invariant: sums are wrong .1 . 1 == 3.");
}

}  // namespace
}  // namespace sw::base
