#include "net/http2_stream.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/errors.h"
#include "base/text.h"
#include "net/grpc.h"
#include "net/http2.h"

namespace sw::net {
namespace {

constexpr std::size_t kHeaderOverheadBytes = 32;  // of each, as HTTP/2 counts them
constexpr std::size_t kPieceBytes = 64u << 10;

// Header fields of an answer in nghttp2's form: lower case, and nothing that could end a field early.
class FieldList {
 public:
  void Add(std::string_view name, std::string_view value) {
    parts_.emplace_back(bytes_.size(), name.size(), value.size());
    for (const char c : name) bytes_.push_back(base::ToLower(c));
    AppendFieldText(bytes_, value);
  }
  const std::vector<nghttp2_nv>& Fields() {
    fields_.clear();
    auto* bytes = reinterpret_cast<std::uint8_t*>(bytes_.data());
    for (const auto& [at, name, value] : parts_) {
      fields_.push_back({bytes + at, bytes + at + name, name, value, NGHTTP2_NV_FLAG_NONE});
    }
    return fields_;
  }
  void Clear() {
    bytes_.clear();
    parts_.clear();
  }

 private:
  struct Part {
    std::size_t at, name, value;
  };
  std::string bytes_;
  std::vector<Part> parts_;
  std::vector<nghttp2_nv> fields_;
};

// Reused: a list lives for one call of nghttp2, which copies it.
FieldList& EmptyList() {
  thread_local FieldList list;
  list.Clear();
  return list;
}

ssize_t ReadBody(nghttp2_session* session, std::int32_t id, std::uint8_t* to, std::size_t bytes_max, std::uint32_t* flags,
                 nghttp2_data_source* source, void*) {
  auto& stream = *static_cast<Http2Stream*>(source->ptr);
  const Http2Stream::Filled filled = stream.Fill(reinterpret_cast<char*>(to), bytes_max);
  if (filled.is_deferred) return NGHTTP2_ERR_DEFERRED;
  if (!filled.is_last) return static_cast<ssize_t>(filled.bytes);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream.Trailers().Fields().empty()) return static_cast<ssize_t>(filled.bytes);
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  FieldList& list = EmptyList();
  for (const auto& [name, value] : stream.Trailers().Fields()) list.Add(name, value);
  nghttp2_submit_trailer(session, id, list.Fields().data(), list.Fields().size());
  return static_cast<ssize_t>(filled.bytes);
}

}  // namespace

Http2Stream::Http2Stream(Http2& http2, std::int32_t id, std::int64_t now_ms)
    : http2_(http2), state_(http2.GetConnection().State()), id_(id), begin_ms_(now_ms), last_data_ms_(now_ms) {}

Http2Stream::~Http2Stream() = default;

// After a request's own fields come trailers, which nobody reads; but they count.
void Http2Stream::AddHeader(std::string_view name, std::string_view value) {
  header_bytes_ += name.size() + value.size() + kHeaderOverheadBytes;
  ++header_count_;
  if (has_headers_) return;
  const Limits& limits = state_.options.limits;
  if (header_bytes_ > limits.header_bytes_max || header_count_ > limits.header_count_max) return;
  if (name == ":method") {
    request_.method = ParseMethod(value);
  } else if (name == ":path") {
    const std::size_t mark = std::min(value.find('?'), value.size());
    request_.path = value.substr(0, mark);
    request_.query = value.substr(std::min(mark + 1, value.size()));
  } else if (name == ":authority") {
    request_.headers.Add("host", std::string(value));
  } else if (!name.starts_with(':')) {
    if (name == "content-length") {
      std::uint64_t length = 0;  // nghttp2 has checked that it is one number
      std::from_chars(value.data(), value.data() + value.size(), length);
      content_length_ = length;
    }
    request_.headers.Add(std::string(name), std::string(value));
  }
}

void Http2Stream::EndHeaders(bool is_last) {
  if (!has_headers_) {
    has_headers_ = true;
    Begin();
  }
  if (is_last) EndBody();
}

void Http2Stream::Begin() {
  Connection& connection = http2_.GetConnection();
  const Limits& limits = state_.options.limits;
  is_head_ = request_.method == Method::kHead;
  request_.peer = connection.Peer();
  last_data_ms_ = connection.LastReadMs();
  Match match = state_.router.Find(request_.method, request_.path, connection.GetListen().groups);
  auto exchange = std::make_shared<Exchange>(connection.GetLoop().Box(), this, match.route, false, limits.stream_buffer_bytes_max);
  const bool is_long = header_bytes_ > limits.header_bytes_max;
  if (is_long || header_count_ > limits.header_count_max) {
    const std::string_view limit = is_long ? "header_bytes_max" : "header_count_max";
    state_.CountRefused(limit);
    inbound_.BeginBroken(state_, std::move(exchange));
    return Answer(ErrorResponse(431, ResourceExhausted("the header fields are too many or too long (limit {})", limit).error()));
  }
  if (!http2_.Hold(0)) {
    inbound_.BeginBroken(state_, std::move(exchange));
    return RefuseHeld();
  }
  const bool expects_continue = EqualsNoCase(request_.headers.Get("expect"), "100-continue");
  const Result<std::optional<std::int64_t>> timeout = GrpcTimeoutNs(request_.headers);
  if (timeout && *timeout) deadline_ns_ = state_.options.now_ns() + **timeout;
  if (!request_.path.starts_with('/')) request_.path = "/" + request_.path;
  const Carrier carrier{connection.GetListen(), "2", connection.IsTls()};
  std::optional<Response> early = inbound_.Begin(state_, carrier, std::move(exchange), std::move(request_),
                                                 std::move(match), content_length_);
  if (!early && !timeout) early = inbound_.RenderError(400, timeout.error());
  if (early) return Answer(*std::move(early));
  if (expects_continue) SubmitContinue();
  if (inbound_.Streaming()) inbound_.Dispatch();
}

void Http2Stream::RefuseHeld() {
  state_.CountRefused("connection_bytes_max");
  Answer(inbound_.RenderError(503, Unavailable("this connection's bodies and answers are too many bytes at once "
                                               "(limit connection_bytes_max); read the answers").error()));
}

// Instead of the handler; the body that still comes is dropped.
void Http2Stream::Answer(Response response) {
  is_refused_ = true;
  if (inbound_) inbound_.GetExchange()->Send(std::move(response));
}

void Http2Stream::AddData(std::string_view bytes) {
  last_data_ms_ = http2_.GetConnection().LastReadMs();
  nghttp2_session_consume_connection(http2_.Session(), bytes.size());
  if (is_refused_ || !inbound_ || response_done_) {
    nghttp2_session_consume_stream(http2_.Session(), id_, bytes.size());
    return;
  }
  held_bytes_ += bytes.size();
  if (!http2_.Hold(bytes.size())) return RefuseHeld();
  if (inbound_.Streaming()) {
    in_.Back().append(bytes);
    if (inbound_.GetExchange()->WantsBody()) DeliverPiece();
    return;
  }
  nghttp2_session_consume_stream(http2_.Session(), id_, bytes.size());
  inbound_.Body().append(bytes);
  if (std::optional<Response> refused = inbound_.Charge(bytes.size())) Answer(*std::move(refused));
}

void Http2Stream::EndBody() {
  if (body_done_) return;
  body_done_ = true;
  if (is_refused_ || !inbound_) return;
  if (!inbound_.Streaming()) return inbound_.Dispatch();
  if (inbound_.GetExchange()->WantsBody()) DeliverPiece();
}

void Http2Stream::DeliverPiece() {
  const std::shared_ptr<Exchange> exchange = inbound_.GetExchange();
  if (in_.empty()) {
    if (body_done_) exchange->Deliver(std::string());
    return;
  }
  std::string piece(in_.Waiting().substr(0, kPieceBytes));
  in_.Take(piece.size());
  http2_.LetGo(piece.size());
  held_bytes_ -= piece.size();
  nghttp2_session_consume_stream(http2_.Session(), id_, piece.size());
  exchange->Deliver(std::move(piece));
}

void Http2Stream::BodyAsked() {
  Http2& http2 = http2_;
  DeliverPiece();  // this may be gone then
  http2.Pump();
}

// Bytes of the answer are here, the connection takes more, and yet they do not leave: the client's window
// is closed.
bool Http2Stream::IsBlocked() const { return !out_.empty() && http2_.GetConnection().OutPending() == 0; }

bool Http2Stream::WaitsForPeer() const {
  if (!has_headers_ || IsBlocked()) return true;
  if (!inbound_ || body_done_ || is_refused_) return false;
  return !inbound_.Streaming() || inbound_.GetExchange()->WantsBody();
}

Http2Stream::Filled Http2Stream::Fill(char* to, std::size_t bytes_max) {
  const std::size_t bytes = std::min(bytes_max, out_.size());
  std::memcpy(to, out_.Waiting().data(), bytes);
  out_.Take(bytes);
  held_bytes_ -= bytes;
  http2_.LetGo(bytes);
  if (bytes > 0) {
    http2_.NoteWrote(id_, bytes);
    last_out_ms_ = state_.NowMs();
  }
  const bool has_none = bytes == 0 && !response_done_;
  if (has_none) is_deferred_ = true;
  return {bytes, out_.empty() && response_done_, has_none};
}

void Http2Stream::Resume() {
  if (std::exchange(is_deferred_, false)) nghttp2_session_resume_data(http2_.Session(), id_);
  http2_.Pump();
}

void Http2Stream::Submit(const Response& head, bool has_body, std::optional<std::size_t> content_length) {
  status_ = head.status;
  inbound_.NoteFields(head.headers);
  FieldList& list = EmptyList();
  char status[4] = {};
  std::to_chars(status, status + 3, std::clamp(head.status, 100, 999));
  list.Add(":status", status);
  for (const auto& [name, value] : head.headers.Fields()) {
    if (!IsFramingField(name)) list.Add(name, value);
  }
  if (content_length) list.Add("content-length", std::to_string(*content_length));
  nghttp2_data_provider provider{};
  provider.source.ptr = this;
  provider.read_callback = ReadBody;
  const std::vector<nghttp2_nv>& fields = list.Fields();
  nghttp2_submit_response(http2_.Session(), id_, fields.data(), fields.size(), has_body ? &provider : nullptr);
}

void Http2Stream::SubmitContinue() {
  FieldList& list = EmptyList();
  list.Add(":status", "100");
  nghttp2_submit_headers(http2_.Session(), NGHTTP2_FLAG_NONE, id_, nullptr, list.Fields().data(), 1, nullptr);
}

void Http2Stream::SendWhole(Response response) {
  inbound_.Compress(response, is_head_);
  const bool is_grpc = IsGrpc(response.headers);
  std::optional<std::size_t> length = response.body.size();
  if (is_grpc || HasNoBody(response.status)) length.reset();
  if (is_head_ || HasNoBody(response.status)) response.body.clear();
  response_done_ = true;
  out_.Back() = std::move(response.body);
  trailers_ = std::move(response.trailers);
  inbound_.NoteFields(trailers_);
  held_bytes_ += out_.size();
  http2_.Hold(out_.size());
  last_out_ms_ = state_.NowMs();
  Submit(response, !out_.empty() || !trailers_.Fields().empty(), length);
  http2_.Pump();
}

void Http2Stream::SendStart(Response head) {
  Submit(head, !is_head_, std::nullopt);
  http2_.Pump();
}

void Http2Stream::SendPiece(std::string piece) {
  if (is_head_) return inbound_.GetExchange()->Wrote(piece.size());
  held_bytes_ += piece.size();
  http2_.Hold(piece.size());
  if (out_.empty()) last_out_ms_ = state_.NowMs();
  out_.Back().append(piece);
  Resume();
}

void Http2Stream::SendFinish(Headers trailers) {
  trailers_ = std::move(trailers);
  inbound_.NoteFields(trailers_);
  response_done_ = true;
  if (is_head_) return;
  Resume();
}

void Http2Stream::Wrote(std::size_t bytes) {
  if (inbound_) std::shared_ptr<Exchange>(inbound_.GetExchange())->Wrote(bytes);
}

void Http2Stream::Cancel() {
  if (inbound_) std::shared_ptr<Exchange>(inbound_.GetExchange())->Cancel();
}

void Http2Stream::EndEndless() {
  if (inbound_) std::shared_ptr<Exchange>(inbound_.GetExchange())->End();
}

void Http2Stream::OnClose() {
  http2_.LetGo(held_bytes_);
  held_bytes_ = 0;
  if (!inbound_) return;
  const bool is_answered = response_done_ && out_.empty();
  if (!is_answered) return inbound_.Abort();
  inbound_.Finish(status_);
}

bool Http2Stream::IsLate(std::int64_t now_ms) const {
  return !has_headers_ && now_ms - begin_ms_ > state_.options.limits.header_timeout_ms;
}

void Http2Stream::CheckTimes(std::int64_t now_ms) {
  const Limits& limits = state_.options.limits;
  if (IsBlocked() && now_ms - last_out_ms_ > state_.WriteTimeoutMs(IsEndless())) {
    state_.CountRefused("write_timeout_ms");
    nghttp2_submit_rst_stream(http2_.Session(), NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
    return http2_.Pump();
  }
  if (!has_headers_ || !inbound_ || response_done_) return;
  if (deadline_ns_ != 0 && state_.options.now_ns() >= deadline_ns_) {
    deadline_ns_ = 0;
    const std::shared_ptr<Exchange> exchange = inbound_.GetExchange();
    if (!exchange->Claimed()) Answer(inbound_.RenderError(504, DeadlineExceeded("the time that grpc-timeout gave is over").error()));
    return exchange->Cancel();
  }
  if (IsEndless()) return std::shared_ptr<Exchange>(inbound_.GetExchange())->Tick(now_ms);
  if (!WaitsForPeer() || now_ms - last_data_ms_ <= limits.body_timeout_ms) return;
  state_.CountRefused("body_timeout_ms");
  Answer(inbound_.RenderError(408, DeadlineExceeded("request did not arrive in time (limit body_timeout_ms)").error()));
}

}  // namespace sw::net
