#include "model/model_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"

namespace sw::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kFixtures = std::string(SW_SOURCE_DIR) + "/src/model/testdata/";

class ModelReaderTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = base::MakeTempFolder("model-reader-test").value(); }
  void TearDown() override { EXPECT_TRUE(base::RemoveFolder(folder_)); }

  std::string In(std::string_view name) const { return base::JoinPath(folder_, name); }
  void Write(std::string_view name, std::string_view bytes) const {
    ASSERT_TRUE(base::WriteFileAtomic(In(name), bytes));
  }
  void Copy(const std::string& fixture, std::string_view name) const {
    Write(name, base::ReadFile(kFixtures + fixture).value());
  }
  void WriteMlmodel(const std::string& data, const std::string& inputs = "",
                    const std::string& flavor = "onnx") const {
    const std::string signature = inputs.empty() ? "" : "signature: {inputs: '" + inputs + "'}\n";
    Write("MLmodel", "flavors: {" + flavor + ": {data: '" + data + "'}}\n" + signature);
  }
  std::string Refusal() const {
    const auto model = ReadModel(folder_);
    return model ? "not refused" : model.error().message;
  }

  std::string folder_;
};

TEST_F(ModelReaderTest, AFileIsReadByItsContent) {
  Copy("binary.txt", "anything");
  const StoredModel model = ReadModel(In("anything")).value();
  EXPECT_EQ(model.format, "lightgbm");
  EXPECT_EQ(model.bytes, base::ReadFile(kFixtures + "binary.txt").value());
  EXPECT_TRUE(model.origin.IsNull());
  EXPECT_TRUE(MakeEngine(model).has_value());
}

TEST_F(ModelReaderTest, ErrorsNameThePath) {
  Write("model.pkl", "\x80\x04\x95");
  EXPECT_THAT(ReadModel(In("model.pkl")).error().message,
              HasSubstr(In("model.pkl") + ": this is a Python pickle"));
  EXPECT_EQ(ReadModel(In("absent")).error().code, ErrorCode::kNotFound);
}

TEST_F(ModelReaderTest, AnMlflowFolderBringsColumnsExampleAndOrigin) {
  Copy("mlflow/onnx.yaml", "MLmodel");
  Copy("mlflow/example.json", "input_example.json");
  Copy("onnx/dot.onnx", "model.onnx");
  const StoredModel model = ReadModel(folder_).value();
  EXPECT_EQ(model.format, "onnx");
  EXPECT_EQ(model.example.value().num_rows(), 3);
  EXPECT_EQ(model.origin.StringOr("library_version", ""), "1.23.2");
  EXPECT_THAT(MakeEngine(model).value()->inputs(),
              ElementsAre("a", "b", "c"));  // the model says x_0, x_1, x_2
}

TEST_F(ModelReaderTest, ASignatureOfOtherSizeIsRefused) {
  WriteMlmodel("model.onnx", R"([{"name": "a", "type": "double"}])");
  Copy("onnx/dot.onnx", "model.onnx");
  EXPECT_THAT(MakeEngine(ReadModel(folder_).value()).error().message,
              HasSubstr("reads 3 columns, 1 names are given"));
}

TEST_F(ModelReaderTest, TensorsBesideAnOnnxModelAreReadWithinItsFolder) {
  Copy("onnx/external.onnx", "model.onnx");
  EXPECT_EQ(ReadModel(In("model.onnx")).error().code, ErrorCode::kNotFound);
  Copy("onnx/external.bin", "external.bin");
  EXPECT_TRUE(MakeEngine(ReadModel(In("model.onnx")).value()).has_value());
  ASSERT_TRUE(base::MakeFolders(In("data")));
  Copy("onnx/external.onnx", "data/model.onnx");
  WriteMlmodel("data/model.onnx");
  EXPECT_THAT(Refusal(), HasSubstr("external.bin"));  // looked for in data/
  ASSERT_EQ(symlink(In("external.bin").c_str(), In("data/external.bin").c_str()), 0);
  EXPECT_THAT(Refusal(), HasSubstr("not followed"));
  std::filesystem::rename(In("external.bin"), In("data/external.bin"));
  EXPECT_TRUE(MakeEngine(ReadModel(folder_).value()).has_value());
}

TEST_F(ModelReaderTest, PathsThatLeaveTheFolderAreRefused) {
  ASSERT_TRUE(base::MakeFolders(In("model/x")));
  Copy("onnx/dot.onnx", "dot.onnx");
  for (const std::string& path :
       {std::string("../dot.onnx"), In("dot.onnx"), std::string("x/../../dot.onnx")}) {
    Write("model/MLmodel", "flavors: {onnx: {data: '" + path + "'}}");
    const auto model = ReadModel(In("model"));
    ASSERT_FALSE(model.has_value()) << path;
    EXPECT_NE(model.error().message.find("leaves its folder"), std::string::npos)
        << model.error().message;
  }
  ASSERT_EQ(symlink(In("dot.onnx").c_str(), In("model/link.onnx").c_str()), 0);
  Write("model/MLmodel", "flavors: {onnx: {data: link.onnx}}");
  EXPECT_THAT(ReadModel(In("model")).error().message, HasSubstr("not followed"));
}

TEST_F(ModelReaderTest, AnExampleThatCannotBeKeptIsNoReasonToRefuse) {
  Copy("onnx/dot.onnx", "model.onnx");
  Write("MLmodel",
        "flavors: {onnx: {data: model.onnx}}\n"
        "saved_input_example_info: {artifact_path: ../up.json, pandas_orient: split, type: "
        "dataframe}\n");
  const StoredModel model = ReadModel(folder_).value();
  EXPECT_FALSE(model.example.has_value());
  EXPECT_THAT(model.origin.StringOr("example_not_kept", ""), HasSubstr("leaves its folder"));
}

TEST_F(ModelReaderTest, AFlavorMustHoldWhatItSays) {
  Copy("binary.txt", "model.onnx");
  WriteMlmodel("model.onnx");
  EXPECT_THAT(Refusal(), HasSubstr("model.onnx is of flavor onnx, found lightgbm"));
}

TEST_F(ModelReaderTest, ASklearnModelNeedsItsPlan) {
  Copy("mlflow/sklearn.yaml", "MLmodel");
  Write("model.skops", "PK");
  EXPECT_THAT(Refusal(), HasSubstr("seaworthy_export.save(model, \"" + In("seaworthy_plan.json") +
                                   "\", rows)"));
}

}  // namespace
}  // namespace sw::model
