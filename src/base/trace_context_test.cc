#include "base/trace_context.h"

#include <gtest/gtest.h>

namespace sw::base {
namespace {

constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, AParentOfTheStandardIsReadAndWrittenAgain) {
  const auto context = ParseTraceparent(kGood);
  ASSERT_TRUE(context);
  EXPECT_TRUE(context->IsSampled());
  EXPECT_EQ(context->trace[0], 0x4b);
  EXPECT_EQ(context->span[7], 0xb7);
  EXPECT_EQ(FormatTraceparent(*context), kGood);
  EXPECT_TRUE(IsSampledTraceparent(kGood));
  EXPECT_FALSE(IsSampledTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02"));
  EXPECT_FALSE(IsSampledTraceparent(""));
}

TEST(TraceContext, ALaterVersionAndUnknownFlagsAreReadAsThisOne) {
  const auto later = ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-what-comes");
  ASSERT_TRUE(later);
  EXPECT_EQ(FormatTraceparent(*later), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03");
  EXPECT_TRUE(ParseTraceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
}

TEST(TraceContext, WhatIsNotExactlyOfTheFormIsAbsent) {
  for (const std::string_view bad : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
           " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
           "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
       }) {
    EXPECT_FALSE(ParseTraceparent(bad)) << bad;
  }
}

TEST(TraceContext, AStateOfTheStandardIsKept) {
  EXPECT_EQ(CleanTracestate("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"), "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
  EXPECT_EQ(CleanTracestate(" ,a=1,, 0t@ven/dor=x y ,"), "a=1,0t@ven/dor=x y");
  const std::string longest = std::string(255, 'k') + "=" + std::string(256, 'v');
  EXPECT_EQ(CleanTracestate(longest), longest);
}

TEST(TraceContext, AnyOtherStateIsDroppedAsAWhole) {
  std::string many;
  for (int i = 0; i < 33; ++i) many += "k" + std::to_string(i) + "=1,";
  for (const std::string& bad : {std::string("a"), std::string("=1"), std::string("A=1"), std::string("a="), std::string("a=1,a=2"),
                                 std::string("a=1,b"), std::string("a=b=c"), std::string("0a=1"), std::string("a@=1"),
                                 std::string("@a=1"), std::string("a@b@c=1"), std::string("a@123456=1"),
                                 std::string("t@a12345678901234=1"), std::string("a=\x01"), std::string("a=\xc3\xa4"), many,
                                 std::string(256, 'k') + "=" + std::string(256, 'v'), std::string(257, 'k') + "=1",
                                 "a=" + std::string(257, 'v')}) {
    EXPECT_EQ(CleanTracestate(bad), "") << bad;
  }
}

}  // namespace
}  // namespace sw::base
