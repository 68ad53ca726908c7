// What every engine of the catalog must do, as tests over a factory.
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, CatalogContract, testing::Values(CatalogEngine{"Sqlite", open}));
//
// `open` is called again on the same folder to see what a restart sees.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "store/catalog.h"
#include "store/temp_folder.h"

namespace sw::store {

struct CatalogEngine {
  std::string name;
  std::function<Result<std::unique_ptr<Catalog>>(const std::string& folder, const base::Clock& clock)> open;
};

class CatalogContract : public testing::TestWithParam<CatalogEngine> {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    catalog_.reset();
    catalog_ = GetParam().open(folder_.path, clock_).value();
  }
  Status Run(std::string_view sql, const SqlParams& params = {}) {
    return catalog_->Write([&](CatalogTransaction& tx) -> Status {
      SW_TRY(tx.Execute(sql, params));
      return Ok();
    });
  }
  std::int64_t Count(std::string_view sql) {
    std::int64_t count = -1;
    const Status read = catalog_->Read([&](CatalogReader& reader) -> Status {
      count = SW_TRY(reader.Query(sql))[0].Int(0);
      return Ok();
    });
    EXPECT_TRUE(read) << read.error().message;
    return count;
  }

  TempFolder folder_;
  base::ManualClock clock_{1'000'000};
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace sw::store
