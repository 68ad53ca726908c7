#include "trace/otlp.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace sw::trace {
namespace {

Span MakeSpan() {
  Span span{.name = "GET /a\"b"};
  span.context = *base::ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  span.begin_ns = 1'700'000'000'000'000'001;
  span.end_ns = 1'700'000'000'000'000'002;
  return span;
}

TEST(Otlp, ASpanIsWrittenAsTheProtocolsJsonHasIt) {
  Span server = MakeSpan();
  server.kind = SpanKind::kServer;
  server.parent = {0, 0, 0, 0, 0, 0, 0, 0x1f};
  server.is_parent_remote = true;
  server.tracestate = "a=1";
  server.attributes = {{"http.route", "/a"}, {"http.response.status_code", 503}};
  server.is_error = true;
  server.message = "503";
  const std::vector<Attribute> resource = {{"service.name", "seaworthy"}};
  const Json body = Json::Parse(EncodeTraces(resource, {&server, 1})).value();
  const Json expected = Json::Parse(R"({"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "seaworthy"}}]},
    "scopeSpans": [{"scope": {"name": "seaworthy"}, "spans": [{
      "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "parentSpanId": "000000000000001f",
      "traceState": "a=1", "name": "GET /a\"b", "flags": 769, "kind": 2,
      "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000002",
      "attributes": [{"key": "http.route", "value": {"stringValue": "/a"}},
                     {"key": "http.response.status_code", "value": {"intValue": "503"}}],
      "status": {"code": 2, "message": "503"}}]}]}]})").value();
  EXPECT_EQ(body.Dump(1), expected.Dump(1));
}

TEST(Otlp, ASpanWithoutAnythingIsStillOne) {
  const std::vector<Span> spans(2, MakeSpan());
  const Json body = Json::Parse(EncodeTraces({}, spans)).value();
  const Json& first = body.Find("resourceSpans")->AsArray()[0].Find("scopeSpans")->AsArray()[0].Find("spans")->AsArray()[1];
  EXPECT_EQ(first.IntOr("kind", 0), 1);
  EXPECT_EQ(first.IntOr("flags", 0), 257);
  EXPECT_FALSE(first.Has("parentSpanId"));
  EXPECT_FALSE(first.Has("status"));
}

TEST(Otlp, APartialSuccessSaysHowManyWereRejected) {
  EXPECT_EQ(RejectedSpans("{}"), 0);
  EXPECT_EQ(RejectedSpans(R"({"partialSuccess":{}})"), 0);
  EXPECT_EQ(RejectedSpans(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}})"), 3);
  EXPECT_EQ(RejectedSpans(R"({"partialSuccess":{"rejectedSpans":3}})"), 3);
  for (const char* odd : {"", "[]", "rubbish", R"({"partialSuccess":[]})", R"({"partialSuccess":{"rejectedSpans":"-3"}})",
                          R"({"partialSuccess":{"rejectedSpans":{}}})"}) {
    EXPECT_EQ(RejectedSpans(odd), 0) << odd;
  }
}

}  // namespace
}  // namespace sw::trace
