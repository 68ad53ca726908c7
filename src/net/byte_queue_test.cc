#include "net/byte_queue.h"

#include <gtest/gtest.h>

namespace sw::net {
namespace {

TEST(ByteQueueTest, GivesTheBytesInTheirOrder) {
  ByteQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.Back().append("abcdefgh");
  EXPECT_EQ(queue.Waiting(), "abcdefgh");
  queue.Take(1);
  EXPECT_EQ(queue.Waiting(), "bcdefgh");
  queue.Back().append("ij");
  queue.Take(6);
  EXPECT_EQ(queue.Waiting(), "hij");
  EXPECT_EQ(queue.size(), 3U);
  queue.Take(3);
  EXPECT_TRUE(queue.empty());
  queue.Back().append("k");
  EXPECT_EQ(queue.Waiting(), "k");
}

TEST(ByteQueueTest, WhatGoesThroughDoesNotStay) {
  ByteQueue queue;
  queue.Back().append("x");
  for (int i = 0; i < 10'000; ++i) {
    queue.Back().append(std::string(100, 'y'));
    queue.Take(100);  // one byte waits all the while
  }
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_LE(queue.Back().capacity(), 1'000U);
}

}  // namespace
}  // namespace sw::net
