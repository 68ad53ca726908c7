// OTLP: spans as the body of a POST to /v1/traces, in OpenTelemetry's JSON, and what is answered to it. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/span.h"

namespace sw::trace {

// opentelemetry-proto 1, ExportTraceServiceRequest; `resource` says who has made the spans.
std::string EncodeTraces(std::span<const Attribute> resource, std::span<const Span> spans);

// How many spans a 200 answer says were not taken (partialSuccess); 0 where it says nothing.
std::int64_t RejectedSpans(std::string_view body);

}  // namespace sw::trace
