// Messages are the same however the body is cut; and a body that is one message of a unary request is what
// a reader of streams finds in it. The first byte: the size of pieces, its highest bit gzip.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "net/grpc.h"

namespace {

constexpr std::size_t kMessageBytesMax = 4'096;

struct Read {
  std::vector<std::string> messages;
  bool is_refused = false;
  bool is_between = false;
  bool operator==(const Read&) const = default;
};

Read ReadAll(std::string_view body, std::size_t piece, bool is_gzip) {
  sw::net::GrpcReader reader(is_gzip, kMessageBytesMax);
  Read read;
  for (std::size_t at = 0; at < body.size() && !read.is_refused; at += piece) {
    reader.Add(body.substr(at, piece));
    while (true) {
      auto message = reader.Next();
      if (!message) read.is_refused = true;
      if (!message || !*message) break;
      read.messages.push_back(**std::move(message));
    }
  }
  read.is_between = reader.IsBetweenMessages();
  if (read.is_refused) read.is_between = false;
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool is_gzip = (data[0] & 0x80) != 0;
  const std::size_t piece = 1 + (data[0] & 0x7f);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = ReadAll(body, std::max<std::size_t>(1, body.size()), is_gzip);
  SW_CHECK(ReadAll(body, piece, is_gzip) == whole, "another piece size, other messages");
  std::string plain;
  const sw::net::Headers headers = is_gzip ? sw::net::Headers{{"grpc-encoding", "gzip"}} : sw::net::Headers{};
  const auto message = sw::net::UnaryGrpcMessage(headers, body, kMessageBytesMax, &plain);
  const bool is_one = !whole.is_refused && whole.messages.size() == 1 && whole.is_between;
  SW_CHECK(message.has_value() == is_one, "unary and stream differ on what one message is");
  if (message) SW_CHECK(*message == whole.messages.front(), "unary and stream differ on the message");
  return 0;
}
