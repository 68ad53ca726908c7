#include "feast/project.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "feast/failure.h"

namespace sw::feast {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

RegistrySnapshot Snapshot(const std::string& text) {
  auto objects = std::make_shared<::feast::core::Registry>();
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, objects.get()));
  return objects;
}

constexpr const char* kCredit = R"(
  entities { spec { name: "driver" project: "credit" join_key: "driver_id" value_type: INT64 } }
  entities { spec { name: "car" project: "credit" join_key: "car_id" value_type: STRING } }
  feature_views {
    spec {
      name: "stats" project: "credit" entities: "driver" entities: "car" online: true offline: true
      ttl { seconds: 86400 nanos: 5000 }
      features { name: "trips" value_type: INT64 } features { name: "rate" value_type: DOUBLE }
      entity_columns { name: "driver_id" value_type: INT32 }
      batch_source { name: "table" type: BATCH_FILE timestamp_field: "ts" created_timestamp_column: "made"
                     field_mapping { key: "a" value: "trips" } file_options { uri: "s.parquet" } }
      stream_source { name: "live" type: PUSH_SOURCE }
    }
    meta { current_version_number: 2 state: AVAILABLE_ONLINE }
  }
  feature_views { spec { name: "world" project: "credit" entities: "__dummy" features { name: "trips" value_type: INT64 } ttl { seconds: -4 } } }
  feature_views { spec { name: "lost" project: "credit" entities: "nobody" features { name: "x" value_type: INT64 } } }
  feature_views { spec { name: "elsewhere" project: "other" } }
  feature_services { spec { name: "v1" project: "credit"
    features { feature_view_name: "stats" feature_view_name_alias: "mine" feature_columns { name: "rate" } join_key_map { key: "driver_id" value: "origin" } } } }
  feature_services { spec { name: "old" project: "credit" features { feature_view_name: "gone" } } }
)";

std::shared_ptr<const Project> Credit() { return Project::Make(Snapshot(kCredit), "credit").value(); }

TEST(Project, ReadsAViewWithItsKeysInTheOrderOfItsEntities) {
  const auto project = Credit();
  const View* view = project->FindView("stats").value();
  EXPECT_THAT(view->keys, ElementsAre(Field{"driver_id", ::feast::types::ValueType::INT32}, Field{"car_id", ::feast::types::ValueType::STRING}));
  EXPECT_EQ(view->ttl, 86'400'000'005);
  EXPECT_TRUE(view->offline);
  EXPECT_EQ(view->push_source, "live");
  EXPECT_EQ(view->source->uri, "s.parquet");
  EXPECT_EQ(view->source->kind, "file");
  EXPECT_EQ(view->source->field_mapping.at("a"), "trips");
  EXPECT_EQ(view->version, 2);
}

TEST(Project, AViewWithoutEntitiesHasNoKeysAndANegativeTtlIsNone) {
  const auto project = Credit();
  const View* view = project->FindView("world").value();
  EXPECT_TRUE(view->keys.empty());
  EXPECT_TRUE(view->entities.empty());
  EXPECT_EQ(view->ttl, 0);
}

TEST(Project, OnlyOwnViewsAreFoundAndNearMissesAreNamed) {
  const auto project = Credit();
  EXPECT_THAT(project->FindView("elsewhere").error().message, StartsWith("FeatureViewNotFoundException: Feature view elsewhere does not exist in project credit"));
  EXPECT_THAT(project->FindView("stat").error().message, HasSubstr("did you mean stats?"));
  EXPECT_EQ(Project::Make(Snapshot(kCredit), "none").error().code, ErrorCode::kNotFound);
}

TEST(Project, ResolvesReferencesInTheirOrderByView) {
  const auto project = Credit();
  const std::vector<std::string> references = {"stats:rate", "world:trips", "stats:trips"};
  const auto wanted = project->Resolve(references).value();
  ASSERT_EQ(wanted.size(), 2u);
  EXPECT_EQ(wanted[0].view->name, "stats");
  EXPECT_THAT(wanted[0].features, ElementsAre(1u, 0u));
  EXPECT_EQ(wanted[1].alias, "world");
}

TEST(Project, TakesTheCurrentVersionAndRefusesOthers) {
  const auto project = Credit();
  EXPECT_EQ(project->Resolve(std::vector<std::string>{"stats@v2:rate"}).value()[0].alias, "stats@v2");
  EXPECT_EQ(project->Resolve(std::vector<std::string>{"stats@latest:rate"}).value()[0].alias, "stats");
  EXPECT_THAT(project->Resolve(std::vector<std::string>{"stats@v1:rate"}).error().message, StartsWith("FeatureViewVersionNotFound: "));
  EXPECT_THAT(project->Resolve(std::vector<std::string>{"stats@v99999999999:rate"}).error().message, StartsWith("FeatureViewNotFoundException: "));
}

TEST(Project, RefusesWhatCannotBeResolved) {
  const auto project = Credit();
  for (const auto& [references, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, "No features specified"},
           {{"stats"}, "Invalid feature reference 'stats'"},
           {{"stats:"}, "Feature  not found in projection stats"},
           {{"stats:trip"}, "did you mean trips?"},
           {{"stats:trips", "stats:trips"}, "FeatureNameCollisionError"},
           {{"stats:trips", "stats@latest:trips"}, "FeatureNameCollisionError"},
           {{"lost:x"}, "EntityNotFoundException: Entity nobody does not exist in project credit"}}) {
    const auto wanted = project->Resolve(references);
    ASSERT_FALSE(wanted.has_value());
    EXPECT_THAT(wanted.error().message, HasSubstr(message));
  }
}

TEST(Project, ResolvesAServiceWithAliasAndJoinKeyMap) {
  const auto project = Credit();
  const auto wanted = project->ResolveService("v1").value();
  EXPECT_EQ(wanted[0].alias, "mine");
  EXPECT_EQ(wanted[0].join_key_map.at("driver_id"), "origin");
  EXPECT_THAT(wanted[0].features, ElementsAre(1u));
  EXPECT_THAT(project->ResolveService("old").error().message, HasSubstr("Feature view gone does not exist"));
  EXPECT_THAT(project->ResolveService("v2").error().message, StartsWith("FeatureServiceNotFoundException: "));
}

TEST(Project, NamesThatCollideAreToldApartByFullNames) {
  const auto project = Credit();
  const auto wanted = project->Resolve(std::vector<std::string>{"stats:trips", "world:trips"}).value();
  EXPECT_THAT(CheckNames(wanted, false).error().message, StartsWith("FeatureNameCollisionError: Duplicate features named trips found."));
  EXPECT_TRUE(CheckNames(wanted, true).has_value());
}

TEST(Project, FindsTheViewsOfAPushSource) {
  const auto project = Credit();
  EXPECT_EQ(project->FedBy("live").value().front()->name, "stats");
  EXPECT_EQ(project->FedBy("").error().message, "PushSourceNotFoundException: Unable to find push source ''.");
}

TEST(Failure, TellsTheClassThatAClientRaises) {
  EXPECT_EQ(ErrorDetail(FeatureViewNotFound("v", "p").error()),
            R"({"module":"feast.errors","class":"FeatureViewNotFoundException","message":"Feature view v does not exist in project p"})");
  EXPECT_EQ(ErrorDetail({ErrorCode::kInvalidArgument, "os.system: no"}), R"({"module":"feast.errors","class":"FeastError","message":"os.system: no"})");
  EXPECT_EQ(ExceptionOf({ErrorCode::kPermissionDenied, "no"}).name, "FeastPermissionError");
}

}  // namespace
}  // namespace sw::feast
