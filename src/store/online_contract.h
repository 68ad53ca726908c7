// What every engine of the online store must do, as tests over a factory; see catalog_contract.h.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "store/online.h"
#include "store/temp_folder.h"

namespace sw::store {

struct OnlineEngine {
  std::string name;
  std::function<Result<std::unique_ptr<OnlineStore>>(const std::string& folder)> open;
};

class OnlineContract : public testing::TestWithParam<OnlineEngine> {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    online_.reset();
    online_ = GetParam().open(folder_.path).value();
  }
  std::optional<std::string> Get(std::string key) {
    const std::vector<std::string> keys = {std::move(key)};
    return online_->GetNow(keys).value()[0];
  }
  std::map<std::string, std::string> Scan(std::string_view prefix) {
    std::map<std::string, std::string> found;
    EXPECT_TRUE(online_->ForEach(prefix, [&](std::string_view key, std::string_view value) {
      EXPECT_TRUE(found.emplace(key, value).second) << "visited twice";
      return Ok();
    }));
    return found;
  }

  TempFolder folder_;
  std::unique_ptr<OnlineStore> online_;
};

}  // namespace sw::store
