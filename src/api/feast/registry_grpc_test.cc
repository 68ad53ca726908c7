#include "api/feast/registry_grpc.h"

#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <gtest/gtest.h>
#include <proto/feast_registry.pb.h>

#include "api/grpc/fakes.h"
#include "base/errors.h"
#include "base/files.h"
#include "net/dispatch.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;
namespace wire = ::feast::registry;
using google::protobuf::Empty;
using testing::ElementsAre;
using testing::HasSubstr;

class RegistryGrpcTest : public testing::Test {
 protected:
  RegistryGrpcTest() : router_(net::Router::Make(RegistryRoutes(registry_.get(), clock_, &ids_)).value()) {}
  ~RegistryGrpcTest() override { static_cast<void>(base::RemoveFolder(folder_)); }

  template <typename Request>
  net::Response Send(const std::string& method, const std::string& text) {
    return net::Dispatch(router_, grpc::CallOf("/feast.registry.RegistryServer/" + method, grpc::FromText<Request>(text)));
  }
  template <typename Request, typename Answer>
  Answer Ask(const std::string& method, const std::string& text) {
    return grpc::AnswerOf<Answer>(Send<Request>(method, text));
  }
  template <typename Request>
  std::string Refused(const std::string& method, const std::string& text) {
    return net::PercentDecode(grpc::RefusalOf(Send<Request>(method, text))).value();
  }
  template <typename Request>
  void Do(const std::string& method, const std::string& text) {
    Ask<Request, Empty>(method, text);
  }
  void AddEntities(std::initializer_list<std::string> names) {
    for (const std::string& name : names) {
      Do<wire::ApplyEntityRequest>("ApplyEntity", fmt::format("project: 'credit' entity {{ spec {{ name: '{}' tags {{ key: 'first' value: '{}' }} }} }}", name, name[0]));
    }
  }
  std::vector<std::string> Listed(const std::string& text) {
    std::vector<std::string> names;
    const auto list = Ask<wire::ListEntitiesRequest, wire::ListEntitiesResponse>("ListEntities", "project: 'credit' " + text);
    for (const core::Entity& entity : list.entities()) names.push_back(entity.spec().name());
    return names;
  }

  const std::string folder_ = base::MakeTempFolder("sw-feast-").value();
  base::ManualClock clock_{1'700'000'000'000'000};
  base::IdGenerator ids_{clock_, base::Random(1)};
  std::unique_ptr<Registry> registry_ = Registry::Open(base::JoinPath(folder_, "registry.db"), clock_, ids_).value();
  net::Router router_;
};

constexpr const char* kView = R"(project: 'credit' feature_view { spec { name: 'stats' entities: 'driver' batch_source { name: 'table' type: BATCH_FILE }
  features { name: 'rate' value_type: FLOAT tags { key: 'a' value: 'b' } } features { name: 'days' value_type: INT64_LIST } owner: 'me' } })";

TEST_F(RegistryGrpcTest, EveryMethodOfFeastsServiceIsARoute) {
  const google::protobuf::ServiceDescriptor& service = *wire::Feature::descriptor()->file()->service(0);
  ASSERT_EQ(service.full_name(), "feast.registry.RegistryServer");
  EXPECT_EQ(router_.Routes().size(), static_cast<std::size_t>(service.method_count()));
  for (int i = 0; i < service.method_count(); ++i) {
    const net::Match match = router_.Find(net::Method::kPost, "/feast.registry.RegistryServer/" + service.method(i)->name(), {});
    ASSERT_NE(match.route, nullptr) << service.method(i)->name();
    EXPECT_THAT(match.route->scope, testing::StartsWith("features."));
  }
}

TEST_F(RegistryGrpcTest, WhatIsAppliedIsReadAndDeleted) {
  AddEntities({"driver"});
  const auto entity = Ask<wire::GetEntityRequest, core::Entity>("GetEntity", "name: 'driver' project: 'credit'");
  EXPECT_EQ(entity.spec().project(), "credit");
  EXPECT_EQ(entity.meta().created_timestamp().seconds(), 1'700'000'000);
  Do<wire::DeleteEntityRequest>("DeleteEntity", "name: 'driver' project: 'credit'");
  EXPECT_THAT(Listed(""), ElementsAre());
}

TEST_F(RegistryGrpcTest, AnErrorIsFeastsExceptionAgain) {
  EXPECT_EQ(Refused<wire::GetEntityRequest>("GetEntity", "name: 'x' project: 'credit'"),
            R"(5 {"module":"feast.errors","class":"EntityNotFoundException","message":"Entity x does not exist in project credit"})");
  EXPECT_THAT(Refused<wire::GetProjectRequest>("GetProject", "name: 'x'"), HasSubstr(R"("ProjectObjectNotFoundException","message":"Project x does not exist")"));
  EXPECT_THAT(Refused<wire::DeleteFeatureViewRequest>("DeleteFeatureView", "name: 'x' project: 'credit'"), HasSubstr("FeatureViewNotFoundException"));
  EXPECT_THAT(Refused<wire::ApplyFeatureViewRequest>("ApplyFeatureView", "project: 'credit'"), HasSubstr("holds no feature view"));
  EXPECT_THAT(Refused<wire::GetDatasetDataRequest>("GetDatasetData", ""), testing::StartsWith("12 "));
}

TEST_F(RegistryGrpcTest, ListsAreSortedCutAndFilteredByTags) {
  AddEntities({"b", "C", "a", "Bb"});
  EXPECT_THAT(Listed(""), ElementsAre("b", "C", "a", "Bb"));
  EXPECT_THAT(Listed("sorting { sort_by: 'name' }"), ElementsAre("a", "b", "Bb", "C"));
  EXPECT_THAT(Listed("sorting { sort_by: 'spec.name' sort_order: 'DESC' }"), ElementsAre("C", "Bb", "b", "a"));
  EXPECT_THAT(Listed("sorting { sort_by: 'no.such' } pagination { page: 2 limit: 3 }"), ElementsAre("Bb"));
  EXPECT_THAT(Listed("tags { key: 'first' value: 'b' }"), ElementsAre("b"));
  EXPECT_THAT(Listed("pagination { page: 2147483647 limit: 2147483647 }"), ElementsAre());
  const auto list = Ask<wire::ListEntitiesRequest, wire::ListEntitiesResponse>("ListEntities", "project: 'credit' pagination { page: 1 limit: 3 }");
  EXPECT_EQ(list.pagination().ShortDebugString(), "page: 1 limit: 3 total_count: 4 total_pages: 2 has_next: true");
}

TEST_F(RegistryGrpcTest, AViewIsFoundWhateverItsKind) {
  Do<wire::ApplyFeatureViewRequest>("ApplyFeatureView", kView);
  Do<wire::ApplyFeatureViewRequest>("ApplyFeatureView", R"(project: 'credit' on_demand_feature_view { spec { name: 'ratio' sources { key: 'in'
    value { request_data_source { name: 'asked' type: REQUEST_SOURCE } } } } })");
  Do<wire::ApplyFeatureViewRequest>("ApplyFeatureView", "project: 'credit' label_view { spec { name: 'labels' } }");
  const auto any = Ask<wire::GetAnyFeatureViewRequest, wire::GetAnyFeatureViewResponse>("GetAnyFeatureView", "name: 'ratio' project: 'credit'");
  EXPECT_TRUE(any.any_feature_view().has_on_demand_feature_view());
  const auto names = [&](const std::string& filter) {
    std::vector<std::string> found;
    const auto all = Ask<wire::ListAllFeatureViewsRequest, wire::ListAllFeatureViewsResponse>("ListAllFeatureViews", "project: 'credit' " + filter);
    for (const auto& view : all.feature_views()) found.push_back(view.has_feature_view() ? view.feature_view().spec().name() : view.on_demand_feature_view().spec().name());
    return found;
  };
  EXPECT_THAT(names(""), ElementsAre("stats", "ratio"));
  EXPECT_THAT(names("sorting { sort_by: 'name' }"), ElementsAre("ratio", "stats"));
  EXPECT_THAT(names("entity: 'driver'"), ElementsAre("stats"));
  EXPECT_THAT(names("feature: 'days'"), ElementsAre("stats"));
  EXPECT_THAT(names("data_source: 'asked'"), ElementsAre("ratio"));
  EXPECT_THAT(names("feature_service: 'none'"), ElementsAre());
  EXPECT_THAT(names("updated_since { seconds: 1700000001 }"), ElementsAre());
  EXPECT_THAT(names("updated_since { seconds: 1700000000 }"), ElementsAre("stats", "ratio"));
}

TEST_F(RegistryGrpcTest, FeaturesAreListedWithTheirTypes) {
  Do<wire::ApplyFeatureViewRequest>("ApplyFeatureView", kView);
  const auto list = Ask<wire::ListFeaturesRequest, wire::ListFeaturesResponse>("ListFeatures", "project: 'credit'");
  ASSERT_EQ(list.features_size(), 2);
  EXPECT_EQ(list.features(0).type(), "Float32");
  EXPECT_EQ(list.features(1).type(), "Array(Int64)");
  EXPECT_EQ(list.features(0).owner(), "me");
  EXPECT_EQ(list.features(0).tags().at("a"), "b");
  EXPECT_EQ((Ask<wire::GetFeatureRequest, wire::Feature>("GetFeature", "project: 'credit' feature_view: 'stats' name: 'days'").feature_view()), "stats");
  EXPECT_THAT(Refused<wire::GetFeatureRequest>("GetFeature", "project: 'credit' feature_view: 'stats' name: 'x'"), HasSubstr("FeastObjectNotFoundException"));
}

TEST_F(RegistryGrpcTest, LineageGoesThroughViews) {
  Do<wire::ApplyFeatureViewRequest>("ApplyFeatureView", kView);
  Do<wire::ApplyFeatureServiceRequest>("ApplyFeatureService", "project: 'credit' feature_service { spec { name: 'v1' features { feature_view_name: 'stats' } } }");
  const auto lineage = Ask<wire::GetRegistryLineageRequest, wire::GetRegistryLineageResponse>("GetRegistryLineage", "project: 'credit'");
  std::vector<std::string> direct;
  for (const auto& one : lineage.relationships()) direct.push_back(one.source().type() + ":" + one.source().name() + " " + one.target().type());
  EXPECT_THAT(direct, ElementsAre("featureView:stats featureService", "entity:driver featureView", "feature:rate featureView", "feature:days featureView",
                                  "dataSource:table featureView"));
  EXPECT_EQ(lineage.indirect_relationships_size(), 5);  // four to the service, the entity to the source
  const auto of = Ask<wire::GetObjectRelationshipsRequest, wire::GetObjectRelationshipsResponse>(
      "GetObjectRelationships", "project: 'credit' object_type: 'dataSource' object_name: 'table' include_indirect: true");
  EXPECT_EQ(of.relationships_size(), 3);
}

TEST_F(RegistryGrpcTest, TheWholeRegistryHasNeitherHistoryNorMetadata) {
  Do<wire::ApplyFeatureViewRequest>("ApplyFeatureView", kView);
  const auto objects = Ask<Empty, core::Registry>("Proto", "");
  EXPECT_EQ(objects.feature_views_size(), 1);
  EXPECT_EQ(objects.projects_size(), 1);
  EXPECT_EQ(objects.project_metadata_size() + objects.feature_view_version_history().records_size(), 0);
  EXPECT_TRUE(base::IsUuid(objects.version_id()));
}

TEST_F(RegistryGrpcTest, AProtectedProjectIsNotListed) {
  Do<wire::ApplyProjectRequest>("ApplyProject", "project { spec { name: 'open' } }");
  Do<wire::ApplyProjectRequest>("ApplyProject", "project { spec { name: 'shut' tags { key: 'feast.dev/protected-project' value: 'true' } } }");
  const auto list = Ask<wire::ListProjectsRequest, wire::ListProjectsResponse>("ListProjects", "");
  ASSERT_EQ(list.projects_size(), 1);
  EXPECT_EQ(list.projects(0).spec().name(), "open");
}

TEST_F(RegistryGrpcTest, ARegistryThatCannotBeReadIsAnErrorOfItsOwn) {
  ASSERT_TRUE(base::WriteFileAtomic(base::JoinPath(folder_, "registry.db"), "no registry").has_value());
  EXPECT_THAT(Refused<wire::GetProjectRequest>("GetProject", "name: 'x'"), testing::StartsWith("15 "));
}

}  // namespace
}  // namespace sw::feast
