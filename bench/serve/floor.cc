// The floor: one epoll loop that reads whatever comes and answers with the same bytes, each read of HTTP/1.1 and
// each request of HTTP/2, of which it looks at the frames' heads and at nothing in them. No server can need less.
// Prints its address, and ends with SIGTERM.
//
// usage: serve_floor [GRPC_MESSAGE_BYTES]
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

using namespace std::literals;

constexpr std::size_t kHeadBytes = 9;  // of a frame: length, type, flags, stream
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum Type : unsigned char { kData = 0, kHeaders = 1, kSettings = 4, kWindowUpdate = 8 };
enum Flag : unsigned char { kAck = 1, kEndStream = 1, kEndHeaders = 4 };

std::string Number(std::size_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift & 0xff));
  return text;
}

std::string Frame(Type type, unsigned char flags, std::size_t stream, std::string_view payload) {
  std::string frame = Number(payload.size(), 3);
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  return frame + Number(stream, 4).append(payload);
}

// What an HTTP/2 connection has sent of a frame that is not whole yet.
class Frames {
 public:
  // The answers to all requests that `bytes` end, and to what a connection begins with.
  std::string Answer(std::string_view bytes, std::string_view message) {
    std::string out;
    rest_ += bytes;
    if (!has_begun_) {
      if (rest_.size() < kPreface.size()) return out;
      has_begun_ = true;
      rest_.erase(0, kPreface.size());
      out = Frame(kSettings, 0, 0, "") + Frame(kSettings, kAck, 0, "") + Frame(kWindowUpdate, 0, 0, Number(1u << 30, 4));
    }
    std::size_t at = 0;
    while (rest_.size() - at >= kHeadBytes) {
      const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(rest_[at + i])); };
      const std::size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (rest_.size() - at < kHeadBytes + length) break;
      if (byte(3) == kData && (byte(4) & kEndStream) != 0) AppendAnswer(byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8), message, out);
      at += kHeadBytes + length;
    }
    rest_.erase(0, at);
    return out;
  }

 private:
  // In HPACK's own forms, which need no table: ":status: 200", "content-type", "grpc-status: 0".
  static void AppendAnswer(std::size_t stream, std::string_view message, std::string& out) {
    out += Frame(kHeaders, kEndHeaders, stream, "\x88\x0f\x10\x10" "application/grpc"sv);
    out += Frame(kData, 0, stream, message);
    out += Frame(kHeaders, kEndHeaders | kEndStream, stream, "\x00\x0b" "grpc-status" "\x01" "0"sv);
  }

  bool has_begun_ = false;
  std::string rest_;
};

int Listen() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 1024) != 0) std::exit(1);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

void Accept(int listener, int epoll) {
  const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (accepted < 0) return;
  const int one = 1;
  setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  epoll_event added{.events = EPOLLIN, .data = {.fd = accepted}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &added);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string message(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0, '\0');
  // As long as an answer of V2 for one row.
  const std::string body(250, ' ');
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const int listener = Listen(), epoll = epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, 128> events{};
  std::array<char, 65536> buffer;
  std::unordered_map<int, Frames> http2;
  while (true) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        Accept(listener, epoll);
        continue;
      }
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        http2.erase(fd);
        close(fd);
        continue;
      }
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      if (message.empty()) {
        [[maybe_unused]] const ssize_t sent = send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        continue;
      }
      const std::string out = http2[fd].Answer(bytes, message);
      [[maybe_unused]] const ssize_t sent = send(fd, out.data(), out.size(), MSG_NOSIGNAL);
    }
  }
}
