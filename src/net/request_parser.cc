#include "net/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstring>

#include "base/errors.h"

namespace sw::net {

namespace http = boost::beast::http;
using BoostView = boost::beast::string_view;
using BoostError = boost::beast::error_code;
constexpr std::string_view kShortestChunkedBody = "0\r\n\r\n";

class RequestParser::Impl final : public http::basic_parser<true> {
 public:
  explicit Impl(const Limits& limits) : header_count_max_(limits.header_count_max) {
    header_limit(static_cast<std::uint32_t>(limits.header_bytes_max + 4));
    body_limit(boost::none);  // counted by the connection, which knows the route
  }

  RequestHead head;
  std::string* body = nullptr;
  bool too_many_fields = false;
  bool has_chunk = false;
  std::string refused;  // what our own checks found

 private:
  static std::string_view View(BoostView view) { return {view.data(), view.size()}; }

  void on_request_impl(http::verb, BoostView method, BoostView target, int version, BoostError& ec) override {
    version_ = version;
    head.is_http11 = version == 11;
    head.request.method = ParseMethod(View(method));
    if (version != 11 && version != 10) return Fail("HTTP version is neither 1.0 nor 1.1", ec);
    if (!SplitTarget(View(target))) Fail("target is neither a path nor an http URL", ec);
  }
  void on_response_impl(int, BoostView, int, BoostError&) override {}

  void on_field_impl(http::field field, BoostView name, BoostView value, BoostError& ec) override {
    if (header_done_) return;  // a trailer: never merged into the head
    if (head.request.headers.Fields().size() >= header_count_max_) {
      too_many_fields = true;
      return Fail("too many header fields", ec);
    }
    if (field == http::field::transfer_encoding) {
      if (transfer_encodings_++ > 0 || !EqualsNoCase(View(value), "chunked")) {
        return Fail("Transfer-Encoding is not exactly \"chunked\"", ec);
      }
    }
    if (field == http::field::content_length) {
      bool is_digits = !value.empty() && View(value).find_first_not_of("0123456789") == std::string_view::npos;
      if (content_lengths_++ > 0 || !is_digits) return Fail("Content-Length is not one number, given once", ec);
    }
    if (field == http::field::host && (hosts_++ > 0 || !IsHost(View(value)))) return Fail("Host is not valid", ec);
    if (field == http::field::expect) {
      (EqualsNoCase(View(value), "100-continue") ? head.expect_continue : head.expect_unknown) = true;
    }
    head.request.headers.Add(std::string(View(name)), std::string(View(value)));
  }

  void on_header_impl(BoostError& ec) override {
    header_done_ = true;
    if (transfer_encodings_ > 0 && content_lengths_ > 0) {
      return Fail("both Transfer-Encoding and Content-Length", ec);
    }
    if (transfer_encodings_ > 0 && version_ != 11) return Fail("Transfer-Encoding in HTTP/1.0", ec);
    if (version_ == 11 && hosts_ == 0) Fail("Host is missing", ec);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, BoostError&) override {}
  std::size_t on_body_impl(BoostView bytes, BoostError&) override { return Take(bytes); }
  void on_chunk_header_impl(std::uint64_t, BoostView, BoostError&) override { has_chunk = true; }
  std::size_t on_chunk_body_impl(std::uint64_t, BoostView bytes, BoostError&) override { return Take(bytes); }
  void on_finish_impl(BoostError&) override {}

  std::size_t Take(BoostView bytes) {
    body->append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void Fail(std::string why, BoostError& ec) {
    refused = std::move(why);
    ec = http::error::bad_field;
  }

  // Keeps path and query apart; an absolute http URL is reduced to its path.
  bool SplitTarget(std::string_view target) {
    if (target == "*" && head.request.method == Method::kOptions) target = "/";
    if (target.size() > 7 && EqualsNoCase(target.substr(0, 7), "http://")) {
      std::size_t slash = target.find('/', 7);
      target = slash == target.npos ? std::string_view("/") : target.substr(slash);
    }
    if (!target.starts_with('/') || target.find('#') != target.npos) return false;
    std::size_t mark = std::min(target.find('?'), target.size());
    head.request.path = target.substr(0, mark);
    head.request.query = target.substr(std::min(mark + 1, target.size()));
    return true;
  }

  static bool IsHost(std::string_view host) {
    auto is_host_char = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view(".-_:[]").find(c) != std::string_view::npos;
    };
    return !host.empty() && std::ranges::all_of(host, is_host_char);
  }

  std::size_t header_count_max_;
  bool header_done_ = false;
  int version_ = 0;
  int transfer_encodings_ = 0;
  int content_lengths_ = 0;
  int hosts_ = 0;
};

RequestParser::RequestParser(const Limits& limits) : limits_(limits), impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

RequestHead& RequestParser::Head() { return impl_->head; }
bool RequestParser::BodyDone() const { return impl_->is_done(); }

std::unexpected<Error> RequestParser::Refuse(int status, std::string_view limit, std::string message) {
  status_ = status;
  limit_name_ = limit;
  ErrorCode code = status == 431 ? ErrorCode::kResourceExhausted : ErrorCode::kInvalidArgument;
  return base::MakeError(code, "malformed request: " + std::move(message));
}

// Looks at each line end once: what Beast tolerates or unfolds is refused here, before it.
Status RequestParser::ScanHead(std::string_view buffer) {
  while (!head_complete_) {
    const void* found = std::memchr(buffer.data() + scanned_, '\n', buffer.size() - scanned_);
    if (found == nullptr) break;
    auto at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer.data());
    if (at == line_start_ || buffer[at - 1] != '\r') return Refuse(400, "malformed", "line ends without CR");
    std::string_view line = buffer.substr(line_start_, at - 1 - line_start_);
    if (line.find('\r') != line.npos || line.find('\0') != line.npos) {
      return Refuse(400, "malformed", "CR or NUL inside a line");
    }
    if (line_start_ > 0 && (line.starts_with(' ') || line.starts_with('\t'))) {
      return Refuse(400, "malformed", "folded header line");
    }
    head_complete_ = line.empty();
    scanned_ = line_start_ = at + 1;
  }
  if (head_complete_ && scanned_ <= limits_.header_bytes_max) return Ok();
  scanned_ = head_complete_ ? scanned_ : buffer.size();
  if (scanned_ <= limits_.header_bytes_max) return Ok();
  return Refuse(431, "header_bytes_max",
                fmt::format("head is longer than {} bytes (limit header_bytes_max)", limits_.header_bytes_max));
}

Result<bool> RequestParser::FeedHead(std::string_view buffer, std::size_t* used) {
  *used = 0;
  SW_TRY(ScanHead(buffer));
  if (!head_complete_) return false;
  BoostError ec;
  // Beast may take the start line and the fields in two steps.
  while (!impl_->is_header_done() && *used < scanned_) {
    std::size_t taken = impl_->put({buffer.data() + *used, scanned_ - *used}, ec);
    *used += taken;
    if (ec || taken == 0) break;
  }
  if (impl_->too_many_fields) {
    return Refuse(431, "header_count_max",
                  fmt::format("more than {} header fields (limit header_count_max)", limits_.header_count_max));
  }
  if (!impl_->refused.empty()) return Refuse(400, "malformed", impl_->refused);
  if (!impl_->is_header_done() || (ec && ec != http::error::need_more)) {
    return Refuse(400, "malformed", ec ? ec.message() : "head is not complete");
  }
  RequestHead& head = impl_->head;
  head.keep_alive = impl_->keep_alive();
  head.chunked = impl_->chunked();
  if (auto length = impl_->content_length()) head.content_length = *length;
  return true;
}

Status RequestParser::FeedBody(std::string_view buffer, std::size_t* used, std::string* body) {
  *used = 0;
  impl_->body = body;
  BoostError ec;
  while (!impl_->is_done() && *used < buffer.size()) {
    // Beast counts on seeing all of the shortest chunked body.
    if (impl_->chunked() && !impl_->has_chunk && buffer.size() - *used < kShortestChunkedBody.size()) return Ok();
    std::size_t taken = impl_->put({buffer.data() + *used, buffer.size() - *used}, ec);
    *used += taken;
    if (ec == http::error::need_more && taken > 0) continue;
    if (ec == http::error::need_more) return Ok();
    if (ec) return Refuse(400, "malformed", ec.message());
    if (taken == 0 && !impl_->is_done()) return Ok();
  }
  return Ok();
}

}  // namespace sw::net
