#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <proto/health.pb.h>
#include <proto/reflection_v1.pb.h>

#include "api/grpc/fakes.h"
#include "api/grpc/health.h"
#include "api/grpc/reflection.h"
#include "api/grpc/service.h"
#include "api/grpc/stream.h"
#include "base/errors.h"
#include "net/dispatch.h"
#include "net/grpc.h"

namespace sw::grpc {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::grpc::reflection::v1::ServerReflectionRequest;
using ::grpc::reflection::v1::ServerReflectionResponse;
using testing::HasSubstr;

class GrpcTest : public testing::Test {
 protected:
  net::Response Ask(const std::string& path, std::string body, net::Headers headers = {{"content-type", "application/grpc"}}) {
    std::vector<net::Route> routes = HealthRoutes(clock_, health_);
    std::ranges::move(ReflectionRoutes(clock_, ServicesOf(routes)), std::back_inserter(routes));
    routes.push_back(Streaming<HealthCheckRequest, HealthCheckResponse>(
        clock_, "/test.Echo/Each", "", [](const std::shared_ptr<EchoStream>& stream) { Echo(stream); }));
    const net::Router router = net::Router::Make(std::move(routes)).value();
    return net::Dispatch(router, {.method = net::Method::kPost, .path = path, .headers = std::move(headers), .body = std::move(body)});
  }

  using EchoStream = Stream<HealthCheckRequest, HealthCheckResponse>;
  static void Echo(const std::shared_ptr<EchoStream>& stream) {
    AnswerEach(stream, [](const HealthCheckRequest& request, auto write) {
      HealthCheckResponse response;
      response.set_status(request.service() == "a" ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
      write(response);
    });
  }

  base::ManualClock clock_{0};
  std::shared_ptr<Health> health_ = std::make_shared<Health>(std::vector<std::string>{"test.Echo"});
};

TEST(StreamBudget, IsSharedAndGivenBack) {
  StreamBudget budget(10);
  ASSERT_TRUE(budget.Take(6));
  EXPECT_EQ(budget.Take(5).error().code, ErrorCode::kResourceExhausted);
  ASSERT_TRUE(budget.Take(4));  // what was refused took nothing
  budget.GiveBack(6);
  EXPECT_TRUE(budget.Take(6));
}

TEST_F(GrpcTest, AnswersAHealthCheck) {
  HealthCheckRequest request;
  for (const char* service : {"", "test.Echo"}) {
    request.set_service(service);
    const net::Response response = Ask("/grpc.health.v1.Health/Check", FrameOf(request));
    HealthCheckResponse health;
    ASSERT_TRUE(health.ParseFromString(response.body.substr(net::kGrpcPrefixBytes)));
    EXPECT_EQ(health.status(), HealthCheckResponse::SERVING);
    EXPECT_EQ(response.trailers.Get("grpc-status"), "0");
  }
  health_->SetServing(false);
  const net::Response draining = Ask("/grpc.health.v1.Health/Check", FrameOf(request));
  EXPECT_EQ(draining.body.substr(net::kGrpcPrefixBytes), std::string("\x08\x02"));
}

TEST_F(GrpcTest, SendsMessagesOfEverySize) {
  for (std::size_t size = 0; size < 300; ++size) {
    const auto route = Unary<HealthCheckRequest, HealthCheckRequest>(
        clock_, "/test.Echo/One", "", [](const Call&, const HealthCheckRequest& request, HealthCheckRequest& response) -> Status {
          response = request;
          return Ok();
        });
    HealthCheckRequest request;
    request.set_service(std::string(size, 'x'));
    const net::Response response = net::Dispatch(net::Router::Make({route}).value(), {.method = net::Method::kPost, .path = "/test.Echo/One",
                                                 .headers = {{"content-type", "application/grpc"}}, .body = FrameOf(request)});
    ASSERT_EQ(response.body, FrameOf(request)) << size;
  }
}

TEST_F(GrpcTest, SaysWhatIsWrongWithARequest) {
  HealthCheckRequest request;
  request.set_service("none");
  const net::Response unknown = Ask("/grpc.health.v1.Health/Check", FrameOf(request));
  EXPECT_EQ(unknown.headers.Get("grpc-status"), "5");
  EXPECT_EQ(unknown.headers.Get("grpc-message"), "no service none");
  EXPECT_THAT(std::string(unknown.headers.Get("grpc-status-details-bin")), testing::Not(testing::IsEmpty()));
  std::string broken(net::kGrpcPrefixBytes, '\0');
  broken += "\xff\xff";
  net::FinishGrpcFrame(broken, false);
  const net::Response unreadable = Ask("/grpc.health.v1.Health/Check", broken);
  EXPECT_EQ(unreadable.headers.Get("grpc-status"), "3");
  EXPECT_EQ(unreadable.headers.Get("grpc-message"), "the message is no grpc.health.v1.HealthCheckRequest");
  EXPECT_EQ(Ask("/grpc.health.v1.Health/Check", "").headers.Get("grpc-status"), "13");
  EXPECT_EQ(Ask("/grpc.health.v1.Health/Check", "{}", {{"content-type", "application/json"}}).status, 415);
}

TEST_F(GrpcTest, CarriesAStreamOfThousandsOfMessages) {
  std::string body;
  HealthCheckRequest request;
  for (int i = 0; i < 20'000; ++i) {
    request.set_service(i % 3 == 0 ? "a" : "bb");
    body += FrameOf(request);
  }
  const net::Response response = Ask("/test.Echo/Each", std::move(body));
  EXPECT_EQ(response.trailers.Get("grpc-status"), "0");
  EXPECT_EQ(response.body.size(), 20'000 * 7u);
  net::GrpcReader reader(false, 100);
  reader.Add(response.body);
  for (int i = 0; i < 20'000; ++i) EXPECT_EQ(reader.Next().value().value().back(), i % 3 == 0 ? 1 : 2);
}

TEST_F(GrpcTest, EndsAStreamThatIsBroken) {
  HealthCheckRequest request;
  request.set_service("a");
  const net::Response cut = Ask("/test.Echo/Each", FrameOf(request) + FrameOf(request).substr(0, 6));
  EXPECT_EQ(cut.trailers.Get("grpc-status"), "13");
  EXPECT_THAT(std::string(cut.trailers.Get("grpc-message")), HasSubstr("within a gRPC message"));
  EXPECT_EQ(cut.body.size(), 7u);
  const net::Response packed = Ask("/test.Echo/Each", "", {{"content-type", "application/grpc"}, {"grpc-encoding", "br"}});
  EXPECT_EQ(packed.headers.Get("grpc-status"), "12");
}

TEST_F(GrpcTest, TellsWhatServicesThereAre) {
  ServerReflectionRequest list, symbol, none;
  list.set_list_services("");
  symbol.set_file_containing_symbol("grpc.health.v1.Health");
  none.set_file_by_filename("none.proto");
  for (const char* version : {"v1", "v1alpha"}) {
    const net::Response response = Ask(std::string("/grpc.reflection.") + version + ".ServerReflection/ServerReflectionInfo",
                                       FrameOf(list) + FrameOf(symbol) + FrameOf(none));
    net::GrpcReader reader(false, 100'000);
    reader.Add(response.body);
    ServerReflectionResponse answer;
    ASSERT_TRUE(answer.ParseFromString(reader.Next().value().value()));
    std::vector<std::string> names;
    for (const auto& service : answer.list_services_response().service()) names.push_back(service.name());
    EXPECT_THAT(names, testing::ElementsAre("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                            "grpc.reflection.v1alpha.ServerReflection"));
    ASSERT_TRUE(answer.ParseFromString(reader.Next().value().value()));
    EXPECT_EQ(answer.file_descriptor_response().file_descriptor_proto_size(), 1);
    ASSERT_TRUE(answer.ParseFromString(reader.Next().value().value()));
    EXPECT_EQ(answer.error_response().error_code(), 5);
  }
}

}  // namespace
}  // namespace sw::grpc
