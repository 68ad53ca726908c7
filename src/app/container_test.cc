#include "app/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/files.h"
#include "store/temp_folder.h"

namespace sw::app {
namespace {

using testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

class ContainerOfTest : public testing::Test {
 protected:
  void MakeModel() { ASSERT_TRUE(base::MakeFolders(folder_ / "model")); }
  Result<std::optional<Container>> Of(const Variables& variables, Settings::Flags flags = {}) {
    flags.try_emplace("container_root", folder_.path);
    const Settings::Environment environment = [&](const char* name) -> const char* {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    };
    return ContainerOf(Settings::Resolve(flags, [](const char*) -> const char* { return nullptr; }).value(), environment);
  }
  Container Made(const Variables& variables, Settings::Flags flags = {}) {
    auto container = Of(variables, std::move(flags));
    EXPECT_TRUE(container && *container) << (container ? "none" : container.error().message);
    return container && *container ? **container : Container{};
  }
  std::string Refused(const Variables& variables, Settings::Flags flags = {}) {
    const auto container = Of(variables, std::move(flags));
    return container ? (*container ? "a container" : "none") : container.error().message;
  }
  // As Vertex AI sets them.
  static Variables Vertex(Variables more = {}) {
    more.insert({{"AIP_MODE", "PREDICTION"}, {"AIP_HTTP_PORT", "8081"}, {"AIP_HEALTH_ROUTE", "/health"}, {"AIP_PREDICT_ROUTE", "/predict"}});
    return more;
  }

  store::TempFolder folder_;
};

TEST_F(ContainerOfTest, IsNoneWithADataFolderOrWithoutASign) {
  EXPECT_EQ(Refused({}), "none");
  MakeModel();
  EXPECT_EQ(Refused({{"SAGEMAKER_MULTI_MODEL", "true"}}, {{"data", "x"}}), "none");
  EXPECT_EQ(Refused(Vertex(), {{"container", "none"}}), "none");
  EXPECT_THAT(Refused({}, {{"data", "x"}, {"container", "sagemaker"}}), HasSubstr("--container: a container keeps nothing, and --data"));
}

TEST_F(ContainerOfTest, IsSageMakersWhereItsModelLies) {
  MakeModel();
  const Container container = Made({});
  EXPECT_EQ(container.kind, ContainerKind::kSagemaker);
  EXPECT_EQ(container.listen, "0.0.0.0:8080");
  EXPECT_EQ(container.model_folder, folder_ / "model");
  EXPECT_EQ(container.body_bytes_max, 64U << 20);
  EXPECT_EQ(container.batch.payload_mib_max, 6U);
  EXPECT_EQ(Made({{"SAGEMAKER_BIND_TO_PORT", "21000"}}).listen, "0.0.0.0:21000");
  EXPECT_EQ(Made({{"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv"}}).default_accept, "text/csv");
  EXPECT_EQ(Made({{"SAGEMAKER_MULTI_MODEL", "true"}}).kind, ContainerKind::kSagemakerMultiModel);
}

TEST_F(ContainerOfTest, KeepsToWhatABatchTransformMaySend) {
  MakeModel();
  const Container container = Made({{"SAGEMAKER_BATCH", "true"}, {"SAGEMAKER_MAX_PAYLOAD_IN_MB", "2"}, {"SAGEMAKER_BATCH_STRATEGY", "SingleRecord"},
                                    {"SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "3"}});
  EXPECT_EQ(container.body_bytes_max, 2U << 20);
  EXPECT_EQ(container.batch.payload_mib_max, 2U);
  EXPECT_EQ(container.batch.transforms_max, 3U);
  EXPECT_TRUE(container.batch.is_single_record);
  EXPECT_EQ(Made({{"SAGEMAKER_BATCH", "true"}, {"SAGEMAKER_MAX_PAYLOAD_IN_MB", "0"}}).body_bytes_max, 64U << 20);  // no limit
  EXPECT_EQ(Made({{"SAGEMAKER_MAX_PAYLOAD_IN_MB", "100"}}).batch.transforms_max, 1U);
}

TEST_F(ContainerOfTest, IsVertexAIsByItsVariables) {
  MakeModel();
  const Container container = Made(Vertex());
  EXPECT_EQ(container.kind, ContainerKind::kVertex);
  EXPECT_EQ(container.listen, "0.0.0.0:8081");
  EXPECT_EQ(container.predict_route, "/predict");
  EXPECT_EQ(container.model_folder, folder_ / "model");
  EXPECT_EQ(Made(Vertex({{"AIP_STORAGE_URI", folder_.path}})).model_folder, folder_.path);
  EXPECT_EQ(Made(Vertex({{"AIP_STORAGE_URI", "file://" + folder_.path}})).model_folder, folder_.path);
  const Container usual = Made({{"AIP_MODE", "PREDICTION"}, {"AIP_ENDPOINT_ID", "7"}, {"AIP_DEPLOYED_MODEL_ID", "9"}});
  EXPECT_EQ(usual.health_route, "/v1/endpoints/7/deployedModels/9");
  EXPECT_EQ(usual.predict_route, "/v1/endpoints/7/deployedModels/9:predict");
}

TEST_F(ContainerOfTest, NamesWhatIsWrong) {
  EXPECT_THAT(Refused({}, {{"container", "sagemaker"}}), HasSubstr("there is no model in"));
  EXPECT_THAT(Refused(Vertex()), HasSubstr("AIP_STORAGE_URI is not set"));
  EXPECT_THAT(Refused(Vertex({{"AIP_STORAGE_URI", "/none"}})), HasSubstr("there is no model in /none"));
  EXPECT_THAT(Refused(Vertex({{"AIP_STORAGE_URI", "gs://bucket/m"}})), HasSubstr("reads no bucket; put the model into the image's folder"));
  EXPECT_THAT(Refused({{"AIP_MODE", "TRAINING"}}), HasSubstr("AIP_MODE: expected PREDICTION"));
  EXPECT_THAT(Refused({{"AIP_MODE", "PREDICTION"}}), HasSubstr("AIP_HEALTH_ROUTE: expected a path"));
  EXPECT_THAT(Refused({{"AIP_HTTP_PORT", "x"}}), HasSubstr("AIP_HTTP_PORT: expected a number"));
  EXPECT_THAT(Refused({{"AIP_PREDICT_ROUTE", "/{x}"}, {"AIP_HEALTH_ROUTE", "/"}}), HasSubstr("AIP_PREDICT_ROUTE: expected a path"));
  MakeModel();
  EXPECT_THAT(Refused({{"SAGEMAKER_BIND_TO_PORT", "70000"}}), HasSubstr("SAGEMAKER_BIND_TO_PORT: expected a number from 0 to 65535"));
  EXPECT_THAT(Refused({{"SAGEMAKER_BATCH_STRATEGY", "All"}}), HasSubstr("expected MultiRecord or SingleRecord"));
  EXPECT_THAT(Refused({{"SAGEMAKER_MAX_PAYLOAD_IN_MB", "101"}}), HasSubstr("from 0 to 100"));
}

}  // namespace
}  // namespace sw::app
