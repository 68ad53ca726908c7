#include "trace/tracer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sw::trace {
namespace {

const auto kParent = *base::ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

std::string AttributesOf(const Span& span) {
  std::map<std::string, std::string> sorted;
  for (const Attribute& attribute : span.attributes) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    sorted[attribute.key] = text != nullptr ? *text : "#" + std::to_string(std::get<std::int64_t>(attribute.value));
  }
  std::string all;
  for (const auto& [key, value] : sorted) all += key + "=" + value + "\n";
  return all;
}

net::Route RouteOf(net::Method method, std::string pattern) { return {.method = method, .pattern = std::move(pattern)}; }

net::FinishedRequest MakeRequest(const net::Route* route) {
  net::FinishedRequest request;
  request.trace = kParent;
  request.method = net::Method::kPost;
  request.route = route;
  request.http_version = "1.1";
  request.status = 200;
  request.begin_ns = 5;
  request.end_ns = 9;
  request.peer = "10.0.0.7";
  request.request_id = "r-1";
  request.path = "/models/late";
  request.host = "localhost:8420";
  request.user_agent = "curl";
  return request;
}

TEST(SpanOf, AnHttpRequestByTheConventions) {
  const net::Route route = RouteOf(net::Method::kPost, "/models/{name}");
  net::FinishedRequest request = MakeRequest(&route);
  request.parent = kParent;
  request.tracestate = "a=1";
  request.is_tls = true;
  const Span span = SpanOf(request, 1'000);
  EXPECT_EQ(span.name, "POST /models/{name}");
  EXPECT_EQ(span.kind, SpanKind::kServer);
  EXPECT_EQ(span.parent, kParent.span);
  EXPECT_TRUE(span.is_parent_remote);
  EXPECT_EQ(span.tracestate, "a=1");
  EXPECT_EQ(span.begin_ns, 1'005);
  EXPECT_EQ(span.end_ns, 1'009);
  EXPECT_FALSE(span.is_error);
  EXPECT_EQ(AttributesOf(span),
            "client.address=10.0.0.7\nhttp.request.method=POST\nhttp.response.status_code=#200\nhttp.route=/models/{name}\n"
            "network.peer.address=10.0.0.7\nnetwork.protocol.name=http\nnetwork.protocol.version=1.1\n"
            "seaworthy.request_id=r-1\nserver.address=localhost\nserver.port=#8420\nurl.path=/models/late\nurl.scheme=https\n"
            "user_agent.original=curl\n");
}

TEST(SpanOf, AGrpcCallByTheConventions) {
  const net::Route route = RouteOf(net::Method::kPost, "/inference.GRPCInferenceService/ModelInfer");
  net::FinishedRequest request = MakeRequest(&route);
  request.is_grpc = true;
  request.http_version = "2";
  request.grpc_status = 5;
  request.request_id = "";
  request.host = "[::1]:8420";
  const Span span = SpanOf(request, 0);
  EXPECT_EQ(span.name, "inference.GRPCInferenceService/ModelInfer");
  EXPECT_FALSE(span.is_error);  // the client's
  EXPECT_EQ(AttributesOf(span),
            "client.address=10.0.0.7\nnetwork.peer.address=10.0.0.7\nnetwork.protocol.name=http\nnetwork.protocol.version=2\n"
            "rpc.method=inference.GRPCInferenceService/ModelInfer\nrpc.response.status_code=NOT_FOUND\nrpc.system.name=grpc\n"
            "server.address=[::1]\nserver.port=#8420\nuser_agent.original=curl\n");
  request.grpc_status = 14;
  const Span fault = SpanOf(request, 0);
  EXPECT_TRUE(fault.is_error);
  EXPECT_EQ(fault.message, "UNAVAILABLE");
}

TEST(SpanOf, WhatAClientMadeUpNamesNoSpan) {
  net::FinishedRequest request = MakeRequest(nullptr);
  request.method = net::Method::kOther;
  request.status = 404;
  request.host = "a:b:c";
  EXPECT_EQ(SpanOf(request, 0).name, "HTTP");
  EXPECT_EQ(AttributesOf(SpanOf(request, 0)).find("server."), std::string::npos);
  request.is_grpc = true;
  request.grpc_status = 12;
  EXPECT_EQ(SpanOf(request, 0).name, "grpc");
}

TEST(SpanOf, FaultsAreTheServersOwn) {
  const net::Route route = RouteOf(net::Method::kGet, "/x");
  net::FinishedRequest request = MakeRequest(&route);
  for (const auto& [status, type] : std::map<int, std::string>{{0, "cancelled"}, {200, ""}, {404, ""}, {429, ""}, {500, "500"}, {503, "503"}}) {
    request.status = status;
    EXPECT_EQ(SpanOf(request, 0).message, type) << status;
    EXPECT_EQ(SpanOf(request, 0).is_error, !type.empty()) << status;
  }
}

class TracerTest : public testing::Test {
 protected:
  Tracer Make(double ratio) {
    return Tracer({.ratio = ratio, .random = base::Random(7), .monotonic_ns = [] { return 100; }, .unix_ns = [] { return 1'100; }},
                  [this](std::vector<Span> spans) { spans_.insert(spans_.end(), spans.begin(), spans.end()); });
  }
  std::vector<Span> spans_;
};

TEST_F(TracerTest, AParentDecidesForItsRequests) {
  Tracer tracer = Make(0);
  const base::TraceContext child = tracer.Begin(kParent);
  EXPECT_EQ(child.trace, kParent.trace);
  EXPECT_NE(child.span, kParent.span);
  EXPECT_TRUE(child.IsSampled());
  Tracer all = Make(1);
  base::TraceContext unsampled = kParent;
  unsampled.flags = 0;
  EXPECT_FALSE(all.Begin(unsampled).IsSampled());
}

TEST_F(TracerTest, OfTheOthersAShareIsSampled) {
  for (const auto& [ratio, low, high] : {std::tuple{0.0, 0, 0}, {0.25, 2'350, 2'650}, {1.0, 10'000, 10'000}}) {
    Tracer tracer = Make(ratio);
    int sampled = 0;
    for (int i = 0; i < 10'000; ++i) sampled += tracer.Begin({}).IsSampled() ? 1 : 0;
    EXPECT_GE(sampled, low) << ratio;
    EXPECT_LE(sampled, high) << ratio;
  }
}

TEST_F(TracerTest, NoIdComesTwice) {
  Tracer tracer = Make(1);
  std::set<std::array<std::uint8_t, 16>> traces;
  std::set<std::array<std::uint8_t, 8>> spans;
  for (int i = 0; i < 10'000; ++i) {
    const base::TraceContext context = tracer.Begin({});
    traces.insert(context.trace);
    spans.insert(context.span);
    EXPECT_TRUE(base::ParseTraceparent(base::FormatTraceparent(context)));
  }
  EXPECT_EQ(traces.size(), 10'000u);
  EXPECT_EQ(spans.size(), 10'000u);
}

TEST_F(TracerTest, OnlySampledRequestsBecomeSpans) {
  Tracer tracer = Make(1);
  net::FinishedRequest request = MakeRequest(nullptr);
  request.trace = tracer.Begin({});
  tracer.End(request);
  ASSERT_EQ(spans_.size(), 1u);
  EXPECT_EQ(spans_[0].context, request.trace);
  EXPECT_FALSE(spans_[0].parent);
  EXPECT_EQ(spans_[0].begin_ns, 1'005);
  request.trace.flags = 0;
  tracer.End(request);
  EXPECT_EQ(spans_.size(), 1u);
}

TEST_F(TracerTest, APartOfARequestHangsOnItAndItsStagesOnThePart) {
  Tracer tracer = Make(1);
  Span part;
  part.attributes = {{"seaworthy.endpoint", "late"}};
  tracer.AddPart(base::FormatTraceparent(kParent), part, {"predict", 10, 20}, {{"input", 10, 12}, {"score", 12, 20}});
  ASSERT_EQ(spans_.size(), 3u);
  EXPECT_EQ(spans_[2].name, "predict");
  EXPECT_EQ(spans_[2].parent, kParent.span);
  EXPECT_EQ(spans_[2].begin_ns, 1'010);
  EXPECT_EQ(AttributesOf(spans_[2]), "seaworthy.endpoint=late\n");
  for (const int stage : {0, 1}) {
    EXPECT_EQ(spans_[stage].parent, spans_[2].context.span);
    EXPECT_EQ(spans_[stage].context.trace, kParent.trace);
  }
  EXPECT_EQ(spans_[1].name, "score");
  EXPECT_EQ(spans_[1].begin_ns, 1'012);
  EXPECT_EQ(spans_[1].end_ns, 1'020);
  tracer.AddPart("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", part, {"predict", 10, 20}, {});
  tracer.AddPart("rubbish", part, {"predict", 10, 20}, {});
  EXPECT_EQ(spans_.size(), 3u);
}

}  // namespace
}  // namespace sw::trace
