#include "monitor/incident_store.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "monitor/policy.h"

namespace sw::monitor {
namespace {

Incident Pressure() {
  return {.id = "late-1", .monitor = "late", .endpoint = "late", .severity = "page", .stage = "source",
          .opened_at = 100, .since_lo = 50, .since_hi = 60, .harm = 0.026, .harm_lo = 0.02, .harm_hi = 0.03,
          .exposed = 412, .culprits = {{"feature", "pressure", 0.026}}, .guarantee = "anytime-valid",
          .causes = "counterfactual", .summary = "pressure broke its contract"};
}

class IncidentStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = base::MakeTempFolder("incidents").value();
    catalog_ = store::OpenSqliteCatalog({.path = folder_ + "/catalog.sqlite", .clock = &clock_}).value();
  }
  std::string folder_;
  base::ManualClock clock_{0};
  std::unique_ptr<store::Catalog> catalog_;
};

TEST_F(IncidentStoreTest, AnIncidentComesBackWhole) {
  IncidentStore store = IncidentStore::Open(*catalog_).value();
  ASSERT_TRUE(store.Put({}, Pressure(), 100));
  EXPECT_EQ(store.Get({}, "late-1").value(), Pressure());
}

TEST_F(IncidentStoreTest, AChangeReplacesItAndLeavesAsAnEvent) {
  IncidentStore store = IncidentStore::Open(*catalog_).value();
  ASSERT_TRUE(store.Put({}, Pressure(), 100));
  Incident closed = Pressure();
  closed.state = "closed";
  closed.closed_at = 200;
  ASSERT_TRUE(store.Put({}, closed, 200));
  EXPECT_TRUE(store.List({}, "", "open").value().empty());
  EXPECT_EQ(store.List({}, "late", "closed").value().size(), 1U);
  EXPECT_EQ(catalog_->Outbox(10).value().size(), 2U);
}

TEST_F(IncidentStoreTest, AnotherWorkspaceSeesNothing) {
  IncidentStore store = IncidentStore::Open(*catalog_).value();
  ASSERT_TRUE(store.Put({}, Pressure(), 100));
  Caller other;
  other.workspace = "other";
  EXPECT_TRUE(store.List(other, "", "").value().empty());
  EXPECT_EQ(store.Get(other, "late-1").error().code, ErrorCode::kNotFound);
}

TEST(MonitorPolicy, ErrorsBeginWithTheKey) {
  const struct { const char* json; const char* begins; } cases[] = {
      {"3", "monitor.late: expected a table"},
      {R"({"endpoint": "late", "tolerence": 0.1})", "monitor.late.tolerence: unknown key; close ones are tolerance"},
      {R"({"endpoint": "late", "alpha": 2})", "monitor.late.alpha: expected a number between 0 and 1, found 2"},
      {R"({"endpoint": "late", "block": 3})", "monitor.late.block: expected a duration"},
      {R"({})", "monitor.late.endpoint: expected the name"},
  };
  for (const auto& test : cases) {
    const auto policy = ParseMonitorPolicy("late", Json::Parse(test.json).value());
    ASSERT_FALSE(policy.has_value()) << test.json;
    EXPECT_TRUE(policy.error().message.starts_with(test.begins)) << policy.error().message;
  }
  EXPECT_EQ(ParseMonitorPolicy("late", Json::Parse(R"({"endpoint": "e", "block": "6h"})").value())->block, 6 * base::kHourUs);
}

}  // namespace
}  // namespace sw::monitor
