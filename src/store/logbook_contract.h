// What every engine of the logbook must do, as tests over a factory.
//
//   INSTANTIATE_TEST_SUITE_P(File, LogbookContract, testing::Values(LogbookEngine{"File", open}));
//
// `open` is called again on the same folder to see what a restart sees.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/logbook.h"
#include "store/temp_folder.h"

namespace sw::store {

struct LogbookEngine {
  std::string name;
  std::function<Result<std::unique_ptr<Logbook>>(const std::string& folder, const base::Clock& clock)> open;
};

// One row with a string column `ship` and an int64 column `tons`.
LogRows ShipRow(TimeUs time, const std::string& id, const std::string& ship, std::int64_t tons);
// Rows `from` to `to`: time and id are the number, ship is "s<number>".
LogRows ShipRows(std::int64_t from, std::int64_t to);
// A row with one int64, float64 or string column.
LogRows OneColumn(TimeUs time, const std::string& name, data::Type type, const std::string& text);

class LogbookContract : public testing::TestWithParam<LogbookEngine> {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    logbook_.reset();
    auto opened = GetParam().open(folder_ / "book", clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    logbook_ = *std::move(opened);
  }
  AppendResult Append(LogRows rows, const std::string& producer = "", std::int64_t sequence = 0) {
    auto result = logbook_->Append({"ships", 0, producer, sequence, std::move(rows)}, Durability::kSynced);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(AppendResult{});
  }
  LogChunk Read(std::int64_t from, std::int64_t to = -1, std::vector<data::Field> columns = {}) {
    auto chunk = logbook_->Read({"ships", 0, from, to, 100'000, std::move(columns)});
    EXPECT_TRUE(chunk) << chunk.error().message;
    return chunk.value_or(LogChunk{});
  }

  TempFolder folder_;
  base::ManualClock clock_{1'000'000};
  std::unique_ptr<Logbook> logbook_;
};

}  // namespace sw::store
