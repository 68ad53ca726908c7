#include "model/formats/onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace sw::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Folder() { return std::string(SW_SOURCE_DIR) + "/src/model/testdata/onnx/"; }

std::string Fixture(const std::string& name) {
  return base::ReadFile(Folder() + name + ".onnx").value();
}

// A field of bytes shorter than 128.
std::string Field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

// A field of bytes of any length.
std::string AnyField(int number, const std::string& bytes) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  std::size_t size = bytes.size();
  for (; size >= 0x80; size >>= 7) field += static_cast<char>((size & 0x7f) | 0x80);
  return field + static_cast<char>(size) + bytes;
}

// A field of bytes whose number needs two bytes, shorter than 128.
std::string LongField(int number, const std::string& bytes) {
  const int tag = number << 3 | 2;
  return std::string{static_cast<char>(tag | 0x80), static_cast<char>(tag >> 7),
                     static_cast<char>(bytes.size())} +
         bytes;
}

TEST(OnnxTest, ModelsAreToldByTheirBytes) {
  for (const char* name : {"dot", "columns", "two_maps", "external"})
    EXPECT_TRUE(LooksLikeOnnx(Fixture(name))) << name;
  for (const std::string text :
       {"", "\x08", "tree\n", "{\"learner\": {}}", "CBM1", "\x80\x04\x95", "\x08\x09"}) {
    EXPECT_FALSE(LooksLikeOnnx(text)) << text;
  }
}

TEST(OnnxTest, MetadataAndMapsAreFound) {
  const OnnxOutline named = ReadOnnxOutline(Fixture("named")).value();
  ASSERT_NE(named.FindMetadata("feature_names"), nullptr);
  EXPECT_EQ(*named.FindMetadata("feature_names"), R"(["pressure", "heat", "flow"])");
  EXPECT_EQ(named.FindMetadata("feature"), nullptr);
  EXPECT_TRUE(named.zip_maps.empty());
  EXPECT_THAT(
      ReadOnnxOutline(Fixture("two_maps")).value().zip_maps,
      ElementsAre(OnnxOutline::ZipMap{.input = "probabilities", .output = "output_probability"}));
}

TEST(OnnxTest, OutputsAreAppended) {
  const std::string model = WithOnnxOutputs(Fixture("two_maps"), {"probabilities", "more"});
  EXPECT_THAT(ReadOnnxOutline(model).value().outputs,
              ElementsAre("output_label", "output_probability", "probabilities", "more"));
}

TEST(OnnxTest, EveryCutIsRefusedOrWhole) {
  const std::string whole = Fixture("columns");
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto outline = ReadOnnxOutline(std::string_view(whole).substr(0, size));
    if (outline) continue;  // the cut is between two of the model's own fields
    ++refused;
    EXPECT_THAT(outline.error().message, HasSubstr("end within a field")) << size;
  }
  EXPECT_GT(refused, whole.size() - 20);
}

TEST(OnnxTest, TensorsInOtherFilesAreRefusedWhereverTheyAre) {
  const std::string location = Field(13, Field(1, "location") + Field(2, "/etc/passwd"));
  const std::string tensor = location;
  const std::string flagged{"\x70\x01", 2};  // data_location = EXTERNAL, and no entry
  const std::string attribute = Field(5, Field(5, tensor));
  const std::string body =
      Field(5, Field(6, Field(1, attribute)));  // a node in the graph of an attribute
  const std::vector<std::string> models = {
      Field(7, Field(5, tensor)),  // an initializer
      Field(7, Field(5, flagged)),
      Field(7, Field(15, Field(1, tensor))),            // values of a sparse initializer
      Field(7, Field(15, Field(2, tensor))),            // and its indices
      Field(7, Field(1, attribute)),                    // a Constant
      Field(7, Field(1, Field(5, Field(10, tensor)))),  // one of an attribute's tensors
      Field(7, Field(1, body)),                         // within an If
      Field(7, Field(1, Field(5, Field(11, Field(5, tensor))))),
      Field(7, Field(1, Field(5, LongField(22, Field(1, tensor))))),
      Field(7, Field(1, Field(5, LongField(23, Field(1, tensor))))),
      LongField(25, Field(7, attribute)),          // a function
      LongField(25, Field(11, Field(5, tensor))),  // a default of its attributes
      LongField(20, Field(1, Field(5, tensor))),   // training
      Fixture("external"),
  };
  for (std::size_t i = 0; i < models.size(); ++i) {
    const auto outline = ReadOnnxOutline(models[i]);
    ASSERT_FALSE(outline.has_value()) << i;
    EXPECT_THAT(outline.error().message, HasSubstr("external data")) << i;
  }
}

TEST(OnnxTest, TensorsOfOtherFilesAreTakenIn) {
  std::vector<std::string> asked;
  const auto read = [&](const std::string& location) -> Result<std::string> {
    asked.push_back(location);
    return base::ReadFile(Folder() + location);
  };
  const std::string whole = WithOnnxTensors(Fixture("external"), read).value();
  EXPECT_THAT(asked, ElementsAre("external.bin"));  // once, for two tensors
  EXPECT_TRUE(ReadOnnxOutline(whole).has_value());
  const std::string weights = base::ReadFile(Folder() + "external.bin").value();
  EXPECT_THAT(whole, HasSubstr(weights.substr(0, 12)));
  EXPECT_THAT(whole, testing::Not(HasSubstr("external.bin")));
  EXPECT_EQ(WithOnnxTensors(Fixture("columns"), read).value(), Fixture("columns"));
}

TEST(OnnxTest, PlacesOutsideAFileAreRefused) {
  const auto refusal = [](const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string tensor;
    for (const auto& [key, value] : entries) tensor += Field(13, Field(1, key) + Field(2, value));
    const auto read = [](const std::string& location) -> Result<std::string> {
      if (location != "f") return base::MakeError(ErrorCode::kNotFound, "no " + location);
      return std::string("12345678");
    };
    const auto model = WithOnnxTensors(Field(7, Field(5, tensor)), read);
    return model ? *model : model.error().message;
  };
  EXPECT_EQ(refusal({{"location", "f"}}), Field(7, Field(5, Field(9, "12345678"))));
  EXPECT_EQ(refusal({{"location", "f"}, {"offset", "6"}}), Field(7, Field(5, Field(9, "78"))));
  EXPECT_EQ(refusal({{"location", "f"}, {"offset", "2"}, {"length", "3"}}),
            Field(7, Field(5, Field(9, "345"))));
  EXPECT_THAT(refusal({{"location", "/etc/passwd"}}), HasSubstr("no /etc/passwd"));
  EXPECT_THAT(refusal({{"offset", "6"}}), HasSubstr("of no file"));
  EXPECT_THAT(refusal({{"location", "f"}, {"offset", "9"}}),
              HasSubstr("0 bytes from 9 on of f, which has 8"));
  EXPECT_THAT(refusal({{"location", "f"}, {"offset", "8"}, {"length", "1"}}),
              HasSubstr("1 bytes from 8"));
  EXPECT_THAT(refusal({{"location", "f"}, {"length", "18446744073709551615"}}),
              HasSubstr("from 0"));
  for (const char* number : {"-1", "", "1x", "18446744073709551616", " 1", "0x1"}) {
    EXPECT_THAT(refusal({{"location", "f"}, {"offset", number}}), HasSubstr("no number")) << number;
  }
}

TEST(OnnxTest, ADepthBombIsRefused) {
  std::string graph;
  for (int i = 0; i < 22; ++i) {
    for (const int field : {6, 5, 1}) graph = AnyField(field, graph);  // in an attribute of a node
  }
  const auto outline = ReadOnnxOutline(AnyField(7, graph));
  const auto inlined = WithOnnxTensors(AnyField(7, graph), {});
  ASSERT_FALSE(inlined.has_value());
  EXPECT_EQ(inlined.error(), outline.error());
  EXPECT_THAT(outline.error().message, HasSubstr("nested deeper than 64"));
}

TEST(OnnxTest, BadVarintsAndWireTypesAreRefused) {
  const std::vector<std::string> bad = {
      std::string("\x08"),                                              // no value
      std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),  // eleven bytes
      std::string("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),  // longer than all memory
      std::string("\x0b"),                                              // a group
      std::string("\x0e"),                                              // wire type 6
      std::string("\x02\x00", 2),                                       // field 0
      std::string("\x0d\x01\x02", 3),                                   // three of four bytes
      std::string("\x09\x01\x02", 3),
  };
  for (const std::string& bytes : bad)
    EXPECT_FALSE(ReadOnnxOutline(bytes).has_value()) << testing::PrintToString(bytes);
}

}  // namespace
}  // namespace sw::model
