#include "net/http2.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "net/http2_stream.h"

namespace sw::net {
namespace {

constexpr std::uint32_t kStreamWindowBytes = 1u << 20;
constexpr std::int32_t kConnectionWindowBytes = 4 << 20;
constexpr std::int64_t kGoAwayGraceMs = 1'000;  // between "no more soon" and "no more": a round trip and some
constexpr double kBurst = 10;                   // seconds' worth of a rate
constexpr double kPingsPerSecond = 10;

std::string_view View(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace

// What nghttp2 calls; `user` is the Http2. None may throw.
struct Http2Callbacks {
  static Http2& Self(void* user) { return *static_cast<Http2*>(user); }

  static int BeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2& self = Self(user);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    self.streams_.emplace(frame->hd.stream_id,
                          std::make_unique<Http2Stream>(self, frame->hd.stream_id, self.connection_.LastReadMs()));
    return 0;
  }

  static int Header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    Http2Stream* stream = Self(user).Find(frame->hd.stream_id);
    if (stream != nullptr) stream->AddHeader(View(name, name_size), View(value, value_size));
    return 0;
  }

  static int Data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* user) {
    Http2Stream* stream = Self(user).Find(id);
    if (stream == nullptr) {
      nghttp2_session_consume(session, id, size);
    } else {
      stream->AddData(View(data, size));
    }
    return 0;
  }

  static int FrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2& self = Self(user);
    const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    const bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    Http2Stream* stream = self.Find(frame->hd.stream_id);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (stream != nullptr) stream->EndHeaders(is_last);
        return 0;
      case NGHTTP2_DATA:
        if (frame->hd.length == 0 && !is_last) self.TakeFrame(self.idle_frames_, "idle_frames_per_second_max");
        if (stream != nullptr && is_last) stream->EndBody();
        return 0;
      case NGHTTP2_PING:
        if (is_ack) {
          self.pinged_ms_ = 0;
        } else {
          self.TakeFrame(self.pings_, "pings_per_second_max");
        }
        return 0;
      case NGHTTP2_RST_STREAM: self.TakeFrame(self.resets_, "resets_per_second_max"); return 0;
      default: self.TakeFrame(self.idle_frames_, "idle_frames_per_second_max"); return 0;
    }
  }

  static int FrameSent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2& self = Self(user);
    const std::int32_t id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
      self.TakeFrame(self.resets_, "resets_per_second_max");  // what a client makes us do counts as its own
    }
    const bool ends = id != 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
                      (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA);
    // Answered before the request has ended: the client may stop sending.
    if (ends && nghttp2_session_get_stream_remote_close(session, id) == 0) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static int StreamClosed(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    Http2& self = Self(user);
    auto found = self.streams_.find(id);
    if (found == self.streams_.end()) return 0;
    std::unique_ptr<Http2Stream> stream = std::move(found->second);
    self.streams_.erase(found);
    self.was_endless_ = stream->IsEndless();
    stream->OnClose();
    self.closed_.push_back(std::move(stream));
    if (self.streams_.empty()) self.idle_since_ms_ = self.state_.NowMs();
    return 0;
  }

  static const nghttp2_session_callbacks* All() {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      SW_CHECK(nghttp2_session_callbacks_new(&made) == 0, "nghttp2_session_callbacks_new");
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, BeginHeaders);
      nghttp2_session_callbacks_set_on_header_callback(made, Header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Data);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, FrameReceived);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, FrameSent);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, StreamClosed);
      return made;
    }();
    return callbacks;
  }

  static const nghttp2_option* Options() {
    static nghttp2_option* const options = [] {
      nghttp2_option* made = nullptr;
      SW_CHECK(nghttp2_option_new(&made) == 0, "nghttp2_option_new");
      nghttp2_option_set_no_closed_streams(made, 1);
      nghttp2_option_set_no_auto_window_update(made, 1);
      nghttp2_option_set_stream_reset_rate_limit(made, UINT64_MAX / 2, UINT64_MAX / 2);  // ours counts them
      return made;
    }();
    return options;
  }
};

Http2::Http2(Connection& connection)
    : connection_(connection), state_(connection.State()),
      resets_(static_cast<double>(state_.options.limits.resets_per_second_max), kBurst * static_cast<double>(state_.options.limits.resets_per_second_max)),
      pings_(kPingsPerSecond, kBurst * kPingsPerSecond),
      idle_frames_(static_cast<double>(state_.options.limits.idle_frames_per_second_max),
                   kBurst * static_cast<double>(state_.options.limits.idle_frames_per_second_max)),
      begin_ms_(state_.NowMs()), idle_since_ms_(begin_ms_) {
  SW_CHECK(nghttp2_session_server_new2(&session_, Http2Callbacks::All(), this, Http2Callbacks::Options()) == 0,
           "nghttp2_session_server_new2");
  const Limits& limits = state_.options.limits;
  const std::array<nghttp2_settings_entry, 4> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<std::uint32_t>(limits.streams_max)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes_max)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
}

Http2::~Http2() {
  streams_.clear();
  nghttp2_session_del(session_);
}

Http2Stream* Http2::Find(std::int32_t stream_id) {
  auto found = streams_.find(stream_id);
  return found == streams_.end() ? nullptr : found->second.get();
}

// To find each again: what one is told may end others.
std::vector<std::int32_t> Http2::StreamIds() const {
  std::vector<std::int32_t> ids;
  for (const auto& [id, stream] : streams_) ids.push_back(id);
  return ids;
}

bool Http2::Hold(std::size_t bytes) {
  held_bytes_ += bytes;
  return held_bytes_ <= state_.options.limits.connection_bytes_max;
}

void Http2::TakeFrame(TokenBucket& bucket, std::string_view limit) {
  if (!bucket.Take(state_.options.now_ns())) Abuse(limit);
}

// gRPC's clients know "too_many_pings", and send fewer.
void Http2::Abuse(std::string_view limit) {
  if (!abuse_.empty()) return;
  abuse_ = limit;
  state_.CountRefused(limit);
  const std::string_view why = limit == "pings_per_second_max" ? "too_many_pings" : limit;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_ENHANCE_YOUR_CALM,
                        reinterpret_cast<const std::uint8_t*>(why.data()), why.size());
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

bool Http2::Receive() {
  const std::string_view bytes = connection_.Unread();
  if (bytes.empty() || is_broken_) return false;
  in_session_ = true;
  const ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  in_session_ = false;
  if (used < 0) {
    state_.CountRefused("malformed");
    is_broken_ = true;
    return true;
  }
  connection_.Consume(static_cast<std::size_t>(used));
  return true;
}

bool Http2::Send() {
  bool has_sent = false;
  while (connection_.HasRoom()) {
    const std::uint8_t* bytes = nullptr;
    in_session_ = true;
    const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
    in_session_ = false;
    if (count < 0) is_broken_ = true;
    if (count <= 0) break;
    connection_.Out().append(View(bytes, static_cast<std::size_t>(count)));
    has_sent = true;
  }
  return has_sent;
}

void Http2::TellWriters() {
  for (const auto& [id, bytes] : std::exchange(wrote_, {})) {
    if (Http2Stream* stream = Find(id)) stream->Wrote(bytes);
  }
}

// Reads only while there is room for the answers.
bool Http2::Advance() {
  closed_.clear();
  const bool has_received = connection_.HasRoom() && Receive();
  const bool has_sent = Send();
  TellWriters();
  return (has_received || has_sent || !wrote_.empty()) && !connection_.Closed();
}

void Http2::Pump() {
  if (!in_session_) connection_.Pump();
}

bool Http2::IsFinished() const {
  if (is_broken_) return true;
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

bool Http2::WaitsForPeer() const {
  return std::ranges::any_of(streams_, [](const auto& entry) { return entry.second->WaitsForPeer(); });
}

bool Http2::IsEndless() const {
  if (streams_.empty()) return was_endless_;
  return std::ranges::all_of(streams_, [](const auto& entry) { return entry.second->IsEndless(); });
}

void Http2::OnHangUp() {
  for (const std::int32_t id : StreamIds()) {
    if (Http2Stream* stream = Find(id)) stream->Cancel();
  }
}

void Http2::OnClose() {
  in_session_ = true;  // nothing is written any more
  for (auto& [id, stream] : std::exchange(streams_, {})) {
    stream->OnClose();
    closed_.push_back(std::move(stream));
  }
}

void Http2::BeginGoAway() {
  if (goaway_ms_ != 0) return;
  goaway_ms_ = state_.NowMs();
  nghttp2_submit_shutdown_notice(session_);
}

// Their clients come back on another connection, if they want.
void Http2::EndEndless() {
  for (const std::int32_t id : StreamIds()) {
    if (Http2Stream* stream = Find(id)) stream->EndEndless();
  }
}

void Http2::OnDrain() {
  BeginGoAway();
  EndEndless();
  connection_.Pump();
}

void Http2::CheckStreams(std::int64_t now_ms) {
  for (const std::int32_t id : StreamIds()) {
    Http2Stream* stream = Find(id);
    if (stream != nullptr && stream->IsLate(now_ms)) return connection_.Cut("header_timeout_ms");
    if (stream != nullptr) stream->CheckTimes(now_ms);
    if (connection_.Closed()) return;
  }
}

// False: the connection was closed.
bool Http2::KeepAlive(std::int64_t now_ms) {
  const Limits& limits = state_.options.limits;
  if (pinged_ms_ != 0 && now_ms - pinged_ms_ > limits.keepalive_timeout_ms) {
    connection_.Cut("keepalive_timeout_ms");
    return false;
  }
  const bool is_quiet = now_ms - connection_.LastReadMs() > limits.keepalive_ms;
  if (streams_.empty() || !is_quiet || pinged_ms_ != 0) return true;
  pinged_ms_ = now_ms;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  return true;
}

void Http2::OnTimer(std::int64_t now_ms) {
  const Limits& limits = state_.options.limits;
  CheckStreams(now_ms);
  if (connection_.Closed() || !KeepAlive(now_ms)) return;
  const bool is_old = limits.connection_age_max_ms > 0 && now_ms - begin_ms_ > limits.connection_age_max_ms;
  const bool is_unused = streams_.empty() && now_ms - idle_since_ms_ > limits.idle_timeout_ms;
  if (is_unused && goaway_ms_ == 0) state_.CountRefused("idle_timeout_ms");
  if (is_old || is_unused) BeginGoAway();
  if (goaway_ms_ != 0) EndEndless();
  if (goaway_ms_ != 0 && !has_gone_away_ && (now_ms - goaway_ms_ >= kGoAwayGraceMs || is_unused)) {
    has_gone_away_ = true;
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR, nullptr, 0);
  }
  connection_.Pump();
}

}  // namespace sw::net
