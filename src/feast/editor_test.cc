#include "feast/editor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "feast/view_changes.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;
using testing::HasSubstr;
using testing::StartsWith;
using ValueTypes = ::feast::types::ValueType;

constexpr TimeUs kStart = 1'000'000'000;

class EditorTest : public testing::Test {
 protected:
  // Each edit a second after the one before.
  Editor Edit() {
    EXPECT_TRUE(clock_.AdvanceTo(clock_.Now() + base::kSecondUs).has_value());
    return {objects_, clock_.Now(), ids_};
  }
  template <typename Object>
  Status Apply(Object object, std::string_view project = "credit") {
    return Edit().Apply(std::move(object), project);
  }
  std::int64_t SecondsNow() const { return clock_.Now() / base::kSecondUs; }

  static core::Entity MakeEntity(const std::string& name) {
    core::Entity entity;
    entity.mutable_spec()->set_name(name);
    return entity;
  }
  static core::FeatureView MakeView(const std::string& name, std::initializer_list<std::string> features) {
    core::FeatureView view;
    view.mutable_spec()->set_name(name);
    view.mutable_spec()->add_entities("driver");
    for (const std::string& feature : features) {
      core::FeatureSpecV2& spec = *view.mutable_spec()->add_features();
      spec.set_name(feature);
      spec.set_value_type(ValueTypes::INT64);
    }
    return view;
  }
  const core::FeatureView& View(std::string_view name) const { return **GetObject<core::FeatureView>(objects_, name, "credit"); }
  int Versions() const { return objects_.feature_view_version_history().records_size(); }

  base::ManualClock clock_{kStart};
  base::IdGenerator ids_{clock_, base::Random(1)};
  core::Registry objects_;
};

TEST_F(EditorTest, ANewObjectMakesItsProjectAndASecondOneKeepsWhenItWasCreated) {
  ASSERT_TRUE(Apply(MakeEntity("driver")).has_value());
  const auto created = objects_.entities(0).meta().created_timestamp().seconds();
  EXPECT_EQ(created, SecondsNow());
  EXPECT_EQ(objects_.projects(0).spec().name(), "credit");
  EXPECT_EQ(objects_.project_metadata(0).project(), "credit");
  EXPECT_EQ(objects_.project_metadata(0).project_uuid().size(), 36U);
  core::Entity changed = MakeEntity("driver");
  changed.mutable_spec()->set_description("who drives");
  ASSERT_TRUE(Apply(changed).has_value());
  ASSERT_EQ(objects_.entities_size(), 1);
  EXPECT_EQ(objects_.entities(0).spec().description(), "who drives");
  EXPECT_EQ(objects_.entities(0).spec().project(), "credit");
  EXPECT_EQ(objects_.entities(0).meta().created_timestamp().seconds(), created);
  EXPECT_EQ(objects_.entities(0).meta().last_updated_timestamp().seconds(), SecondsNow());
  EXPECT_EQ(objects_.projects_size(), 1);
}

TEST_F(EditorTest, NamesAreOfOneProject) {
  ASSERT_TRUE(Apply(MakeEntity("driver"), "credit").has_value());
  ASSERT_TRUE(Apply(MakeEntity("driver"), "fraud").has_value());
  EXPECT_EQ(objects_.entities_size(), 2);
  ASSERT_TRUE(Edit().Delete<core::Entity>("driver", "fraud").has_value());
  EXPECT_EQ(objects_.entities(0).spec().project(), "credit");
}

TEST_F(EditorTest, WithoutANameNothingIsApplied) {
  EXPECT_EQ(Apply(MakeEntity("")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Apply(MakeEntity("driver"), "").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Edit().Apply(core::Project()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(objects_.ByteSizeLong(), 0U);
}

TEST_F(EditorTest, WhatIsNotThereIsRefusedAsFeastSaysIt) {
  EXPECT_EQ(Edit().Delete<core::Entity>("x", "credit").error().message, "EntityNotFoundException: Entity x does not exist in project credit");
  EXPECT_EQ(Edit().Delete<core::DataSource>("x", "credit").error().message,
            "DataSourceObjectNotFoundException: Data source x does not exist in project credit");
  EXPECT_EQ(Edit().Delete<core::Permission>("x", "credit").error().message,
            "PermissionObjectNotFoundException: Permission x does not exist in project credit");
  EXPECT_EQ(Edit().DeleteView("x", "credit").error().message, "FeatureViewNotFoundException: Feature view x does not exist in project credit");
  EXPECT_EQ(Edit().DeleteProject("credit").error().message, "ProjectObjectNotFoundException: Project credit does not exist");
  EXPECT_EQ(objects_.ByteSizeLong(), 0U);
}

TEST_F(EditorTest, ASourceThatIsAsItWasIsNotTouched) {
  core::DataSource source;
  source.set_name("table");
  source.set_type(core::DataSource::BATCH_FILE);
  source.mutable_file_options()->set_uri("a.parquet");
  ASSERT_TRUE(Apply(source).has_value());
  EXPECT_EQ(objects_.data_sources(0).data_source_class_type(), "feast.infra.offline_stores.file_source.FileSource");
  const auto created = objects_.data_sources(0).meta().created_timestamp().seconds();
  ASSERT_TRUE(Apply(source).has_value());
  EXPECT_EQ(objects_.data_sources(0).meta().last_updated_timestamp().seconds(), created);
  source.mutable_file_options()->set_uri("b.parquet");
  ASSERT_TRUE(Apply(source).has_value());
  EXPECT_EQ(objects_.data_sources_size(), 1);
  EXPECT_EQ(objects_.data_sources(0).meta().last_updated_timestamp().seconds(), SecondsNow());
  EXPECT_EQ(objects_.data_sources(0).meta().created_timestamp().seconds(), created);
  EXPECT_EQ(Apply(core::DataSource()).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(EditorTest, AViewsSchemaMakesAVersionAndItsTagsDoNot) {
  ASSERT_TRUE(Apply(MakeView("stats", {"a", "b"})).has_value());
  EXPECT_EQ(Versions(), 1);
  core::FeatureView tagged = MakeView("stats", {"b", "a"});  // the order is no schema
  (*tagged.mutable_spec()->mutable_tags())["team"] = "x";
  tagged.mutable_spec()->mutable_ttl()->set_seconds(60);
  ASSERT_TRUE(Apply(tagged).has_value());
  EXPECT_EQ(Versions(), 1);
  EXPECT_EQ(View("stats").spec().tags().at("team"), "x");
  EXPECT_EQ(View("stats").spec().ttl().seconds(), 60);
  EXPECT_EQ(View("stats").spec().features(0).name(), "a");
  ASSERT_TRUE(Apply(MakeView("stats", {"a", "b", "c"})).has_value());
  EXPECT_EQ(Versions(), 2);
  EXPECT_EQ(View("stats").meta().current_version_number(), 1);
  EXPECT_EQ(View("stats").spec().features_size(), 3);
  EXPECT_EQ(View("stats").meta().created_timestamp().seconds(), kStart / base::kSecondUs + 1);
}

TEST_F(EditorTest, AnOlderVersionComesBackWhenItIsAskedForAlone) {
  ASSERT_TRUE(Apply(MakeView("stats", {"a"})).has_value());
  ASSERT_TRUE(Apply(MakeView("stats", {"a", "b"})).has_value());
  core::FeatureView wanted = MakeView("stats", {"a", "b", "c"});
  wanted.mutable_spec()->set_version("v0");
  EXPECT_THAT(Apply(wanted).error().message, StartsWith("FeatureViewPinConflict: Cannot pin feature view 'stats' to v0"));
  wanted = MakeView("stats", {"a", "b"});
  wanted.mutable_spec()->set_version("Version0");
  ASSERT_TRUE(Apply(wanted).has_value());
  EXPECT_EQ(View("stats").spec().features_size(), 1);
  EXPECT_EQ(View("stats").spec().version(), "Version0");
  EXPECT_EQ(Versions(), 2);
}

TEST_F(EditorTest, AVersionThatIsNotThereYetIsWhatIsApplied) {
  core::FeatureView ahead = MakeView("stats", {"a"});
  ahead.mutable_spec()->set_version("v7");
  ASSERT_TRUE(Apply(ahead).has_value());
  EXPECT_EQ(Versions(), 1);
  EXPECT_EQ(objects_.feature_view_version_history().records(0).version_number(), 7);
  ahead.mutable_spec()->set_version("seven");
  EXPECT_EQ(Apply(ahead).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(EditorTest, AHistoryThatHoldsNoViewIsAnError) {
  core::FeatureViewVersionRecord& record = *objects_.mutable_feature_view_version_history()->add_records();
  record.set_feature_view_name("stats");
  record.set_project_id("credit");
  record.set_feature_view_type("feature_view");
  record.set_feature_view_proto("\xff\xff");
  core::FeatureView wanted = MakeView("stats", {"a"});
  wanted.mutable_spec()->set_version("v0");
  EXPECT_EQ(Apply(wanted).error().code, ErrorCode::kDataLoss);
}

TEST_F(EditorTest, OneNameIsOneViewOfWhicheverKind) {
  ASSERT_TRUE(Apply(MakeView("stats", {"a"})).has_value());
  core::OnDemandFeatureView other;
  other.mutable_spec()->set_name("stats");
  EXPECT_EQ(Apply(other).error().message, "ConflictingFeatureViewNames: The feature view name: stats refers to feature views of different types.");
  EXPECT_TRUE(Apply(other, "fraud").has_value());
}

TEST_F(EditorTest, ATransformationIsItsTextNotItsPickle) {
  core::OnDemandFeatureView view;
  view.mutable_spec()->set_name("ratio");
  core::UserDefinedFunctionV2& function = *view.mutable_spec()->mutable_feature_transformation()->mutable_user_defined_function();
  function.set_body_text("def f(x): return x");
  function.set_body("pickled by 3.11");
  ASSERT_TRUE(Apply(view).has_value());
  function.set_body("pickled by 3.12");
  ASSERT_TRUE(Apply(view).has_value());
  EXPECT_EQ(Versions(), 1);
  function.set_body_text("def f(x): return 2 * x");
  ASSERT_TRUE(Apply(view).has_value());
  EXPECT_EQ(Versions(), 2);
}

TEST_F(EditorTest, MaterializedIntervalsStayWithTheView) {
  ASSERT_TRUE(Apply(MakeView("stats", {"a"})).has_value());
  ASSERT_TRUE(Edit().Materialized("stats", "credit", TimestampOf(0), TimestampOf(5 * base::kSecondUs)).has_value());
  ASSERT_TRUE(Apply(MakeView("stats", {"a", "b"})).has_value());
  ASSERT_EQ(View("stats").meta().materialization_intervals_size(), 1);
  EXPECT_EQ(View("stats").meta().materialization_intervals(0).end_time().seconds(), 5);
  EXPECT_EQ(Edit().Materialized("x", "credit", TimestampOf(0), TimestampOf(0)).error().code, ErrorCode::kNotFound);
}

TEST_F(EditorTest, AnApplyDoesNotTakeAViewOffline) {
  ASSERT_TRUE(Apply(MakeView("stats", {"a"})).has_value());
  ASSERT_TRUE(Edit().Materialized("stats", "credit", TimestampOf(0), TimestampOf(1)).has_value());
  ASSERT_TRUE(Apply(MakeView("stats", {"a"})).has_value());
  EXPECT_EQ(View("stats").meta().state(), core::AVAILABLE_ONLINE);
}

TEST_F(EditorTest, AServiceOfViewsAloneTakesTheirFeatures) {
  ASSERT_TRUE(Apply(MakeView("stats", {"a", "b"})).has_value());
  core::FeatureService service;
  service.mutable_spec()->set_name("v1");
  service.mutable_spec()->add_features()->set_feature_view_name("stats");
  core::FeatureViewProjection& one = *service.mutable_spec()->add_features();
  one.set_feature_view_name("stats");
  one.add_feature_columns()->set_name("b");
  ASSERT_TRUE(Apply(service).has_value());
  EXPECT_EQ(objects_.feature_services(0).spec().features(0).feature_columns_size(), 2);
  EXPECT_EQ(objects_.feature_services(0).spec().features(1).feature_columns(0).value_type(), ValueTypes::INT64);
  service.mutable_spec()->mutable_features(1)->mutable_feature_columns(0)->set_name("c");
  EXPECT_EQ(Apply(service).error().message, "feature view stats has no feature c");
  service.mutable_spec()->mutable_features(0)->set_feature_view_name("x");
  EXPECT_THAT(Apply(service).error().message, HasSubstr("Feature view 'x' not found in project 'credit'"));
}

TEST_F(EditorTest, AProjectGoesWithAllThatIsInIt) {
  ASSERT_TRUE(Apply(MakeEntity("driver")).has_value());
  ASSERT_TRUE(Apply(MakeEntity("driver"), "fraud").has_value());
  ASSERT_TRUE(Apply(MakeView("stats", {"a"})).has_value());
  ASSERT_TRUE(Edit().DeleteProject("credit").has_value());
  EXPECT_EQ(objects_.entities_size(), 1);
  EXPECT_EQ(objects_.projects_size(), 1);
  EXPECT_EQ(objects_.project_metadata_size(), 1);
  EXPECT_EQ(objects_.feature_views_size(), 0);
  EXPECT_EQ(Versions(), 0);
}

TEST_F(EditorTest, ADeletedViewTakesItsVersionsAlong) {
  ASSERT_TRUE(Apply(MakeView("stats", {"a"})).has_value());
  ASSERT_TRUE(Apply(MakeView("other", {"a"})).has_value());
  ASSERT_TRUE(Edit().DeleteView("stats", "credit").has_value());
  ASSERT_EQ(Versions(), 1);
  EXPECT_EQ(objects_.feature_view_version_history().records(0).feature_view_name(), "other");
}

TEST(ParseVersion, TakesWhatFeastTakes) {
  EXPECT_TRUE(ParseVersion("")->is_latest);
  EXPECT_TRUE(ParseVersion("LATEST")->is_latest);
  EXPECT_EQ(ParseVersion("v12")->number, 12);
  EXPECT_EQ(ParseVersion("Version3")->number, 3);
  for (const char* bad : {"v", "version", "3", "v-1", "v1.0", "v 1", "v99999999999", "x1"}) EXPECT_FALSE(ParseVersion(bad).has_value()) << bad;
}

}  // namespace
}  // namespace sw::feast
