#include "app/container_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "app/model_folder.h"
#include "base/files.h"
#include "base/memory.h"
#include "serve/fakes.h"
#include "store/temp_folder.h"

namespace sw::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kGib = 1ull << 30;

class ContainerModelsTest : public testing::Test {
 protected:
  ContainerModelsTest() { MakeModel("models/a/model"); }
  // A folder with a LightGBM model in it.
  void MakeModel(const std::string& path) {
    const std::string folder = folder_ / path;
    ASSERT_TRUE(base::MakeFolders(folder));
    ASSERT_TRUE(base::WriteFileAtomic(folder + "/model.txt", base::ReadFile(SW_SOURCE_DIR "/src/model/testdata/binary.txt").value()));
  }
  std::string Load(ContainerModels& models, std::string name, std::string url) {
    const Status loaded = models.Load({std::move(name), std::move(url)});
    return loaded ? "" : std::string(base::ErrorCodeName(loaded.error().code)) + " " + loaded.error().message;
  }
  ContainerModels Make(std::uint64_t memory_bytes_max) {
    memory_.emplace(model::MemoryBudget::Options{.bytes_max = memory_bytes_max, .used = [] { return base::PrivateBytes(); },
                                                 .holders = [this] { return serve_.endpoints->MemoryHolders(); }, .counters = &serve_.counters});
    loader_.emplace(model::PackageLoader::Options{.memory = &*memory_});
    return ContainerModels({.settings = &settings_, .endpoints = serve_.endpoints.get(), .log = &log_, .loader = &*loader_, .folder = folder_ / "models"});
  }

  store::TempFolder folder_;
  std::optional<model::MemoryBudget> memory_;
  std::optional<model::PackageLoader> loader_;  // outlives what is served
  serve::ServeFixture serve_;
  base::Logger log_ = base::Logger::Null(serve_.clock);
  const Settings settings_ = Settings::Resolve({}, [](const char*) -> const char* { return nullptr; }).value();
};

TEST_F(ContainerModelsTest, LoadsServesAndUnloads) {
  ContainerModels models = Make(64 * kGib);
  const std::string url = folder_ / "models/a/model";
  EXPECT_EQ(Load(models, "a", url), "");
  EXPECT_EQ(Load(models, "b", "file://" + url), "");
  EXPECT_THAT(models.Models(), ElementsAre(sagemaker::HostedModel{"a", url}, sagemaker::HostedModel{"b", "file://" + url}));
  ASSERT_NE(serve_.endpoints->Find("a"), nullptr);
  EXPECT_EQ(serve_.endpoints->Find("a")->request.fields[0].name, "Column_0");
  EXPECT_THAT(Load(models, "a", url), HasSubstr("ALREADY_EXISTS"));
  EXPECT_TRUE(models.Unload("a"));
  EXPECT_EQ(serve_.endpoints->Find("a"), nullptr);
  EXPECT_EQ(models.Unload("a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Load(models, "a", url), "");  // and again
}

TEST_F(ContainerModelsTest, RefusesWhatItCannotOrMayNotLoad) {
  ContainerModels models = Make(64 * kGib);
  MakeModel("elsewhere");
  EXPECT_THAT(Load(models, "a", folder_ / "elsewhere"), HasSubstr("INVALID_ARGUMENT url"));
  EXPECT_THAT(Load(models, "a", folder_ / "models/../elsewhere"), HasSubstr("lies outside of"));
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", folder_ / "models/link");
  EXPECT_THAT(Load(models, "a", folder_ / "models/link"), HasSubstr("lies outside of"));
  EXPECT_THAT(Load(models, "a", folder_ / "models/none"), HasSubstr("NOT_FOUND"));
  EXPECT_THAT(Load(models, "a/b", folder_ / "models/a/model"), HasSubstr("INVALID_ARGUMENT model_name"));
  ASSERT_TRUE(base::MakeFolders(folder_ / "models/bad"));
  ASSERT_TRUE(base::WriteFileAtomic(folder_ / "models/bad/model", "no model"));
  EXPECT_THAT(Load(models, "bad", folder_ / "models/bad"), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_TRUE(models.Models().empty());
}

TEST_F(ContainerModelsTest, RefusesAModelForWhichThereMayBeNoRoom) {
  ContainerModels models = Make(1 << 20);  // this test alone uses more
  EXPECT_THAT(Load(models, "a", folder_ / "models/a/model"), HasSubstr("RESOURCE_EXHAUSTED no room for model a: it may take"));
  EXPECT_EQ(serve_.endpoints->Find("a"), nullptr);
  EXPECT_TRUE(models.Models().empty());
}

TEST_F(ContainerModelsTest, FindsTheOneModelOfAFolder) {
  const auto find = [&](const std::string& path) {
    const auto package = ServableModel(settings_, folder_ / path);
    return package ? (*package)->content().format : package.error().message;
  };
  MakeModel("one/archive/model");
  EXPECT_EQ(find("one"), "lightgbm");
  EXPECT_EQ(find("one/archive/model/model.txt"), "lightgbm");
  ASSERT_TRUE(base::WriteFileAtomic(folder_ / "one/archive/model/notes.txt", "x"));
  EXPECT_THAT(find("one"), HasSubstr("holds model.txt, notes.txt: which of them is the model?"));
  ASSERT_TRUE(base::MakeFolders(folder_ / "empty"));
  EXPECT_THAT(find("empty"), HasSubstr("is empty"));
}

}  // namespace
}  // namespace sw::app
