// What every engine of the blobs must do, as tests over a factory; see catalog_contract.h.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "store/blobs.h"
#include "store/temp_folder.h"

namespace sw::store {

struct BlobsEngine {
  std::string name;
  std::function<Result<std::unique_ptr<Blobs>>(const std::string& folder, const base::Clock& clock)> open;
};

class BlobsContract : public testing::TestWithParam<BlobsEngine> {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    blobs_.reset();
    blobs_ = GetParam().open(folder_.path, clock_).value();
  }
  std::size_t CountBlobs() {
    std::size_t count = 0;
    EXPECT_TRUE(blobs_->ForEach([&](std::string_view, std::uint64_t, TimeUs) {
      ++count;
      return Ok();
    }));
    return count;
  }

  TempFolder folder_;
  base::ManualClock clock_{1'000'000'000};
  std::unique_ptr<Blobs> blobs_;
};

}  // namespace sw::store
