// TraceContext: a request's place in a distributed trace, as the header "traceparent" says it.
//
//   std::optional<TraceContext> parent = ParseTraceparent(request.headers.Get("traceparent"));
//   caller.trace = FormatTraceparent({.trace = parent->trace, .span = ids.NewSpan(), .flags = parent->flags});
//
// W3C Trace Context (level 2). Hostile input: what is not exactly of that form counts as absent, as the
// standard asks. A value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sw::base {

struct TraceContext {
  static constexpr std::uint8_t kSampled = 1;
  static constexpr std::uint8_t kRandom = 2;  // the trace's id was drawn at random

  std::array<std::uint8_t, 16> trace = {};  // never all zero
  std::array<std::uint8_t, 8> span = {};    // likewise
  std::uint8_t flags = 0;

  bool IsSampled() const { return (flags & kSampled) != 0; }
  bool operator==(const TraceContext&) const = default;
};

std::optional<TraceContext> ParseTraceparent(std::string_view header);
std::string FormatTraceparent(const TraceContext& context);
// Of a text that FormatTraceparent wrote, or an empty one, without parsing it.
bool IsSampledTraceparent(std::string_view traceparent);

// "tracestate" with its list members trimmed and joined by ','; "" when it is not of the standard's form,
// has a key twice, more than 32 members or more than 512 characters: then all of it is to be dropped.
std::string CleanTracestate(std::string_view header);

}  // namespace sw::base
