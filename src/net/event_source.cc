#include "net/event_source.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

#include "base/errors.h"

namespace sw::net {
namespace {

constexpr std::size_t kEventBytesMax = 1u << 20;
constexpr std::int64_t kRetryMsMax = 60'000;  // whatever the server says
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error TooLong() { return ResourceExhausted("an event is longer than {} bytes (limit event_bytes_max)", kEventBytesMax).error(); }

}  // namespace

Result<std::vector<Event>> EventParser::Feed(std::string_view bytes) {
  std::vector<Event> events;
  while (!bytes.empty()) {
    if (std::exchange(has_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    if (line_.size() + end > kEventBytesMax) return std::unexpected(TooLong());
    line_.append(bytes.substr(0, end));
    if (end == bytes.size()) break;
    has_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    TakeLine(line_, events);
    line_.clear();
    if (data_.size() > kEventBytesMax) return std::unexpected(TooLong());
  }
  return events;
}

void EventParser::Restart() {
  line_.clear();
  has_cr_ = false;
  is_begin_ = true;
  type_.clear();
  data_.clear();
  id_ = last_id_;
}

void EventParser::TakeLine(std::string_view line, std::vector<Event>& events) {
  if (std::exchange(is_begin_, false) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (!line.empty()) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    return TakeField(line.substr(0, colon), value);
  }
  last_id_ = id_;
  std::string type = std::exchange(type_, {});
  std::string data = std::exchange(data_, {});
  if (data.empty()) return;  // not even a field without text: that would be a line break
  data.pop_back();
  events.push_back({.id = id_, .type = std::move(type), .data = std::move(data)});
}

// A line that begins with a colon is a comment: a field without a name.
void EventParser::TakeField(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_.append(value).push_back('\n');
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id" && !value.contains('\0')) {
    id_ = value;
  } else if (name == "retry") {
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error == std::errc() && end == value.data() + value.size() && ms >= 0) retry_ms_ = std::min(ms, kRetryMsMax);
  }
}

EventSource::EventSource(Client client, std::string target, Options options)
    : client_(std::move(client)), target_(std::move(target)), options_(std::move(options)) {
  parser_.SetLastId(options_.last_id);
}

Status EventSource::Run(const std::function<bool(const Event&)>& on_event) {
  while (true) {
    Ended ended = ReadStream(on_event);
    if (ended.is_final || !was_open_) return std::move(ended.status);
    const std::int64_t wait_ms = parser_.RetryMs();
    if (!options_.wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    } else if (!options_.wait(ended.status.error(), wait_ms)) {
      return std::move(ended.status);
    }
  }
}

EventSource::Ended EventSource::ReadStream(const std::function<bool(const Event&)>& on_event) {
  parser_.Restart();
  ClientRequest request{.target = target_, .headers = {{"Accept", "text/event-stream"}}};
  if (!parser_.LastId().empty()) request.headers.Add("Last-Event-ID", parser_.LastId());
  bool is_enough = false;
  Status parsed;
  const Result<Response> answer = client_.Stream(request, [&](std::string_view piece) {
    was_open_ = true;
    const Result<std::vector<Event>> events = parser_.Feed(piece);
    if (!events) parsed = std::unexpected(events.error());
    is_enough = !events || std::ranges::any_of(*events, [&](const Event& event) { return !on_event(event); });
    return !is_enough;
  });
  if (is_enough) return {true, std::move(parsed)};
  if (!answer) return {false, std::unexpected(answer.error())};
  if (answer->status == 200) return {false, Unavailable("the server has ended the stream")};
  if (answer->status == 204) return {true, NotFound("{}: the server has no stream there", target_)};
  return {answer->status < 500 && answer->status != 429, std::unexpected(ErrorOf(*answer))};
}

}  // namespace sw::net
