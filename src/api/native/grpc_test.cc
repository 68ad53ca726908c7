#include "api/native/grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <proto/seaworthy.pb.h>

#include "api/grpc/fakes.h"
#include "base/files.h"
#include "data/arrow_stream.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::native {
namespace {

namespace v1 = seaworthy::v1;
using testing::ElementsAre;
using testing::HasSubstr;

class GrpcTest : public testing::Test {
 protected:
  GrpcTest() {
    context_.endpoints = serve_.endpoints.get();
    context_.clock = &serve_.clock;
    router_ = std::make_unique<net::Router>(net::Router::Make(GrpcRoutes(context_)).value());
  }

  static std::string Row(std::string_view delay, std::string_view tailnum = "'N1'") {
    return fmt::format("rows {{ values {{ key: 'delay' value {{ {} }} }} values {{ key: 'tailnum' value {{ text: {} }} }} "
                       "values {{ key: 'origin' value {{ text: 'EWR' }} }} }} ", delay, tailnum);
  }
  net::Response Send(const std::string& text) {
    return net::Dispatch(*router_, grpc::CallOf("/seaworthy.v1.Predictions/Predict", grpc::FromText<v1::PredictRequest>(text)));
  }
  v1::PredictResponse Predict(const std::string& text) { return grpc::AnswerOf<v1::PredictResponse>(Send(text)); }
  std::string Refused(const std::string& text) { return grpc::RefusalOf(Send(text)); }

  serve::ServeFixture serve_;
  Context context_;
  std::unique_ptr<net::Router> router_;
  const std::string late_ = "endpoint: 'late' ";
};

TEST_F(GrpcTest, AnswersAScoreAndItsDecision) {
  const v1::PredictResponse answer = Predict(late_ + Row("number: 3") + Row("integer: 20", "'N2'") + "ids: ['a', 'b']");
  ASSERT_EQ(answer.predictions_size(), 2);
  EXPECT_EQ(answer.predictions(0).ShortDebugString(), R"(id: "a" score: 3 decision: false version: 1 arm: "live")");
  EXPECT_EQ(answer.predictions(1).ShortDebugString(), R"(id: "b" score: 20 decision: true version: 1 arm: "live")");
  EXPECT_TRUE(answer.logged());
  EXPECT_EQ(Predict(late_ + Row("number: 3") + "version: 1").predictions(0).arm(), "pinned");
}

TEST_F(GrpcTest, ReadsThePriorityFromItsMetadata) {
  net::Request call = grpc::CallOf("/seaworthy.v1.Predictions/Predict", grpc::FromText<v1::PredictRequest>(late_ + Row("number: 3")));
  call.headers.Add("x-seaworthy-priority", "urgent");
  EXPECT_THAT(grpc::RefusalOf(net::Dispatch(*router_, call)), HasSubstr("urgent"));
}

TEST_F(GrpcTest, TakesAMissingValueAsJsonDoes) {
  const v1::PredictResponse answer = Predict(late_ + "rows { values { key: 'delay' value { number: 3 } } values { key: 'tailnum' value {} } values { key: 'origin' value {} } }");
  EXPECT_EQ(answer.predictions(0).score(), 3);
}

TEST_F(GrpcTest, AnswersAnArrowTableByOne) {
  data::Batch rows(serve::DelaySchema());
  rows.column(0).AppendString("N1");
  rows.column(1).AppendDouble(3.5);
  rows.column(2).AppendString("EWR");
  v1::PredictRequest request;
  request.set_endpoint("late");
  request.set_arrow(data::EncodeArrowStream(rows).value());
  const auto ask = [&] { return net::Dispatch(*router_, grpc::CallOf("/seaworthy.v1.Predictions/Predict", request)); };
  const v1::PredictResponse answer = grpc::AnswerOf<v1::PredictResponse>(ask());
  EXPECT_EQ(answer.predictions_size(), 0);
  EXPECT_THAT(data::DecodeArrowStream(answer.arrow())->Find("score")->doubles(), ElementsAre(3.5));
  request.add_rows();
  EXPECT_EQ(grpc::RefusalOf(ask()), "3 there are rows and arrow; send one of them");
  request.clear_rows();
  request.set_arrow("no table");
  EXPECT_THAT(grpc::RefusalOf(ask()), HasSubstr("3 arrow: "));
}

TEST_F(GrpcTest, AnswersSeveralOutputs) {
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::ClassesPackage())));
  const v1::PredictResponse answer = Predict(late_ + Row("number: 20"));
  EXPECT_THAT(answer.output_names(), ElementsAre("early", "on time", "late"));
  EXPECT_THAT(answer.predictions(0).scores(), ElementsAre(0, 1, 0));
  EXPECT_EQ(answer.predictions(0).class_name(), "on time");
  EXPECT_FALSE(answer.predictions(0).has_score());
}

TEST_F(GrpcTest, SaysWhatIsWrong) {
  EXPECT_EQ(Refused("endpoint: 'early' " + Row("number: 3")), "5 no endpoint early has a live version; those that do: late");
  EXPECT_EQ(Refused(late_), "3 rows: expected at least one row");
  EXPECT_THAT(Refused(late_ + Row("text: 'x'")), testing::AllOf(HasSubstr("3 rows[0].delay: "), HasSubstr("float64")));
  EXPECT_THAT(Refused(late_ + Row("number: 3") + "ids: ['a', 'b']"), HasSubstr("3 "));
  EXPECT_THAT(Refused(late_ + Row("number: 3") + "version: 7"), HasSubstr("5 "));
  v1::PredictRequest many;
  many.set_endpoint("late");
  for (int i = 0; i <= 100'000; ++i) many.add_rows();
  EXPECT_EQ(grpc::RefusalOf(net::Dispatch(*router_, grpc::CallOf("/seaworthy.v1.Predictions/Predict", many))),
            "8 rows: 100001 of them, the limit rows_per_request_max is 100000");
}

TEST_F(GrpcTest, AnswersAStreamInOrderAndGoesOnAfterARefusal) {
  net::Request call = grpc::CallOf("/seaworthy.v1.Predictions/PredictStream", grpc::FromText<v1::PredictRequest>(late_ + Row("number: 1") + "tag: '0'"));
  call.body += grpc::FrameOf(grpc::FromText<v1::PredictRequest>("endpoint: 'early' tag: '1'"));
  call.body += grpc::FrameOf(grpc::FromText<v1::PredictRequest>(late_ + Row("number: 2") + "tag: '2'"));
  const net::Response answer = net::Dispatch(*router_, std::move(call));
  std::vector<std::string> seen;
  for (std::string_view rest = answer.body; !rest.empty();) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(rest[3]) << 8 | static_cast<unsigned char>(rest[4]));
    v1::PredictStreamResponse message;
    ASSERT_TRUE(message.ParseFromString(std::string(rest.substr(net::kGrpcPrefixBytes, size))));
    rest.remove_prefix(net::kGrpcPrefixBytes + size);
    seen.push_back(message.tag() + (message.has_refusal() ? " " + message.refusal().code() : fmt::format(" {}", message.response().predictions(0).score())));
  }
  EXPECT_THAT(seen, ElementsAre("0 1", "1 NOT_FOUND", "2 2"));
}

TEST_F(GrpcTest, ServesItsOwnDescription) {
  const net::Response answer = net::Dispatch(*router_, {.path = "/seaworthy/v1/seaworthy.proto"});
  EXPECT_EQ(answer.body, base::ReadFile(SW_SOURCE_DIR "/proto/seaworthy.proto").value());
}

}  // namespace
}  // namespace sw::native
