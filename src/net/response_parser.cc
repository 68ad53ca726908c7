#include "net/response_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <utility>

#include "base/errors.h"

namespace sw::net {

namespace http = boost::beast::http;
using BoostView = boost::beast::string_view;
using BoostError = boost::beast::error_code;
constexpr std::string_view kShortestChunkedBody = "0\r\n\r\n";

class ResponseParser::Impl final : public http::basic_parser<false> {
 public:
  Impl(bool is_head, std::size_t body_bytes_max) {
    header_limit(64u << 10);
    body_limit(body_bytes_max);
    skip(is_head);
    eager(true);
  }
  Response response;
  bool has_chunk = false;

 private:
  void on_request_impl(http::verb, BoostView, BoostView, int, BoostError&) override {}
  void on_response_impl(int code, BoostView, int, BoostError&) override { response.status = code; }
  void on_field_impl(http::field, BoostView name, BoostView value, BoostError&) override {
    response.headers.Add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  void on_header_impl(BoostError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BoostError&) override {}
  std::size_t on_body_impl(BoostView bytes, BoostError&) override { return Take(bytes); }
  void on_chunk_header_impl(std::uint64_t, BoostView, BoostError&) override { has_chunk = true; }
  std::size_t on_chunk_body_impl(std::uint64_t, BoostView bytes, BoostError&) override { return Take(bytes); }
  void on_finish_impl(BoostError&) override {}
  std::size_t Take(BoostView bytes) {
    response.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
};

ResponseParser::ResponseParser(bool is_head, std::size_t body_bytes_max)
    : impl_(std::make_unique<Impl>(is_head, body_bytes_max)) {}
ResponseParser::~ResponseParser() = default;

Result<bool> ResponseParser::Feed(std::string_view buffer, std::size_t* used) {
  *used = 0;
  while (!impl_->is_done() && *used < buffer.size()) {
    // Beast counts on seeing all of the shortest chunked body.
    const bool begins_body = impl_->is_header_done() && impl_->chunked() && !impl_->has_chunk;
    if (begins_body && buffer.size() - *used < kShortestChunkedBody.size()) break;
    BoostError ec;
    std::size_t taken = impl_->put({buffer.data() + *used, buffer.size() - *used}, ec);
    *used += taken;
    if (ec == http::error::body_limit) return ResourceExhausted("answer is too long (limit response_bytes_max)");
    if (ec && ec != http::error::need_more) return DataLoss("answer is not HTTP: {}", ec.message());
    if (taken == 0) break;
  }
  return impl_->is_done();
}

bool ResponseParser::FeedEnd() {
  BoostError ec;
  if (!impl_->got_some()) return false;
  impl_->put_eof(ec);
  return !ec && impl_->is_done();
}

bool ResponseParser::Started() const { return impl_->got_some(); }
bool ResponseParser::KeepAlive() const { return impl_->keep_alive(); }
const Response& ResponseParser::Head() const { return impl_->response; }
bool ResponseParser::HasHead() const { return impl_->is_header_done(); }
std::string ResponseParser::TakeBody() { return std::exchange(impl_->response.body, {}); }
Response ResponseParser::Take() { return std::move(impl_->response); }

}  // namespace sw::net
