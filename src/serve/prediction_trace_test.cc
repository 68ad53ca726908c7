#include "serve/prediction_trace.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

constexpr const char* kSampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr const char* kUnsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

struct Told {
  std::string endpoint, request_id, traceparent;
  PredictionTrace trace;
};

class PredictionTraceTest : public testing::Test {
 protected:
  PredictionTraceTest() {
    Endpoints::Options options = serve_.Options();
    options.trace = [this](const PredictionTrace& trace) {
      told_.push_back({std::string(trace.endpoint), std::string(trace.request_id), std::string(trace.traceparent), trace});
    };
    serve_.Start(options, LateEndpoint());
  }
  Result<PredictResult> Predict(const char* trace, std::optional<std::int64_t> version = {}) {
    PredictRequest request{.endpoint = "late", .rows = DelayRows({{"N1", 20}, {"N2", 3}}), .version = version};
    request.caller.trace = trace;
    return serve_.Predict(std::move(request));
  }

  std::vector<Told> told_;
  ServeFixture serve_;
};

TEST_F(PredictionTraceTest, ASampledPredictionIsToldStageByStage) {
  const PredictResult result = Predict(kSampled).value();
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].endpoint, "late");
  EXPECT_EQ(told_[0].traceparent, kSampled);
  EXPECT_EQ(told_[0].request_id, result.request_id);
  const PredictionTrace& trace = told_[0].trace;
  EXPECT_EQ(trace.version, 1);
  EXPECT_EQ(trace.rows, 2u);
  EXPECT_FALSE(trace.error);
  EXPECT_LT(0, trace.begin_ns);
  EXPECT_LE(trace.begin_ns, trace.ready_ns);
  EXPECT_LE(trace.ready_ns, trace.scoring_begins_ns);
  EXPECT_LE(trace.scoring_begins_ns, trace.scoring_ends_ns);
  EXPECT_LE(trace.scoring_ends_ns, trace.end_ns);
}

TEST_F(PredictionTraceTest, WhatIsNotSampledIsNotTold) {
  EXPECT_TRUE(Predict(kUnsampled));
  EXPECT_TRUE(Predict(""));
  EXPECT_FALSE(Predict(kUnsampled, 7));
  EXPECT_TRUE(told_.empty());
}

TEST_F(PredictionTraceTest, AFailureIsToldWithItsCodeAndTheStagesThatItReached) {
  EXPECT_FALSE(Predict(kSampled, 7));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].trace.error, ErrorCode::kNotFound);
  EXPECT_EQ(told_[0].trace.scoring_begins_ns, 0);
  EXPECT_GT(told_[0].trace.end_ns, 0);
}

}  // namespace
}  // namespace sw::serve
