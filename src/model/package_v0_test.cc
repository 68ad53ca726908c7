// Opens a package that format 0 wrote: what is in registries today must stay readable, with the scores
// that it had.
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "base/files.h"
#include "model/formats/linear.h"
#include "model/package.h"

namespace sw::model {
namespace {

constexpr const char* kSample = SW_SOURCE_DIR "/src/model/testdata/package_v0";

Result<std::string> ReadPart(const std::string& folder, std::string_view hash) {
  return base::ReadFile(base::JoinPath(folder, hash));
}

data::Batch Requests() {
  data::Batch rows(data::Schema{{{"origin", data::Type::kString}, {"hour", data::Type::kInt64}, {"wind", data::Type::kFloat64}}});
  for (int i = 0; i < 6; ++i) {
    rows.column(0).AppendString(i % 2 == 0 ? "EWR" : "JFK");
    rows.column(1).AppendInt(3 * i);
    if (i == 4) {
      rows.column(2).AppendNull();
    } else {
      rows.column(2).AppendDouble(1.5 * i);
    }
  }
  return rows;
}

PackageContent Content() {
  PackageContent content;
  content.format = "linear";
  content.model = PrintLinear({.terms = {{"origin", 0, 1, 0.5}, {"hour", 9, 4.5, 1.25}, {"wind", 3, 2, -0.75}},
                               .intercept = -0.5, .transform = Transform::kSigmoid});
  content.inputs = {"origin", "hour", "wind"};
  content.encoding = LearnEncoding(Requests(), content.inputs).value();
  content.profile = data::ProfileTable(Requests());
  content.contract = data::LearnContract(content.profile, Requests());
  content.report = Json::MakeObject({{"brier", Json::MakeObject({{"value", 0.125}})}});
  content.lineage = Json::MakeObject({{"seed", 7}});
  content.golden.inputs = Requests();
  return content;
}

TEST(PackageV0, IsReadWithTheScoresThatItHad) {
  const std::string id = base::ReadFile(base::JoinPath(kSample, "id")).value();
  const auto package = LoadPackage(id, [](std::string_view hash) { return ReadPart(kSample, hash); });
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_TRUE((*package)->is_verified());
  EXPECT_EQ((*package)->content().inputs, Content().inputs);
  EXPECT_EQ((*package)->content().contract, Content().contract);
  EXPECT_EQ((*package)->content().report, Content().report);
  std::vector<double> scores(Requests().num_rows());
  ASSERT_TRUE((*package)->Score(Requests(), scores));
  EXPECT_EQ(scores, (*package)->content().golden.expected);
  const double sum = 0.5 + (3 - 9) / 4.5 * 1.25 + (1.5 - 3) / 2 * -0.75 - 0.5;  // JFK, 3 o'clock, a wind of 1.5
  EXPECT_NEAR(scores[1], 1 / (1 + std::exp(-sum)), 1e-15);
}

}  // namespace
}  // namespace sw::model
