#include "net/event_stream.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace sw::net {
namespace {

constexpr std::size_t kIdBytesMax = 256;
constexpr const char* kBeat = ":\n\n";

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(name).append(": ");
  AppendFieldText(out, value);
  out.push_back('\n');
}

}  // namespace

// CR LF, CR and LF each end a line for who reads.
std::string FormatEvent(const Event& event) {
  std::string out;
  AppendField(out, "id", event.id);
  AppendField(out, "event", event.type);
  std::string_view rest = event.data;
  while (true) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    out.append("data: ").append(rest.substr(0, end)).append("\n");
    if (end == rest.size()) break;
    rest.remove_prefix(rest.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  out.push_back('\n');
  return out;
}

std::string LastEventId(const Request& request) {
  const std::string_view id = request.headers.Get("last-event-id");
  const bool is_fine = id.size() <= kIdBytesMax && std::ranges::all_of(id, [](char c) { return c >= ' ' && c <= '~'; });
  return is_fine ? std::string(id) : std::string();
}

Result<EventStream> EventStream::Open(const Request& request, Responder responder, const Options& options) {
  Headers headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  if (request.method == Method::kHead) {
    responder.Send({.status = 200, .headers = std::move(headers)});
    return Cancelled("only the header was asked for");
  }
  SW_TRY(responder.StartEndless(200, std::move(headers), {.piece = kBeat, .every_ms = options.beat_ms}));
  SW_TRY(responder.TryWrite(fmt::format("retry: {}\n\n", options.retry_ms)));
  return EventStream(std::move(responder));
}

bool EventStream::Send(const Event& event) const { return responder_.TryWrite(FormatEvent(event)).has_value(); }

bool EventStream::SetId(std::string_view id) const {
  std::string bytes;
  AppendField(bytes, "id", id);
  return responder_.TryWrite(bytes + "\n").has_value();
}

}  // namespace sw::net
