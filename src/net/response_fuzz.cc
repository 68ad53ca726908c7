// A server's answers mean the same to the client in one piece as in the pieces in which a network
// brings them. The first byte chooses the pieces, and whether the request was HEAD. What is wrong in
// an unfinished head may be seen at once or once it ends: to the client neither is an answer.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "net/response_parser.h"

namespace {

constexpr std::size_t kBodyBytesMax = 1000;

std::string Describe(sw::net::ResponseParser& parser) {
  std::string text = parser.KeepAlive() ? "kept " : "closed ";
  const sw::net::Response response = parser.Take();
  SW_CHECK(response.body.size() <= kBodyBytesMax, "a body is longer than its limit");
  text += std::to_string(response.status);
  for (const auto& [name, value] : response.headers.Fields()) text += "\n" + name + ": " + value;
  return text + "\n\n" + response.body;
}

// Reads as Client does, `step` more bytes whenever those at hand are not enough.
std::vector<std::string> Read(std::string_view bytes, std::size_t step, bool is_head) {
  std::vector<std::string> answers;
  std::size_t begin = 0;
  std::size_t end = 0;
  while (begin < bytes.size()) {
    sw::net::ResponseParser parser(is_head, kBodyBytesMax);
    bool is_complete = false;
    while (!is_complete) {
      std::size_t used = 0;
      const std::string_view buffer = bytes.substr(begin, end - begin);
      const sw::Result<bool> fed = parser.Feed(buffer, &used);
      SW_CHECK(used <= buffer.size(), "more was used than there is");
      begin += used;
      if (!fed) return answers;
      is_complete = *fed;
      if (!is_complete && end == bytes.size() && !parser.FeedEnd()) return answers;
      if (!is_complete && end == bytes.size()) break;
      if (!is_complete) end += std::min(step, bytes.size() - end);
    }
    answers.push_back(Describe(parser));
    if (!is_complete) return answers;
  }
  return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_head = data[0] % 2 == 1;
  const std::size_t step = 1 + data[0] / 2 % 32;
  SW_CHECK(Read(bytes, step, is_head) == Read(bytes, bytes.size(), is_head),
           "pieces of an answer mean something else than the whole");
  return 0;
}
