#include "store/online_contract.h"

#include <thread>

namespace sw::store {

TEST_P(OnlineContract, TheNewestValueOfEachKeyComesBackInTheOrderOfTheKeys) {
  ASSERT_TRUE(online_->PutNow({{"a", "1"}, {"b", ""}, {std::string("n\0l", 3), std::string("\0", 1)}}));
  ASSERT_TRUE(online_->PutNow({{"a", "2"}, {"gone", "x"}, {"gone", std::nullopt}, {"never", std::nullopt}}));
  const std::vector<std::string> keys = {std::string("n\0l", 3), "gone", "b", "a", "a"};
  const auto values = online_->GetNow(keys).value();
  EXPECT_EQ(values, (OnlineStore::Values{std::string("\0", 1), std::nullopt, "", "2", "2"}));
}

TEST_P(OnlineContract, KeysOfAnyLengthAreKeptApart) {
  // 479 and 511 bytes are where LMDB's engine changes form; others must simply not care.
  std::vector<std::string> keys;
  for (const std::size_t size : {1u, 478u, 479u, 480u, 510u, 511u, 512u, 5'000u, 65'536u}) {
    keys.push_back(std::string(size, 'k'));
    keys.push_back(std::string(size - 1, 'k') + "x");
  }
  std::vector<OnlineWrite> writes;
  for (std::size_t i = 0; i < keys.size(); ++i) writes.push_back({keys[i], std::to_string(i)});
  ASSERT_TRUE(online_->PutNow(writes));
  const auto values = online_->GetNow(keys).value();
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(values[i], std::to_string(i));
  EXPECT_EQ(Scan("").size(), keys.size());
  EXPECT_EQ(Scan(std::string(500, 'k')).size(), 10u);
  ASSERT_TRUE(online_->DeletePrefix(std::string(5'000, 'k')));
  EXPECT_EQ(Get(keys[14]), std::nullopt);
  EXPECT_EQ(Get(keys[12]), "12");
}

TEST_P(OnlineContract, ABatchWithABadKeyWritesNothing) {
  for (const std::string& bad : {std::string(), std::string(65'537, 'k')}) {
    const Status status = online_->PutNow({{"good", "1"}, {bad, "2"}});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(Get("good"), std::nullopt);
    EXPECT_EQ(Get(bad), std::nullopt);
  }
}

TEST_P(OnlineContract, APrefixIsScannedAndDeletedAlone) {
  ASSERT_TRUE(online_->PutNow({{"view/a", "1"}, {"view/b", "2"}, {"view", "3"}, {"viex/a", "4"}}));
  EXPECT_EQ(Scan("view/"), (std::map<std::string, std::string>{{"view/a", "1"}, {"view/b", "2"}}));
  ASSERT_TRUE(online_->DeletePrefix("view/"));
  EXPECT_EQ(Scan(""), (std::map<std::string, std::string>{{"view", "3"}, {"viex/a", "4"}}));
}

TEST_P(OnlineContract, AVisitorMayReadAndStop) {
  ASSERT_TRUE(online_->PutNow({{"a", "1"}, {"b", "2"}}));
  int visits = 0;
  const Status status = online_->ForEach("", [&](std::string_view key, std::string_view value) -> Status {
    ++visits;
    EXPECT_EQ(Get(std::string(key)), std::string(value));
    return base::MakeError(ErrorCode::kCancelled, "enough");
  });
  EXPECT_FALSE(status);
  EXPECT_EQ(visits, 1);
}

TEST_P(OnlineContract, WhatWasSyncedIsThereAfterARestart) {
  ASSERT_TRUE(online_->PutNow({{"a", "1"}}));
  ASSERT_TRUE(online_->Sync());
  Reopen();
  EXPECT_EQ(Get("a"), "1");
}

TEST_P(OnlineContract, VisitSeesWhatMultiGetGives) {
  const std::string long_key(700, 'k');
  ASSERT_TRUE(online_->PutNow({{"a", "1"}, {"b", ""}, {long_key, "3"}}));
  const std::vector<std::string_view> keys = {long_key, "gone", "b", "a", "a", ""};
  std::vector<std::optional<std::string>> seen;
  ASSERT_TRUE(online_->Visit(keys, [&](OnlineStore::Views views) -> Status {
    for (const auto& view : views) seen.push_back(view ? std::optional<std::string>(*view) : std::nullopt);
    return Ok();
  }));
  EXPECT_EQ(seen, (std::vector<std::optional<std::string>>{"3", std::nullopt, "", "1", "1", std::nullopt}));
  ASSERT_TRUE(online_->PutNow({{"a", "2"}}));
  ASSERT_TRUE(online_->Visit(keys, [&](OnlineStore::Views views) -> Status {
    EXPECT_EQ(views[3], "2");
    return Ok();
  }));
}

TEST_P(OnlineContract, AMergeKeepsWhatWins) {
  const std::string long_key(700, 'k');
  const auto greater = [](std::string_view stored, std::string_view fresh) { return fresh > stored; };
  const std::vector<OnlineWrite> writes = {{"a", "5"}, {long_key, "5"}, {"a", "3"}, {long_key, "3"}, {"b", "1"}, {"b", "2"}};
  ASSERT_TRUE(online_->Merge(writes, greater));
  EXPECT_EQ(Get("a"), "5");
  EXPECT_EQ(Get(long_key), "5");
  EXPECT_EQ(Get("b"), "2");
  ASSERT_TRUE(online_->Merge(std::vector<OnlineWrite>{{"a", std::nullopt}}, greater));
  EXPECT_EQ(Get("a"), std::nullopt);
  EXPECT_FALSE(online_->Merge(std::vector<OnlineWrite>{{"c", "1"}, {"", "1"}}, greater));
  EXPECT_EQ(Get("c"), std::nullopt);
}

TEST_P(OnlineContract, OfManyMergesTheGreatestRemains) {
  const auto greater = [](std::string_view stored, std::string_view fresh) { return std::stoi(std::string(fresh)) > std::stoi(std::string(stored)); };
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(online_->Merge(std::vector<OnlineWrite>{{"a", std::to_string((i * 37 + writer * 1000) % 3001)}}, greater));
      }
    });
  }
  writers.clear();
  int most = 0;
  for (int writer = 0; writer < 4; ++writer) {
    for (int i = 0; i < 100; ++i) most = std::max(most, (i * 37 + writer * 1000) % 3001);
  }
  EXPECT_EQ(Get("a"), std::to_string(most));
}

TEST_P(OnlineContract, ABatchIsSeenWholeOrNotAtAll) {
  ASSERT_TRUE(online_->PutNow({{"left", "0"}, {"right", "0"}}));
  std::jthread writer([&] {
    for (int i = 1; i <= 200; ++i) {
      ASSERT_TRUE(online_->PutNow({{"left", std::to_string(i)}, {"right", std::to_string(i)}}));
    }
  });
  const std::vector<std::string> keys = {"left", "right"};
  for (int i = 0; i < 200; ++i) {
    const auto values = online_->GetNow(keys).value();
    ASSERT_EQ(values[0], values[1]);
  }
}

}  // namespace sw::store
