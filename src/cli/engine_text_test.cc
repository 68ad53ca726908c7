#include "cli/engine_text.h"

#include <gtest/gtest.h>

#include "cli/table.h"

namespace sw::cli {
namespace {

std::string Text(const char* engine) {
  return ObjectText(EngineLines(Json::Parse(engine).value()));
}

TEST(EngineText, OfACachedForestSaysWhichWhyAndHowFast) {
  EXPECT_EQ(
      Text(
          R"({"engine":"forest","why":"w","one_row":"row table","many_rows":"bit-sliced","many_rows_from":16,
                     "ns_a_row":{"one_row":{"bit-sliced":5120.4,"row table":250.6},"many_rows":{"bit-sliced":96.0}},
                     "chosen":"cached","timed":"2026-11-30T12:00:00Z","cpu":"Xeon, avx2","exactness":"exact","verified":true,
                     "golden_rows":256,"golden_from":"lightgbm 4.7.0"})"),
      "engine       forest\n"
      "one row      row table (bit-sliced 5120 ns, row table 251 ns)\n"
      "many rows    bit-sliced from 16 rows on (bit-sliced 96 ns)\n"
      "chosen       cached: timed 2026-11-30T12:00:00Z, on Xeon, avx2\n"
      "exactness    exact\n"
      "golden rows  256 from lightgbm 4.7.0\n"
      "verified     yes\n");
}

TEST(EngineText, SaysWhatARowIsAnsweredWith) {
  const auto lines = [](const char* engine) { return EngineLines(Json::Parse(engine).value()); };
  EXPECT_EQ(lines(R"({"outputs":3,"output_names":["a","b","c"]})").StringOr("outputs", ""), "3: a, b, c");
  EXPECT_EQ(lines(R"({"outputs":2})").StringOr("outputs", ""), "2");
  EXPECT_EQ(lines(R"({"outputs":1,"output_names":["no","yes"]})").StringOr("outputs", ""), "1: no, yes");
  EXPECT_FALSE(lines(R"({"outputs":1})").Has("outputs"));
}

TEST(EngineText, OfAnUntimedPipelineNamesEachForest) {
  EXPECT_EQ(
      Text(
          R"({"engine":"pipeline","library":"scikit-learn","stages":3,"steps":1,"why":"preprocessing is folded into the model",
                     "forests":[{"engine":"forest","one_row":"row table","many_rows":"bit-sliced","many_rows_from":24},
                                {"engine":"forest","one_row":"interleaved walk","many_rows":"interleaved walk","many_rows_from":24}],
                     "chosen":"default rule","exactness":"exact","verified":false,"unverified":"it has no golden rows","golden_rows":0})"),
      "engine               pipeline\n"
      "why                  preprocessing is folded into the model\n"
      "forest 1, one row    row table\n"
      "forest 1, many rows  bit-sliced from 24 rows on\n"
      "forest 2, one row    interleaved walk\n"
      "forest 2, many rows  interleaved walk from 24 rows on\n"
      "chosen               by the default rule; not timed yet\n"
      "exactness            exact\n"
      "golden rows          none\n"
      "verified             no: it has no golden rows\n");
}

TEST(EngineText, OfAPackageThatDoesNotLoadIsTheError) {
  EXPECT_EQ(Text(R"({"error":"blob is gone"})"), "error  blob is gone\n");
}

}  // namespace
}  // namespace sw::cli
