#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <future>
#include <thread>

#include "base/errors.h"
#include "net/client.h"
#include "net/compression.h"
#include "net/raw_socket.h"
#include "net/server.h"

namespace sw::net {
namespace {

constexpr char kPing[] = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";

// A client that says what it likes, when it likes.
class RawClient {
 public:
  RawClient() : fd_(NewSocket(16 << 10)) {}
  ~RawClient() { Close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Connect(std::uint16_t port) { ConnectSocket(fd_, port); }
  void Send(std::string_view bytes) {
    ASSERT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Whether nothing has come, not even an end.
  bool IsQuiet() const {
    char byte = 0;
    return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }
  // What comes until the text ends with `last`; without it until the server has closed.
  std::string Read(std::string_view last = {}) {
    std::string text;
    std::array<char, 4096> piece;
    pollfd item{fd_, POLLIN, 0};
    while (poll(&item, 1, 10'000) == 1) {
      const ssize_t got = recv(fd_, piece.data(), piece.size(), 0);
      if (got <= 0) return text;
      text.append(piece.data(), static_cast<std::size_t>(got));
      if (!last.empty() && text.ends_with(last)) return text;
    }
    return text + "<no end within 10 s>";
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// A server of one loop, on a clock that the test advances.
class ServerLimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.loops = 1;
    options.executor = &pool_;
    options.now_ns = [this] { return now_ms_.load() * 1'000'000; };
    Router router = Router::Make({Text("/ping", "pong"), Text("/big", std::string(32u << 20, 'x')),
                                  Echo(), Blob(), Hold()})
                        .value();
    server_ = Server::Start(std::move(options), std::move(router), counters_).value();
    raw_.Connect(server_->Port());
  }
  static Route Text(std::string pattern, std::string text) {
    return {.pattern = std::move(pattern),
            .handler = Answer(
                [text](const Request&) -> Result<Response> { return TextResponse(200, text); })};
  }
  static Route Echo() {
    return {.method = Method::kPost,
            .pattern = "/echo",
            .handler = Answer(
                [](const Request& r) -> Result<Response> { return TextResponse(200, r.body); })};
  }
  Route Blob() {
    return {.method = Method::kPut,
            .pattern = "/blob",
            .slow = true,
            .stream_handler = [this](Request, BodyReader body, Responder) {
              Result<std::string> piece = body.ReadBlocking();
              while (piece && !piece->empty()) piece = body.ReadBlocking();
              read_.set_value(piece ? ErrorCode::kInternal : piece.error().code);
            }};
  }

  // Keeps the only loop for as long as hold_ runs.
  Route Hold() {
    return {.pattern = "/hold", .handler = Answer([this](const Request&) -> Result<Response> {
              hold_();
              return TextResponse(200, "held");
            })};
  }

  void AdvanceMs(std::int64_t ms) { now_ms_.fetch_add(ms); }
  std::int64_t Open() { return counters_.Get("net_connections", "").Value(); }
  std::int64_t Pauses() { return counters_.Get("net_accept_pauses_total", "").Value(); }
  std::int64_t Refused(const std::string& limit) {
    return counters_.Get("net_refused_total", "", {{"limit", limit}}).Value();
  }
  // Returns once the server has seen what was sent and what time it is: its loop takes events in
  // order. `open` connections are left then.
  void Settle(std::int64_t open = 1) {
    ASSERT_EQ(Client("127.0.0.1", server_->Port()).Get("/ping")->status, 200);
    AwaitOpen(open);
  }
  void AwaitOpen(std::int64_t open) {
    while (Open() != open) std::this_thread::yield();
  }

  std::atomic<std::int64_t> now_ms_{1'000'000};
  std::promise<ErrorCode> read_;
  std::function<void()> hold_;
  base::Counters counters_;
  base::ThreadPool pool_{{.name = "test"}};
  std::unique_ptr<Server> server_;
  RawClient raw_;
};

TEST_F(ServerLimitsTest, ReadsAndWritesCompressedBodies) {
  const std::string text(5'000, 'a');
  Client client("127.0.0.1", server_->Port());
  for (const Encoding encoding : {Encoding::kGzip, Encoding::kDeflate}) {
    const std::string name(EncodingName(encoding));
    const Response answer = client.Send({.method = Method::kPost, .target = "/echo", .body = Compress(encoding, text),
                                         .headers = {{"Content-Encoding", name}, {"Accept-Encoding", name}}}).value();
    EXPECT_EQ(answer.headers.Get("content-encoding"), name);
    EXPECT_EQ(answer.headers.Get("vary"), "Accept-Encoding");
    EXPECT_EQ(Decompress(encoding, answer.body, 10'000).value(), text);
  }
  EXPECT_EQ(client.Send({.method = Method::kPost, .target = "/echo", .body = text})->body, text);  // nobody asked
}

TEST_F(ServerLimitsTest, RefusesCompressedBodiesThatAreBrokenOrTooLong) {
  Client client("127.0.0.1", server_->Port());
  const auto status = [&](std::string body, std::string encoding, Method method = Method::kPost, std::string target = "/echo") {
    return client.Send({.method = method, .target = std::move(target), .body = std::move(body),
                        .headers = {{"Content-Encoding", std::move(encoding)}}})->status;
  };
  EXPECT_EQ(status("hello", "gzip"), 400);
  EXPECT_EQ(status("", "gzip"), 400);
  EXPECT_EQ(status(Compress(Encoding::kGzip, std::string(65u << 20, '\0')), "gzip"), 413);
  EXPECT_EQ(Refused("body_bytes_max"), 1);
  EXPECT_EQ(status("hello", "br"), 415);
  EXPECT_EQ(status("hello", "gzip, gzip"), 415);
  EXPECT_EQ(status(Compress(Encoding::kGzip, "hello"), "gzip", Method::kPut, "/blob"), 415);
  EXPECT_EQ(status(Compress(Encoding::kGzip, "hello"), "gzip"), 200);  // and goes on
}

// They connect while the loop is busy and the drain begins: in the turn of the loop in which they are
// accepted nothing of them has been read.
TEST_F(ServerLimitsTest, ADrainAnswersWhoHasJustConnected) {
  RawClient whole, half, late, silent;
  std::promise<void> drains;
  hold_ = [&] {
    for (RawClient* client : {&whole, &half, &late, &silent}) client->Connect(server_->Port());
    whole.Send(kPing);
    half.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
    EXPECT_EQ(server_->Drain(0).error().code, ErrorCode::kDeadlineExceeded);
    drains.set_value();
  };
  raw_.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  drains.get_future().wait();
  const auto expect_last = [](RawClient& client, std::string_view body) {
    const std::string answer = client.Read();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(body)) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
    client.Close();
  };
  expect_last(whole, "pong");
  half.Send("c");
  expect_last(half, "abc");
  late.Send(kPing);
  expect_last(late, "pong");
  raw_.Close();
  AwaitOpen(1);
  EXPECT_TRUE(silent.IsQuiet());
  AdvanceMs(1'001);
  EXPECT_EQ(silent.Read(), "");
  EXPECT_TRUE(server_->Drain(10'000));
}

TEST_F(ServerLimitsTest, CutsAHeadThatDripsIn) {
  raw_.Send("GET /ping HTTP/1.1\r\nX-Drip: ");
  Settle();
  for (int second = 0; second < 10; ++second) {
    raw_.Send("a");
    AdvanceMs(1'000);
    Settle();
    ASSERT_TRUE(raw_.IsQuiet()) << second;
  }
  AdvanceMs(100);
  const std::string answer = raw_.Read();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_NE(answer.find("header_timeout_ms"), std::string::npos) << answer;
  EXPECT_EQ(Refused("header_timeout_ms"), 1);
}

TEST_F(ServerLimitsTest, DoesNotWaitForAnAnsweredClientToClose) {
  raw_.Send("rubbish\n");
  EXPECT_TRUE(raw_.Read().starts_with("HTTP/1.1 400 "));
  Settle();
  AdvanceMs(2'000);
  AwaitOpen(0);
}

TEST_F(ServerLimitsTest, CutsABodyThatStopsAndNotOneThatGoesOn) {
  raw_.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  for (int piece = 0; piece < 3; ++piece) {
    Settle();
    AdvanceMs(30'000);
    Settle();
    ASSERT_TRUE(raw_.IsQuiet());
    raw_.Send("d");
  }
  Settle();
  AdvanceMs(30'001);
  const std::string answer = raw_.Read();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_NE(answer.find("body_timeout_ms"), std::string::npos) << answer;
  EXPECT_EQ(Refused("body_timeout_ms"), 1);
}

TEST_F(ServerLimitsTest, TellsTheReaderOfABodyThatStops) {
  raw_.Send("PUT /blob HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  std::future<ErrorCode> error = read_.get_future();
  Settle();
  while (error.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
    AdvanceMs(1'000);
  EXPECT_EQ(error.get(), ErrorCode::kDeadlineExceeded);
  EXPECT_TRUE(raw_.Read().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(Refused("body_timeout_ms"), 1);
}

TEST_F(ServerLimitsTest, ClosesAConnectionThatNeverAsks) {
  Settle();
  AdvanceMs(75'000);
  Settle();
  EXPECT_TRUE(raw_.IsQuiet());
  AdvanceMs(100);
  EXPECT_EQ(raw_.Read(), "");
  EXPECT_EQ(Refused("idle_timeout_ms"), 1);
}

TEST_F(ServerLimitsTest, KeepsAConnectionBetweenRequestsForAWhile) {
  for (int request = 0; request < 3; ++request) {
    raw_.Send(kPing);
    ASSERT_TRUE(raw_.Read("pong").ends_with("\r\n\r\npong"));
    Settle();
    AdvanceMs(75'000);
    Settle();
  }
  AdvanceMs(100);
  EXPECT_EQ(raw_.Read(), "");
  EXPECT_EQ(Refused("idle_timeout_ms"), 1);
}

TEST_F(ServerLimitsTest, CutsAClientThatDoesNotReadItsAnswer) {
  raw_.Send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  Settle();
  for (; Refused("write_timeout_ms") == 0; std::this_thread::yield()) AdvanceMs(1'000);
  AwaitOpen(0);
}

// Leaves this process as many descriptors as it has open now.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = dup(0);
    close(lowest_free);
    const rlimit none{static_cast<rlim_t>(lowest_free), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(ServerLimitsTest, PausesAcceptingWithoutDescriptorsAndTriesAgain) {
  Settle();
  RawClient late;
  {
    NoMoreDescriptors none;
    late.Connect(server_->Port());
    late.Send(kPing);
    while (Pauses() == 0) std::this_thread::yield();
    for (int request = 0; request < 20; ++request) {
      raw_.Send(kPing);
      ASSERT_TRUE(raw_.Read("pong").ends_with("pong"));
    }
    EXPECT_EQ(Pauses(), 1) << "the loop came back for the same connection";
    AdvanceMs(100);
    while (Pauses() == 1) std::this_thread::yield();
    EXPECT_TRUE(late.IsQuiet());
  }
  AdvanceMs(100);
  EXPECT_TRUE(late.Read("pong").ends_with("pong"));
}

TEST_F(ServerLimitsTest, AcceptsAgainOnceADescriptorIsFree) {
  Settle();
  RawClient late;
  NoMoreDescriptors none;
  late.Connect(server_->Port());
  late.Send(kPing);
  while (Pauses() == 0) std::this_thread::yield();
  raw_.Close();
  EXPECT_TRUE(late.Read("pong").ends_with("pong"));
}

// A child process that was forked just now holds a copy of every descriptor until it runs its program.
TEST_F(ServerLimitsTest, ForgetsAClosedConnectionThatAChildProcessStillHolds) {
  Settle();
  int until[2];
  ASSERT_EQ(pipe(until), 0);
  const pid_t child = fork();
  if (child == 0) {
    raw_.Close();
    close(until[1]);
    char byte = 0;
    [[maybe_unused]] const ssize_t got = read(until[0], &byte, 1);
    _exit(0);
  }
  raw_.Close();
  AwaitOpen(0);
  for (int i = 0; i < 100; ++i) Settle(0);
  close(until[0]);
  close(until[1]);
  waitpid(child, nullptr, 0);
}

TEST_F(ServerLimitsTest, AClientWithoutDescriptorsIsTold) {
  Settle();
  NoMoreDescriptors none;
  const Result<Response> answer = Client("127.0.0.1", server_->Port()).Get("/ping");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(answer.error().message.find("Too many open files"), std::string::npos)
      << answer.error().message;
}

}  // namespace
}  // namespace sw::net
