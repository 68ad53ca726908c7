#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/formats/linear.h"
#include "model/map_blobs.h"
#include "model/package.h"

namespace sw::model {
namespace {

data::Batch Requests() {
  data::Batch rows(data::Schema{{{"origin", data::Type::kString}, {"hour", data::Type::kInt64}, {"wind", data::Type::kFloat64}}});
  for (const auto& [origin, hour, wind] : {std::tuple{"EWR", 6, 0.5}, {"JFK", 18, -1.0}, {"LGA", 12, 0.0}}) {
    rows.column(0).AppendString(origin);
    rows.column(1).AppendInt(hour);
    rows.column(2).AppendDouble(wind);
  }
  return rows;
}

PackageContent Linear(std::vector<std::string> inputs, std::vector<double> weights, std::vector<double> expected) {
  PackageContent content;
  content.format = "linear";
  LinearModel model{.terms = {}, .intercept = 0, .transform = Transform::kIdentity};
  for (std::size_t i = 0; i < inputs.size(); ++i) model.terms.push_back({inputs[i], 0, 1, weights[i]});
  content.model = PrintLinear(model);
  content.inputs = inputs;
  const data::Batch rows = Requests().Select(inputs).value();
  content.encoding = LearnEncoding(rows, inputs).value();
  content.golden = {.inputs = rows, .expected = std::move(expected), .from = "hand"};
  return content;
}

// By the origin's code (EWR 0, JFK 1, LGA 2) and the hour; by the hour and the wind.
PackageContent First() { return Linear({"origin", "hour"}, {0.5, 1}, {6, 18.5, 13}); }
PackageContent Second() { return Linear({"hour", "wind"}, {1, 2}, {7, 16, 12}); }

PackageContent MeanOf(const PackageContent& first, const PackageContent& second) {
  MapBlobs blobs;
  PackageContent content;
  content.format = "graph";
  content.model = fmt::format(R"({{"graph":{{}},"node":{{"a":{{"model":"{}"}},"b":{{"model":"{}"}},"m":{{"mean":["a","b"]}}}}}})",
                              WritePackage(first, blobs.Put()).value(), WritePackage(second, blobs.Put()).value());
  content.members = blobs.blobs;
  content.inputs = {"origin", "hour", "wind"};
  content.golden = {.inputs = Requests(), .expected = {6.5, 17.25, 12.5}, .from = "hand"};
  return content;
}

std::string ErrorOf(const PackageContent& content) {
  MapBlobs blobs;
  const auto package = LoadPackage(WritePackage(content, blobs.Put()).value(), blobs.Get());
  return package ? "" : package.error().message;
}

TEST(GraphPackage, HoldsItsMembersAndScoresByThem) {
  MapBlobs blobs, copy;
  const std::string id = WritePackage(MeanOf(First(), Second()), blobs.Put()).value();
  const auto package = LoadPackage(id, blobs.Get()).value();
  std::vector<double> scores(3);
  ASSERT_TRUE(package->Score(Requests(), scores));
  EXPECT_EQ(scores, (std::vector{6.5, 17.25, 12.5}));
  EXPECT_EQ(package->engine().inputs(), (std::vector<std::string>{"origin", "hour", "wind"}));
  EXPECT_EQ(WritePackage(ReadPackage(id, blobs.Get()).value(), copy.Put()).value(), id);
  EXPECT_EQ(copy.blobs, blobs.blobs);
}

TEST(GraphPackage, ReplaysTheGoldenRowsOfItsMembersAndItsOwn) {
  PackageContent wrong = First();
  wrong.golden.expected[1] = 18.25;
  const std::string member = ErrorOf(MeanOf(wrong, Second()));
  EXPECT_TRUE(member.starts_with("node.a: package: golden row 1 expects 18.25")) << member;
  PackageContent graph = MeanOf(First(), Second());
  graph.golden.expected[2] = 12.75;
  EXPECT_NE(ErrorOf(graph).find("golden row 2 expects 12.75"), std::string::npos) << ErrorOf(graph);
}

TEST(GraphPackage, IsRefusedWhenAnyPartIsDamagedOrGone) {
  MapBlobs blobs;
  const std::string id = WritePackage(MeanOf(First(), Second()), blobs.Put()).value();
  for (const auto& [hash, bytes] : std::map(blobs.blobs)) {
    blobs.blobs[hash] = bytes.substr(0, bytes.size() - 1) + "!";
    EXPECT_FALSE(LoadPackage(id, blobs.Get()).has_value()) << bytes;
    EXPECT_FALSE(ReadPackage(id, blobs.Get()).has_value()) << bytes;
    blobs.blobs.erase(hash);
    EXPECT_FALSE(LoadPackage(id, blobs.Get()).has_value()) << bytes;
    blobs.blobs[hash] = bytes;
  }
  EXPECT_TRUE(LoadPackage(id, blobs.Get()).has_value());
}

TEST(GraphPackage, HasNoGraphsAsMembers) {
  EXPECT_EQ(ErrorOf(MeanOf(MeanOf(First(), Second()), Second())), "node.a: a graph is no member of a graph; declare its nodes here");
}

TEST(GraphPackage, RunsInAProcessWhenAMemberDoes) {
  PackageContent python = First();
  python.format = "python";
  python.model = R"({"python": {"environment": "e", "folder": "f"}})";
  MapBlobs blobs;
  EXPECT_FALSE(RunsInAProcess(WritePackage(MeanOf(First(), Second()), blobs.Put()).value(), blobs.Get()).value());
  EXPECT_TRUE(RunsInAProcess(WritePackage(MeanOf(Second(), python), blobs.Put()).value(), blobs.Get()).value());
}

}  // namespace
}  // namespace sw::model
