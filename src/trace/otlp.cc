#include "trace/otlp.h"

#include <charconv>

#include <fmt/format.h>

#include "base/json.h"

namespace sw::trace {
namespace {

constexpr int kStatusError = 2;
// opentelemetry.proto.trace.v1.SpanFlags: whether it is known where the parent is, and where.
constexpr std::uint32_t kKnowsRemote = 0x100;
constexpr std::uint32_t kIsRemote = 0x200;

// Ids are hexadecimal in OTLP's JSON, unlike other bytes.
void AppendHex(std::string& out, std::string_view key, std::span<const std::uint8_t> bytes) {
  fmt::format_to(std::back_inserter(out), R"("{}":"{:02x}",)", key, fmt::join(bytes, ""));
}

void AppendText(std::string& out, std::string_view key, std::string_view value) {
  fmt::format_to(std::back_inserter(out), R"("{}":)", key);
  base::AppendJsonString(out, value);
}

void AppendAttributes(std::string& out, std::span<const Attribute> attributes) {
  out += R"("attributes":[)";
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const Attribute& attribute = attributes[i];
    out += i == 0 ? "{" : ",{";
    AppendText(out, "key", attribute.key);
    out += R"(,"value":{)";
    if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      AppendText(out, "stringValue", *text);
    } else {
      fmt::format_to(std::back_inserter(out), R"("intValue":"{}")", std::get<std::int64_t>(attribute.value));
    }
    out += "}}";
  }
  out += ']';
}

void AppendSpan(std::string& out, const Span& span) {
  out += '{';
  AppendHex(out, "traceId", span.context.trace);
  AppendHex(out, "spanId", span.context.span);
  if (span.parent) AppendHex(out, "parentSpanId", *span.parent);
  if (!span.tracestate.empty()) {
    AppendText(out, "traceState", span.tracestate);
    out += ',';
  }
  AppendText(out, "name", span.name);
  fmt::format_to(std::back_inserter(out), R"(,"flags":{},"kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}",)",
                 span.context.flags | kKnowsRemote | (span.is_parent_remote ? kIsRemote : 0), static_cast<int>(span.kind),
                 span.begin_ns, span.end_ns);
  AppendAttributes(out, span.attributes);
  if (span.is_error) {
    fmt::format_to(std::back_inserter(out), R"(,"status":{{"code":{},)", kStatusError);
    AppendText(out, "message", span.message);
    out += '}';
  }
  out += '}';
}

}  // namespace

std::string EncodeTraces(std::span<const Attribute> resource, std::span<const Span> spans) {
  std::string out = R"({"resourceSpans":[{"resource":{)";
  AppendAttributes(out, resource);
  out += R"(},"scopeSpans":[{"scope":{"name":"seaworthy"},"spans":[)";
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (i > 0) out += ',';
    AppendSpan(out, spans[i]);
  }
  out += "]}]}]}";
  return out;
}

// Hostile input: a number of JSON, or in a string as int64 is in protobuf's JSON.
std::int64_t RejectedSpans(std::string_view body) {
  const Result<Json> answer = Json::Parse(body);
  const Json* partial = answer ? answer->Find("partialSuccess") : nullptr;
  const Json* rejected = partial == nullptr ? nullptr : partial->Find("rejectedSpans");
  std::int64_t count = 0;
  if (rejected != nullptr && rejected->IsInt()) count = rejected->AsInt();
  if (rejected != nullptr && rejected->IsString()) {
    const std::string& text = rejected->AsString();
    std::from_chars(text.data(), text.data() + text.size(), count);
  }
  return std::max<std::int64_t>(count, 0);
}

}  // namespace sw::trace
