// Span: a piece of a trace with a beginning, an end and a few attributes, as OpenTelemetry has it. A value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/trace_context.h"

namespace sw::trace {

enum class SpanKind : std::uint8_t { kInternal = 1, kServer = 2 };  // OTLP's numbers

struct Attribute {
  std::string key;
  std::variant<std::string, std::int64_t> value;
  bool operator==(const Attribute&) const = default;
};

struct Span {
  std::string name = {};
  base::TraceContext context = {};
  std::optional<std::array<std::uint8_t, 8>> parent = {};  // its span; none: the trace begins here
  bool is_parent_remote = false;
  std::string tracestate = {};
  SpanKind kind = SpanKind::kInternal;
  std::int64_t begin_ns = 0, end_ns = 0;  // since 1970
  std::vector<Attribute> attributes = {};
  bool is_error = false;
  std::string message = {};  // of an error
};

}  // namespace sw::trace
