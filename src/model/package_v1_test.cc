// Opens a package that format 1 wrote: what is in registries today must stay readable, with the scores
// that it had.
//
// To write the sample of a new format (never to overwrite an old one), run with
// SW_WRITE_SAMPLE=FOLDER and move that folder to testdata/package_vN.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "model/package.h"
#include "model/package_fixture.h"

namespace sw::model {
namespace {

constexpr const char* kSample = SW_SOURCE_DIR "/src/model/testdata/package_v1";

PackageContent Content() {
  PackageContent content = ClassesContent("xgboost 3.2.0");
  const data::Batch rows = content.golden.inputs.Slice(0, content.golden.inputs.num_rows() / 4);  // once each
  content.profile = data::ProfileTable(rows);
  content.contract = data::LearnContract(content.profile, rows);
  content.report = Json::MakeObject({{"log_loss", Json::MakeObject({{"value", 0.5}})}});
  content.lineage = Json::MakeObject({{"seed", 7}});
  return content;
}

Status WriteSample(const std::string& folder) {
  SW_TRY(base::MakeFolders(folder));
  const auto put = [&](std::string_view bytes) -> Result<std::string> {
    std::string hash = base::Sha256Hex(bytes);
    SW_TRY(base::WriteFileAtomic(base::JoinPath(folder, hash), bytes));
    return hash;
  };
  return base::WriteFileAtomic(base::JoinPath(folder, "id"), SW_TRY(WritePackage(Content(), put)));
}

TEST(PackageV1, IsReadWithTheScoresThatItHad) {
  if (const char* folder = std::getenv("SW_WRITE_SAMPLE")) {
    ASSERT_TRUE(WriteSample(folder));
    return;
  }
  const std::string id = base::ReadFile(base::JoinPath(kSample, "id")).value();
  const auto package = LoadPackage(id, [](std::string_view hash) {
    return base::ReadFile(base::JoinPath(kSample, hash));
  });
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_TRUE((*package)->is_verified());
  EXPECT_EQ((*package)->content().golden.from, "xgboost 3.2.0");
  EXPECT_EQ((*package)->content().inputs, Content().inputs);
  EXPECT_EQ((*package)->content().contract, Content().contract);
  EXPECT_EQ((*package)->content().report, Content().report);
  EXPECT_EQ((*package)->content().golden, Content().golden);
  std::vector<double> raw(Content().golden.raw.size());
  ASSERT_TRUE((*package)->Score(Content().golden.inputs, Output::kRaw, raw));
  EXPECT_EQ(raw, Content().golden.raw);
}

}  // namespace
}  // namespace sw::model
