// A stream of requests means the same in one piece as in the pieces in which a network brings it:
// the same requests, the same bodies, refused at the same one. The first byte chooses the pieces.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "net/request_parser.h"

namespace {

using sw::net::RequestParser;

struct Stream {
  std::vector<std::string> requests;  // each as text: what a handler would get of it
  bool is_refused = false;
  bool operator==(const Stream&) const = default;
};

std::string Describe(const sw::net::RequestHead& head, const std::string& body) {
  std::string text(sw::net::MethodName(head.request.method));
  text += " " + head.request.path + "?" + head.request.query;
  for (const auto& [name, value] : head.request.headers.Fields())
    text += "\n" + name + ": " + value;
  text += head.keep_alive ? "\n\nkept " : "\n\nclosed ";
  return text + body;
}

// Sizes of pieces: 1 byte for 0, the whole for 255, else a fixed pseudo-random series.
class Pieces {
 public:
  explicit Pieces(std::uint8_t choice) : choice_(choice), state_(choice * 2654435761u + 1) {}
  std::size_t Next(std::size_t left) {
    if (choice_ == 255) return left;
    state_ = state_ * 1664525u + 1013904223u;
    return std::min<std::size_t>(left, choice_ == 0 ? 1 : 1 + (state_ >> 24) % (choice_ % 32 + 1));
  }

 private:
  std::uint8_t choice_;
  std::uint32_t state_;
};

// Reads as Connection does. False once no further request begins: refused, or bytes ran out.
bool ReadOne(std::string_view bytes, std::size_t& begin, std::size_t& end, Pieces& pieces,
             Stream& stream) {
  static const sw::net::Limits limits{.header_bytes_max = 512, .header_count_max = 8};
  RequestParser parser(limits);
  std::string body;
  bool has_head = false;
  while (!has_head || !parser.BodyDone()) {
    std::size_t used = 0;
    const std::string_view buffer = bytes.substr(begin, end - begin);
    if (has_head) {
      stream.is_refused = !parser.FeedBody(buffer, &used, &body);
    } else if (const sw::Result<bool> head = parser.FeedHead(buffer, &used)) {
      has_head = *head;
    } else {
      stream.is_refused = true;
    }
    if (stream.is_refused) return false;
    SW_CHECK(used <= buffer.size(), "more was used than there is");
    begin += used;
    if (used > 0) continue;
    if (end == bytes.size()) return false;
    end += pieces.Next(bytes.size() - end);
  }
  stream.requests.push_back(Describe(parser.Head(), body));
  return true;
}

Stream Read(std::string_view bytes, std::uint8_t choice) {
  Stream stream;
  Pieces pieces(choice);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (begin < bytes.size() && ReadOne(bytes, begin, end, pieces, stream)) {
  }
  return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  SW_CHECK(Read(bytes, data[0]) == Read(bytes, 255),
           "pieces of a stream mean something else than the whole");
  return 0;
}
