#include "model/package.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "base/files.h"
#include "model/formats/linear.h"
#include "model/map_blobs.h"
#include "model/package_fixture.h"

namespace sw::model {
namespace {

data::Batch Requests() {
  data::Batch rows(data::Schema{{{"origin", data::Type::kString}, {"hour", data::Type::kInt64}}});
  for (const auto& [origin, hour] : {std::pair{"EWR", 6}, {"JFK", 18}, {"LGA", 12}}) {
    rows.column(0).AppendString(origin);
    rows.column(1).AppendInt(hour);
  }
  return rows;
}

PackageContent Content() {
  PackageContent content;
  content.format = "linear";
  content.model = PrintLinear({.terms = {{"origin", 0, 1, 0.5}, {"hour", 12, 6, 1}},
                               .intercept = 0, .transform = Transform::kIdentity});
  content.inputs = {"origin", "hour"};
  content.encoding = LearnEncoding(Requests(), content.inputs).value();
  content.profile = data::ProfileTable(Requests());
  content.contract = data::LearnContract(content.profile, Requests());
  content.golden = {.inputs = Requests(), .expected = {-1.0, 1.5, 1.0}, .raw = {-1.0, 1.5, 1.0}, .from = "numpy 1.26"};
  content.lineage = Json::MakeObject({{"seed", 7}});
  return content;
}

TEST(Package, ComesBackAsItWasWrittenAndScores) {
  MapBlobs blobs;
  const std::string id = WritePackage(Content(), blobs.Put()).value();
  const auto package = LoadPackage(id, blobs.Get()).value();
  EXPECT_EQ(package->id(), id);
  EXPECT_EQ(package->content().golden, Content().golden);
  EXPECT_EQ(package->content().encoding, Content().encoding);
  EXPECT_EQ(package->content().contract, Content().contract);
  EXPECT_EQ(package->content().lineage.IntOr("seed", 0), 7);
  EXPECT_EQ(package->content().model, "");  // its engine has read it
  EXPECT_EQ(ReadPackage(id, blobs.Get()).value().model, Content().model);
  std::vector<double> scores(3);
  ASSERT_TRUE(package->Score(Requests(), scores));
  EXPECT_EQ(scores, Content().golden.expected);
}

TEST(Package, SameContentHasTheSameId) {
  MapBlobs one, two;
  EXPECT_EQ(WritePackage(Content(), one.Put()).value(), WritePackage(Content(), two.Put()).value());
}

TEST(Package, IsRefusedWhenAGoldenRowDiffers) {
  MapBlobs blobs;
  PackageContent content = Content();
  content.golden.expected[1] = 1.25;
  const auto package = LoadPackage(WritePackage(content, blobs.Put()).value(), blobs.Get());
  ASSERT_FALSE(package.has_value());
  EXPECT_EQ(package.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(package.error().message.find("golden row 1 expects 1.25"), std::string::npos) << package.error().message;
}

TEST(Package, IsVerifiedByTwoHundredGoldenRowsAndNoFewer) {
  MapBlobs blobs;
  PackageContent content = Content();
  const auto unverified = [&] {
    return LoadPackage(WritePackage(content, blobs.Put()).value(), blobs.Get()).value()->unverified();
  };
  content.golden = Repeated(Content().golden, 66);
  EXPECT_EQ(unverified(), "it has 198 golden rows, 200 are needed");
  content.golden = Repeated(Content().golden, 67);
  EXPECT_EQ(unverified(), "");
  content.golden = {};
  EXPECT_EQ(unverified(), "it has no golden rows");
  content.no_golden = "no Python is named";
  EXPECT_EQ(unverified(), "it has no golden rows: no Python is named");
}

Result<std::unique_ptr<const Package>> ThroughBlobs(const PackageContent& content) {
  MapBlobs blobs;
  return LoadPackage(SW_TRY(WritePackage(content, blobs.Put())), blobs.Get());
}

TEST(Package, OfSeveralOutputsScoresThemAllButNotForEndpoints) {
  const auto package = ThroughBlobs(ClassesContent("xgboost")).value();
  EXPECT_TRUE(package->is_verified()) << package->unverified();
  const GoldenRows& golden = package->content().golden;
  const std::size_t outputs = package->engine().outputs(Output::kRaw);
  ASSERT_GT(outputs, 1u);
  std::vector<double> raw(golden.inputs.num_rows() * outputs);
  ASSERT_TRUE(package->Score(golden.inputs, Output::kRaw, raw));
  EXPECT_EQ(raw, golden.raw);
  std::vector<double> one(golden.inputs.num_rows());
  const Status refused = package->Score(golden.inputs, one);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
}

TEST(Package, OfAnExactModelIsHeldToTheLastBitOfRawScoresAndTwoUlpOfPredictions) {
  const auto message = [](auto change) {
    PackageContent content = ClassesContent("xgboost");
    change(content.golden);
    const auto package = ThroughBlobs(content);
    return package ? std::string() : package.error().message;
  };
  const auto up = [](double x) { return std::nextafter(x, 2 * std::fabs(x)); };
  EXPECT_EQ(message([](GoldenRows&) {}), "");
  EXPECT_NE(message([&](GoldenRows& golden) { golden.raw[7] = up(golden.raw[7]); }).find("raw score"), std::string::npos);
  EXPECT_NE(message([](GoldenRows& golden) { golden.expected[7] *= 1.000001; }).find("prediction 1"), std::string::npos);
  EXPECT_EQ(message([&](GoldenRows& golden) {
              golden.expected[7] = std::nextafter(static_cast<float>(golden.expected[7]), 2.0F);
            }), "") << "XGBoost predicts in float: one step of float may differ";
  EXPECT_NE(message([](GoldenRows& golden) { golden.raw.pop_back(); }), "");
  EXPECT_NE(message([](GoldenRows& golden) { golden.expected.resize(golden.expected.size() / 2); }), "");
  EXPECT_NE(message([](GoldenRows& golden) { golden.raw[0] = std::nan(""); }), "");
}

TEST(Package, WhoseModelReadsOtherColumnsIsRefused) {
  MapBlobs blobs;
  PackageContent content = Content();
  content.golden = {};
  const auto load = [&](std::vector<std::string> inputs) {
    content.inputs = std::move(inputs);
    return LoadPackage(WritePackage(content, blobs.Put()).value(), blobs.Get());
  };
  EXPECT_TRUE(load({"hour", "origin", "day"}).has_value());
  EXPECT_FALSE(load({"origin", "hour", "hour"}).has_value());
  const auto package = load({"origin", "day"});
  ASSERT_FALSE(package.has_value());
  EXPECT_NE(package.error().message.find("reads hour"), std::string::npos) << package.error().message;
}

Result<std::unique_ptr<const Package>> NamedPackage(PackageContent content, std::vector<std::string> names) {
  MapBlobs blobs;
  content.output_names = std::move(names);
  return LoadPackage(WritePackage(content, blobs.Put()).value(), blobs.Get());
}

TEST(Package, KeepsWhatItsPredictionsAreCalled) {
  const std::vector<std::string> names = {"a", "b", "c"};
  const auto classes = NamedPackage(ClassesContent("xgboost"), names).value();
  EXPECT_EQ(classes->outputs(), 3U);
  EXPECT_EQ(classes->output_names(), names);
  EXPECT_TRUE(classes->engine().predicts_classes());
  EXPECT_TRUE(NamedPackage(ClassesContent("xgboost"), {}).value()->output_names().empty());
  EXPECT_TRUE(NamedPackage(Content(), {"no", "yes"}));  // both classes of one prediction
}

TEST(Package, RefusesNamesThatAreNotOneAPrediction) {
  const auto refusal = [](PackageContent content, std::vector<std::string> names) {
    const auto package = NamedPackage(std::move(content), std::move(names));
    return package ? "" : package.error().message;
  };
  EXPECT_EQ(refusal(ClassesContent("xgboost"), {"a", "b"}), "package: 2 names of outputs, the model predicts 3 numbers a row");
  EXPECT_EQ(refusal(Content(), {"a", "b", "c"}), "package: 3 names of outputs, the model predicts 1 numbers a row");
  EXPECT_EQ(refusal(ClassesContent("xgboost"), {"a", "b", "a"}), "package: two outputs are called a");
  EXPECT_EQ(refusal(ClassesContent("xgboost"), {"a", "", "c"}), "package: an output's name has 0 bytes, expected 1 to 256");
  EXPECT_EQ(refusal(ClassesContent("xgboost"), {"a", "b", std::string(257, 'c')}), "package: an output's name has 257 bytes, expected 1 to 256");
}

TEST(Package, OfAPythonModelNeedsAServerThatAllowsIt) {
  MapBlobs blobs;
  PackageContent content = Content();
  content.format = "python";
  content.model = R"({"python": {"environment": "e", "folder": "f"}})";
  EXPECT_EQ(LoadPackage(WritePackage(content, blobs.Put()).value(), blobs.Get()).error().code, ErrorCode::kPermissionDenied);
}

// The forest's tables and paths, the plan's programs: nothing is left to be made by the first request.
TEST(Package, HoldsNoMoreAfterItsFirstRequestsThanBefore) {
  for (const char* format : {"xgboost", "linear"}) {
    MapBlobs blobs;
    const PackageContent content = format == std::string_view("linear") ? Content() : ClassesContent("xgboost");
    const auto package = LoadPackage(WritePackage(content, blobs.Put()).value(), blobs.Get()).value();
    const std::size_t before = package->memory_bytes();
    for (const std::size_t rows : {std::size_t{1}, content.golden.inputs.num_rows()}) {
      std::vector<double> scores(rows * package->outputs());
      ASSERT_TRUE(package->Score(content.golden.inputs.Slice(0, rows), Output::kPrediction, scores));
      EXPECT_EQ(package->memory_bytes(), before) << format << ", " << rows << " rows";
    }
  }
}

TEST(Package, IsRefusedWhenAnyPartIsDamagedOrGone) {
  MapBlobs blobs;
  const std::string id = WritePackage(Content(), blobs.Put()).value();
  for (const auto& [hash, bytes] : std::map(blobs.blobs)) {
    blobs.blobs[hash] = bytes.substr(0, bytes.size() - 1) + "!";
    EXPECT_FALSE(LoadPackage(id, blobs.Get()).has_value()) << bytes;
    blobs.blobs.erase(hash);
    EXPECT_FALSE(LoadPackage(id, blobs.Get()).has_value()) << bytes;
    blobs.blobs[hash] = bytes;
  }
  EXPECT_TRUE(LoadPackage(id, blobs.Get()).has_value());
}

TEST(Package, WrittenByANewerFormatIsRefusedClearly) {
  MapBlobs blobs;
  const std::string id = WritePackage(Content(), blobs.Put()).value();
  Json manifest = Json::Parse(blobs.blobs[id]).value();
  manifest.Set("format_version", 3);
  manifest.Set("reader_min", 2);
  const auto package = LoadPackage(blobs.Put()(manifest.Dump()).value(), blobs.Get());
  ASSERT_FALSE(package.has_value());
  EXPECT_EQ(package.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(package.error().message.find("upgrade"), std::string::npos) << package.error().message;
}

TEST(Encoding, AnUnseenCategoryIsMissing) {
  const Encoding encoding = LearnEncoding(Requests(), {"origin"}).value();
  data::Batch rows(data::Schema{{{"origin", data::Type::kString}}});
  rows.column(0).AppendString("LGA");
  rows.column(0).AppendString("SFO");
  rows.column(0).AppendNull();
  const data::Batch encoded = Encode(encoding, rows, {"origin"}).value();
  EXPECT_EQ(encoded.column(0).Double(0), 2.0);
  EXPECT_TRUE(encoded.column(0).IsNull(1));
  EXPECT_TRUE(encoded.column(0).IsNull(2));
}

TEST(Encoding, TextWhereTrainingHadNumbersIsRefused) {
  PackageContent content = Content();
  content.encoding = {};
  content.golden = {};
  std::vector<double> scores(3);
  EXPECT_FALSE(ThroughBlobs(content).value()->Score(Requests(), scores));
  EXPECT_FALSE(Encode(Encoding{.categories = {{"hour", {"a"}}}}, Requests(), {"hour"}).has_value());
}

TEST(Encoding, RefusesDamagedJson) {
  for (const char* text : {"[]", R"({"a": 1})", R"({"a": [1]})", R"({"a": ["b", "a"]})", R"({"a": ["b", "b"]})"}) {
    EXPECT_FALSE(EncodingFromJson(Json::Parse(text).value()).has_value()) << text;
  }
}

TEST(Linear, RefusesDamagedJson) {
  for (const char* text : {"", "{}", R"({"kind":"linear","transform":"tanh","intercept":0,"terms":[]})",
                           R"({"kind":"linear","transform":"exp","intercept":"x","terms":[]})",
                           R"({"kind":"linear","transform":"exp","intercept":0,"terms":[3]})"}) {
    EXPECT_FALSE(ParseLinear(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace sw::model
