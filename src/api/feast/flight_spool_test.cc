#include "api/feast/flight_spool.h"

#include <gtest/gtest.h>

namespace sw::feast {
namespace {

Caller CallerOf(std::string principal) {
  Caller caller;
  caller.principal = std::move(principal);
  return caller;
}

TEST(FlightSpool, KeepsAnUploadForItsCallerAndForgetsItInTime) {
  base::ManualClock clock(0);
  FlightSpool spool(clock, {.keep = base::kMinuteUs});
  const std::string ticket = FlightSpool::TicketOf(CallerOf("a"), "{}");
  EXPECT_NE(ticket, FlightSpool::TicketOf(CallerOf("b"), "{}"));
  ASSERT_TRUE(spool.Put(ticket, {"{}", {}}));
  EXPECT_EQ(spool.Find(ticket)->command, "{}");
  EXPECT_EQ(spool.CommandsOf(CallerOf("a")).size(), 1u);
  EXPECT_TRUE(spool.CommandsOf(CallerOf("b")).empty());
  ASSERT_TRUE(clock.AdvanceTo(base::kMinuteUs));
  EXPECT_EQ(spool.Find(ticket), nullptr);
}

TEST(FlightSpool, HoldsNoMoreThanItsLimits) {
  const base::ManualClock clock(0);
  FlightSpool few(clock, {.uploads_max = 2});
  ASSERT_TRUE(few.Put("1", {"{}", {}}));
  ASSERT_TRUE(few.Put("2", {"{}", {}}));
  ASSERT_TRUE(few.Put("2", {"{}", {}}));  // in place of the other
  EXPECT_EQ(few.Put("3", {"{}", {}}).error().code, ErrorCode::kResourceExhausted);
  few.Remove("1");
  EXPECT_TRUE(few.Put("3", {"{}", {}}));
  FlightSpool small(clock, {.bytes_max = 10});
  EXPECT_EQ(small.Put("1", {std::string(11, 'x'), {}}).error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace sw::feast
