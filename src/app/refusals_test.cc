// What a wire's client is told when a limit turns its request away: 429 or 503 with Retry-After, in the wire's
// own form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <ostream>

#include "app/routes.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::app {
namespace {

using testing::HasSubstr;

// A field of a protobuf message: its number, and bytes.
std::string Field(int number, std::string_view bytes) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  field.push_back(static_cast<char>(bytes.size()));
  return field.append(bytes);
}

std::string Tensor(std::string_view name, std::string_view datatype, std::string_view contents) {
  return Field(5, Field(1, name) + Field(2, datatype) + Field(3, std::string("\1")) + Field(5, contents));
}

// An inference.ModelInferRequest of one row, as gRPC frames it.
std::string GrpcInferBody() {
  const double delay = 20;
  const std::string_view bits(reinterpret_cast<const char*>(&delay), sizeof(delay));
  const std::string message = Field(1, "late") + Tensor("tailnum", "BYTES", Field(8, "N1")) +
                              Tensor("delay", "FP64", Field(7, bits)) + Tensor("origin", "BYTES", Field(8, "EWR"));
  std::string frame(4, '\0');
  frame.push_back(static_cast<char>(message.size()));
  return frame + message;
}

struct Wire {
  const char* name;
  const char* path;
  const char* content_type;
  std::string body;
  const char* says;  // of a refusal with 429
};
std::ostream& operator<<(std::ostream& out, const Wire& wire) { return out << wire.name; }

const Wire kWires[] = {
    {"ours", "/seaworthy/v1/endpoints/late/predict", "application/json",
     R"({"rows": [{"tailnum": "N1", "delay": 20, "origin": "EWR"}]})", R"("code":"RESOURCE_EXHAUSTED")"},
    {"ours, CSV", "/seaworthy/v1/endpoints/late/predict", "text/csv", "tailnum,delay,origin\nN1,20,EWR\n", R"("code":"RESOURCE_EXHAUSTED")"},
    {"Open Inference", "/v2/models/late/infer", "application/json",
     R"({"inputs": [{"name": "tailnum", "datatype": "BYTES", "shape": [1], "data": ["N1"]}, {"name": "delay", "datatype": "FP64", "shape": [1], "data": [20]},
         {"name": "origin", "datatype": "BYTES", "shape": [1], "data": ["EWR"]}]})", R"({"error":"limit requests_in_flight_max)"},
    {"TensorFlow Serving", "/v1/models/late:predict", "application/json", R"({"instances": [["N1", 20, "EWR"]]})", R"({"error":"limit requests_in_flight_max)"},
    {"MLflow", "/invocations", "application/json", R"({"dataframe_records": [{"tailnum": "N1", "delay": 20, "origin": "EWR"}]})",
     R"("error_code":"REQUEST_LIMIT_EXCEEDED")"},
    {"SageMaker", "/endpoints/late/invocations", "text/csv", "N1,20,EWR", "limit requests_in_flight_max"},
    {"Vertex", "/v1/projects/p/locations/l/endpoints/late:predict", "application/json", R"({"instances": [["N1", 20, "EWR"]]})",
     R"("status":"RESOURCE_EXHAUSTED")"},
};

class RefusalsTest : public testing::Test {
 protected:
  net::Response Send(const Wire& wire, std::size_t requests_max) {
    serve::Endpoints::Options options = serve_.Options();
    options.limits.requests_in_flight_max = requests_max;
    serve_.Start(options, serve::LateEndpoint());
    native::Context context;
    context.endpoints = serve_.endpoints.get();
    context.clock = &serve_.clock;
    context.advance_clock = [](TimeUs) -> Status { return Ok(); };
    const auto health = std::make_shared<grpc::Health>(std::vector<std::string>());
    const net::Router router = net::Router::Make(AllRoutes(context, serve_.counters, health)).value();
    return net::Dispatch(router, {.method = net::Method::kPost, .path = wire.path,
                                  .headers = {{"Content-Type", wire.content_type}}, .body = wire.body});
  }
  serve::ServeFixture serve_;
};

TEST_F(RefusalsTest, AreToldInEachWiresFormWithTheTimeToRetry) {
  for (const Wire& wire : kWires) {
    SCOPED_TRACE(wire);
    const net::Response fine = Send(wire, 1);
    EXPECT_EQ(fine.status, 200) << fine.body;
    EXPECT_EQ(fine.headers.Find("Retry-After"), nullptr);
    const net::Response refused = Send(wire, 0);
    EXPECT_EQ(refused.status, 429) << refused.body;
    EXPECT_EQ(refused.headers.Get("Retry-After"), "1");
    EXPECT_THAT(refused.body, HasSubstr(wire.says));
    EXPECT_THAT(refused.body, HasSubstr("limit requests_in_flight_max: 0 requests are being answered; retry later"));
  }
  const net::Response sagemaker = Send(kWires[5], 0);
  EXPECT_EQ(sagemaker.headers.Get("x-amzn-ErrorType"), "ThrottlingException") << "what boto3 retries by";
}

TEST_F(RefusalsTest, AreResourceExhaustedOverGrpc) {
  const Wire grpc{"gRPC", "/inference.GRPCInferenceService/ModelInfer", "application/grpc", GrpcInferBody(), ""};
  EXPECT_EQ(Send(grpc, 1).trailers.Get("grpc-status"), "0");
  const net::Response refused = Send(grpc, 0);
  EXPECT_EQ(refused.status, 200);
  const std::string_view status = refused.headers.Find("grpc-status") != nullptr ? refused.headers.Get("grpc-status") : refused.trailers.Get("grpc-status");
  EXPECT_EQ(status, "8");
}

}  // namespace
}  // namespace sw::app
