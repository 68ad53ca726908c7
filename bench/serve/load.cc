// Load for HTTP/1.1: sends one request over and over on each of some connections, and prints what came back
// as JSON. It spins rather than sleeps, so that the server does not pay for waking it.
//
// usage: load PORT CONNECTIONS SECONDS FILE [NEEDLE]
//   FILE    the request as it goes over the wire, head and body
//   NEEDLE  what a good answer's body has; an answer without it, or not of 200, is a failure
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  std::string in;
  Clock::time_point sent;
};

int Connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) return -1;
  return fd;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Length of the answer that `in` begins with, 0 while it is not whole. Only answers with Content-Length.
std::size_t AnswerLength(std::string_view in) {
  const std::size_t head = in.find("\r\n\r\n");
  if (head == in.npos) return 0;
  for (std::size_t at = in.find("\r\n") + 2; at < head; at = in.find("\r\n", at) + 2) {
    constexpr std::string_view kName = "content-length:";
    if (head - at < kName.size()) continue;
    const bool is_length = std::equal(kName.begin(), kName.end(), in.begin() + static_cast<std::ptrdiff_t>(at),
                                      [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
    if (!is_length) continue;
    std::size_t length = 0;
    const char* digits = in.data() + at + kName.size();
    while (*digits == ' ') ++digits;
    std::from_chars(digits, in.data() + head, length);
    return in.size() >= head + 4 + length ? head + 4 + length : 0;
  }
  return head + 4;
}

struct Load {
  std::uint16_t port;
  std::string request;
  std::string needle;
  std::vector<Connection> connections = {};
  std::vector<double> latencies_us = {};
  long failures = 0;
  int epoll = epoll_create1(0);

  void Open(Connection& connection) {
    if (connection.fd >= 0) close(connection.fd);
    connection.in.clear();
    connection.fd = Connect(port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &event);
    Ask(connection);
  }
  void Ask(Connection& connection) {
    connection.sent = Clock::now();
    if (!SendAll(connection.fd, request)) ++failures;
  }
  void Hear(Connection& connection) {
    std::array<char, 65536> piece;
    const ssize_t got = recv(connection.fd, piece.data(), piece.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      ++failures;
      return Open(connection);
    }
    connection.in.append(piece.data(), static_cast<std::size_t>(got));
    const std::size_t length = AnswerLength(connection.in);
    if (length == 0) return;
    const std::string_view answer = std::string_view(connection.in).substr(0, length);
    if (!answer.starts_with("HTTP/1.1 200") || (!needle.empty() && answer.find(needle) == answer.npos)) ++failures;
    latencies_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - connection.sent).count());
    connection.in.erase(0, length);
    Ask(connection);
  }
  double Run(std::size_t count, double seconds) {
    connections.resize(count);
    for (Connection& connection : connections) Open(connection);
    const auto begin = Clock::now();
    std::array<epoll_event, 256> events{};
    while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
      const int ready = epoll_wait(epoll, events.data(), events.size(), 0);
      for (int i = 0; i < ready; ++i) Hear(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
  double Quantile(double q) {
    if (latencies_us.empty()) return 0;
    const auto at = static_cast<std::size_t>(q * static_cast<double>(latencies_us.size() - 1));
    std::ranges::nth_element(latencies_us, latencies_us.begin() + static_cast<std::ptrdiff_t>(at));
    return latencies_us[at];
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS FILE [NEEDLE]\n");
    return 2;
  }
  std::ifstream file(argv[4], std::ios::binary);
  Load load{.port = static_cast<std::uint16_t>(std::atoi(argv[1])),
            .request = std::string(std::istreambuf_iterator<char>(file), {}),
            .needle = argc > 5 ? argv[5] : ""};
  const double seconds = load.Run(static_cast<std::size_t>(std::atoi(argv[2])), std::atof(argv[3]));
  const std::size_t count = load.latencies_us.size();
  std::printf("{\"requests\":%zu,\"failures\":%ld,\"seconds\":%.3f,\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n",
              count, load.failures, seconds, static_cast<double>(count) / seconds, load.Quantile(0.5), load.Quantile(0.99), load.Quantile(1));
  return load.failures == 0 ? 0 : 1;
}
