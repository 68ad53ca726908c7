#include "flow/training_tables.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "store/data_folder.h"
#include "store/temp_folder.h"

namespace sw::flow {
namespace {

TEST(ReadOutside, RowsComeInTheOrderOfTheirMoments) {
  const store::TempFolder folder;
  const base::ManualClock clock(0);
  base::Counters counters;
  const auto data = store::DataFolder::Open(folder / "data", clock, counters, "test").value();
  const auto features = feature::MakeFeatureStore(std::make_shared<const feature::Definitions>(), data->logbook(), data->online()).value();
  TrainingTables tables(*features, data->logbook(), folder.path);
  ASSERT_TRUE(base::WriteFileAtomic(folder / "table.csv",
                              "moment,x,label\n2013-03-01T00:00:00Z,3,1\n2013-01-01T00:00:00Z,1,0\n2013-02-01T00:00:00Z,2,1\n"));
  const auto table = tables.ReadOutside("table.csv", "label", {});
  ASSERT_TRUE(table) << table.error().message;
  std::vector<std::string> rows;
  for (std::size_t row = 0; row < 3; ++row) {
    rows.push_back(base::FormatTime((*table)->moments[row]).substr(0, 7) + " " + (*table)->features.column(0).ToText(row) + " " +
                   (*table)->label.ToText(row));
  }
  EXPECT_EQ(rows, (std::vector<std::string>{"2013-01 1 0.0", "2013-02 2 1.0", "2013-03 3 1.0"}));
}

}  // namespace
}  // namespace sw::flow
