#include "serve/admission.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace sw::serve {
namespace {

TEST(Admission, CountsRowsInFlight) {
  base::Counters counters;
  Admission admission(10, 5, counters);
  auto first = std::make_optional(admission.Admit(3).value());
  const auto refused = admission.Admit(3);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().message, "limit rows_in_flight_max: 3 of 5 rows are being scored; retry later");
  EXPECT_EQ(counters.Get("serve_refused_total", "", {{"limit", "rows_in_flight_max"}}).Value(), 1);
  first.reset();
  EXPECT_TRUE(admission.Admit(3));
}

TEST(Admission, LetsALargeRequestInWhenItIsAlone) {
  base::Counters counters;
  Admission admission(10, 5, counters);
  EXPECT_TRUE(admission.Admit(50));
  const auto small = admission.Admit(1).value();
  EXPECT_FALSE(admission.Admit(50));
}

TEST(Admission, ATicketLeavesOnce) {
  base::Counters counters;
  Admission admission(1, 100, counters);
  Admission::Ticket first = admission.Admit(1).value();
  Admission::Ticket second = std::move(first);
  EXPECT_FALSE(admission.Admit(1));
  { const Admission::Ticket third = std::move(second); }
  EXPECT_TRUE(admission.Admit(1));
}

TEST(Admission, WaitsForTheLastToLeave) {
  base::Counters counters;
  Admission admission(10, 100, counters);
  std::optional<Admission::Ticket> ticket = admission.Admit(1).value();
  std::jthread leaving([&] { ticket.reset(); });
  admission.WaitUntilEmpty();
  EXPECT_EQ(counters.Get("serve_requests_in_flight", "").Value(), 0);
}

}  // namespace
}  // namespace sw::serve
