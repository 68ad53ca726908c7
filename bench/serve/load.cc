// Load for HTTP/1.1: sends requests over and over on each of some connections, one at a time on each, and
// prints what came back as JSON. It spins rather than sleeps, so that the server does not pay for waking it.
//
// usage: load PORT CONNECTIONS SECONDS FILE [RATE]
//   SECONDS  SIGTERM ends it before; what was asked is waited for. SIGUSR1 makes it print a line about what
//            was answered since the last such line
//   FILE     of each request "REQUEST_BYTES ANSWERS\n", its bytes as they go over the wire, and of each of
//            its good answers "BYTES\n" and bytes that its body has: another answer, or one that is not of
//            200, is a failure. All requests have as many good answers
//   RATE     requests a second on all connections together; it sleeps in between. 0: as many as there may be
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kAnswerSecondsMax = std::chrono::seconds(60);
constexpr std::size_t kAnswerBytesMax = 1 << 20;

volatile std::sig_atomic_t is_over = 0;
volatile std::sig_atomic_t is_asked_to_say = 0;

struct Request {
  std::string bytes;
  std::vector<std::string> good;  // answers
};

struct Connection {
  int fd = -1;
  std::string in;
  Clock::time_point sent;
  std::size_t request = 0;  // the one that was sent last
  bool is_waiting = false;
};

// Counts by power of two and 32 steps within it: quantiles are right to 3 %, in bounded memory.
struct Histogram {
  static constexpr int kStepBits = 5;
  std::array<long, 64 << kStepBits> counts = {};
  long total = 0;
  std::uint64_t most_ns = 0;

  static std::size_t Place(std::uint64_t ns) {
    if (ns < 1U << kStepBits) return ns;
    const int shift = std::bit_width(ns) - 1 - kStepBits;
    return (static_cast<std::size_t>(shift + 1) << kStepBits) + ((ns >> shift) & ((1U << kStepBits) - 1));
  }
  static double Value(std::size_t place) {
    if (place < 1U << kStepBits) return static_cast<double>(place);
    const std::size_t shift = (place >> kStepBits) - 1;
    const std::uint64_t least = ((1U << kStepBits) + (place & ((1U << kStepBits) - 1))) << shift;
    return static_cast<double>(least) + static_cast<double>(std::uint64_t{1} << shift) / 2;
  }
  void Record(std::uint64_t ns) {
    ++counts[Place(ns)];
    ++total;
    most_ns = std::max(most_ns, ns);
  }
  double QuantileUs(double q) const {
    long rank = static_cast<long>(q * static_cast<double>(total - 1));
    for (std::size_t place = 0; place < counts.size(); ++place) {
      rank -= counts[place];
      if (rank < 0) return Value(place) / 1e3;
    }
    return 0;
  }
};

int Connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    close(fd);
    return -1;
  }
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
  std::vector<Request> requests;
  double rate = 0;
  std::vector<long> answers = {};  // of each good answer's place
  std::vector<Connection> connections = {};
  std::deque<Connection*> idle = {};
  Histogram latencies = {};
  Histogram lately = {};
  long failures = 0;
  std::string first_failure = {};
  std::size_t waiting = 0;
  int epoll = epoll_create1(0);

  // False: the server takes no connection, and this one stays closed.
  bool Open(Connection& connection) {
    if (connection.fd >= 0) close(connection.fd);
    connection.in.clear();
    connection.fd = Connect(port);
    if (connection.fd < 0) return false;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &event);
    return true;
  }
  void Fail(std::string_view why) {
    if (failures++ == 0) first_failure = why.substr(0, 300);
  }
  void Ask(Connection& connection) {
    connection.request = (connection.request + 1) % requests.size();
    connection.sent = Clock::now();
    connection.is_waiting = true;
    ++waiting;
    if (!SendAll(connection.fd, requests[connection.request].bytes)) Lose(connection, "it takes no request");
  }
  void Lose(Connection& connection, std::string_view why) {
    Fail(why);
    Answered(connection);
    if (!Open(connection)) is_over = 1;
  }
  void Answered(Connection& connection) {
    connection.is_waiting = false;
    --waiting;
    idle.push_back(&connection);
  }
  void Hear(Connection& connection) {
    std::array<char, 65536> piece;
    const ssize_t got = recv(connection.fd, piece.data(), piece.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 && !connection.is_waiting) {
      if (!Open(connection)) is_over = 1;
      return;
    }
    if (got <= 0) return Lose(connection, "it closed a connection that waited for an answer");
    connection.in.append(piece.data(), static_cast<std::size_t>(got));
    if (connection.in.size() > kAnswerBytesMax) return Lose(connection, "an answer has no end");
    const std::size_t length = AnswerLength(connection.in);
    if (length == 0 || !connection.is_waiting) return;
    const auto took_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - connection.sent).count());
    latencies.Record(took_ns);
    lately.Record(took_ns);
    Judge(std::string_view(connection.in).substr(0, length), requests[connection.request]);
    connection.in.erase(0, length);
    Answered(connection);
  }
  void Judge(std::string_view answer, const Request& request) {
    if (!answer.starts_with("HTTP/1.1 200")) return Fail(answer);
    const std::string_view body = answer.substr(answer.find("\r\n\r\n") + 4);
    for (std::size_t i = 0; i < request.good.size(); ++i) {
      if (body.find(request.good[i]) == body.npos) continue;
      ++answers[i];
      return;
    }
    Fail(answer);
  }
  void HearAll(int timeout_ms) {
    std::array<epoll_event, 256> events{};
    const int ready = epoll_wait(epoll, events.data(), events.size(), timeout_ms);
    for (int i = 0; i < ready; ++i) Hear(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
  }
  void SayLately() {
    is_asked_to_say = 0;
    std::printf("{\"requests\":%ld,\"p99_us\":%.1f,\"max_us\":%.1f}\n", lately.total, lately.QuantileUs(0.99), static_cast<double>(lately.most_ns) / 1e3);
    std::fflush(stdout);
    lately = {};
  }
  // Seconds until it stopped asking.
  double Run(std::size_t count, double seconds) {
    answers.assign(requests.front().good.size(), 0);
    connections.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      connections[i].request = i * 7 % requests.size();
      if (!Open(connections[i])) return Fail("it takes no connection"), 0;
      idle.push_back(&connections[i]);
    }
    const auto begin = Clock::now();
    double asked = 0;
    double passed = 0;
    while ((passed = std::chrono::duration<double>(Clock::now() - begin).count()) < seconds && is_over == 0) {
      for (; !idle.empty() && (rate == 0 || asked <= passed * rate) && is_over == 0; ++asked) {
        Connection& next = *idle.front();
        idle.pop_front();
        Ask(next);
      }
      HearAll(rate == 0 ? 0 : 1);
      if (is_asked_to_say != 0) SayLately();
    }
    const auto patience = Clock::now() + kAnswerSecondsMax;
    while (waiting > 0 && Clock::now() < patience) HearAll(100);
    for (; waiting > 0; --waiting) Fail("no answer within a minute");
    return passed;
  }
};

std::vector<Request> ReadRequests(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const auto bytes = [&file](std::size_t count) {
    file.ignore(1);  // the line's end
    std::string read(count, '\0');
    file.read(read.data(), static_cast<std::streamsize>(count));
    return read;
  };
  std::vector<Request> requests;
  std::size_t size = 0;
  std::size_t answers = 0;
  while (file >> size >> answers) {
    Request& request = requests.emplace_back();
    request.bytes = bytes(size);
    for (std::size_t i = 0; i < answers && file >> size; ++i) request.good.push_back(bytes(size));
  }
  return requests;
}

// A JSON string's inside.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c < ' ' ? ' ' : c;
  }
  return escaped;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS FILE [RATE]\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { is_over = 1; });
  std::signal(SIGUSR1, [](int) { is_asked_to_say = 1; });
  Load load{.port = static_cast<std::uint16_t>(std::atoi(argv[1])), .requests = ReadRequests(argv[4]), .rate = argc > 5 ? std::atof(argv[5]) : 0};
  if (load.requests.empty()) {
    std::fprintf(stderr, "%s: no requests\n", argv[4]);
    return 2;
  }
  const double seconds = load.Run(static_cast<std::size_t>(std::atoi(argv[2])), std::atof(argv[3]));
  const Histogram& latencies = load.latencies;
  std::printf("{\"requests\":%ld,\"failures\":%ld,\"seconds\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"first_failure\":\"%s\",\"answers\":[",
              latencies.total, load.failures, seconds, latencies.QuantileUs(0.5), latencies.QuantileUs(0.99),
              static_cast<double>(latencies.most_ns) / 1e3, Escaped(load.first_failure).c_str());
  for (std::size_t i = 0; i < load.answers.size(); ++i) std::printf("%s%ld", i == 0 ? "" : ",", load.answers[i]);
  std::printf("]}\n");
}
