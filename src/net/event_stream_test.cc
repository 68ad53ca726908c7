#include "net/event_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include "net/client.h"
#include "net/event_source.h"
#include "net/raw_socket.h"
#include "net/server.h"

namespace sw::net {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(FormatEvent, WritesOneFieldALine) {
  EXPECT_EQ(FormatEvent({.id = "7", .type = "incident", .data = "{}"}), "id: 7\nevent: incident\ndata: {}\n\n");
  EXPECT_EQ(FormatEvent({}), "data: \n\n");
  EXPECT_EQ(FormatEvent({.data = "a\nb\r\nc\rd\n"}), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT_EQ(FormatEvent({.id = "7\nevent: x", .type = "a\r\rb", .data = "c"}), "id: 7 event: x\nevent: a  b\ndata: c\n\n");
}

TEST(LastEventId, IsTextThatAServerMayHaveGiven) {
  EXPECT_EQ(LastEventId({.headers = {{"Last-Event-ID", "7"}}}), "7");
  EXPECT_EQ(LastEventId({}), "");
  EXPECT_EQ(LastEventId({.headers = {{"Last-Event-ID", "\x01"}}}), "");
  EXPECT_EQ(LastEventId({.headers = {{"Last-Event-ID", std::string(257, 'x')}}}), "");
}

template <typename Done>
bool Eventually(const Done& done) {
  for (int i = 0; i < 2'000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return done();
}

// Reads on a thread of its own, until the stream ends.
class Reader {
 public:
  explicit Reader(std::uint16_t port) : thread_([this, port] { Read(port); }) {}

  bool Sees(std::string_view what, std::size_t times = 1) {
    return Eventually([&] {
      const std::lock_guard lock(mutex_);
      std::size_t count = 0;
      for (std::size_t at = text_.find(what); at != text_.npos; at = text_.find(what, at + 1)) ++count;
      return count >= times;
    });
  }
  Result<Response> End() {
    thread_.join();
    return answer_;
  }
  std::string Text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  void Read(std::uint16_t port) {
    Client client("127.0.0.1", port, {.timeout_ms = 10'000});
    answer_ = client.Stream({.target = "/events", .headers = {{"Accept-Encoding", "gzip"}}}, [this](std::string_view piece) {
      const std::lock_guard lock(mutex_);
      text_.append(piece);
      return true;
    });
  }
  std::mutex mutex_;
  std::string text_;  // guarded by mutex_
  Result<Response> answer_;
  std::jthread thread_;
};

// Asks, and reads when it is told to.
class SlowReader {
 public:
  explicit SlowReader(std::uint16_t port) : fd_(ConnectedSocket(port, 8 << 10)) {
    constexpr std::string_view kAsk = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(send(fd_, kAsk.data(), kAsk.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kAsk.size()));
  }
  ~SlowReader() { close(fd_); }
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;

  std::string ReadUntil(std::string_view end) const {
    std::string text;
    char piece[4096];
    while (!text.ends_with(end)) {
      const ssize_t got = recv(fd_, piece, sizeof(piece), 0);
      if (got <= 0) return text + "<closed>";
      text.append(piece, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  int fd_;
};

// A server of one loop, on a clock that the test advances.
class EventStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.loops = 1;
    options.limits.stream_buffer_bytes_max = 64u << 10;
    options.now_ns = [this] { return now_ms_.load() * 1'000'000; };
    std::vector<Route> routes;
    routes.push_back({.pattern = "/events", .handler = [this](const Request& request, const Responder& responder) {
                        Result<EventStream> stream = EventStream::Open(request, responder);
                        if (!stream) return;
                        stream->OnEnd([this] { ++ended_; });
                        const std::lock_guard lock(mutex_);
                        streams_.push_back(*std::move(stream));
                      }});
    server_ = Server::Start(std::move(options), Router::Make(std::move(routes)).value(), counters_).value();
  }
  void TearDown() override {
    streams_.clear();
    server_.reset();
  }
  EventStream Stream(std::size_t index = 0) {
    EXPECT_TRUE(Eventually([&] {
      const std::lock_guard lock(mutex_);
      return streams_.size() > index;
    }));
    const std::lock_guard lock(mutex_);
    return streams_.at(index);
  }
  void AdvanceMs(std::int64_t ms) { now_ms_.fetch_add(ms); }
  std::int64_t Refused(const std::string& limit) { return counters_.Get("net_refused_total", "", {{"limit", limit}}).Value(); }
  // Sends until the reader is too slow; how many events were taken.
  int Flood(const EventStream& stream) {
    int taken = 0;
    const std::string data(1'000, 'x');
    while (stream.Send({.id = std::to_string(taken + 1), .data = data})) ++taken;
    return taken;
  }

  std::atomic<std::int64_t> now_ms_{1'000'000};
  std::atomic<int> ended_{0};
  base::Counters counters_;
  std::mutex mutex_;
  std::vector<EventStream> streams_;  // guarded by mutex_
  std::unique_ptr<Server> server_;
};

TEST_F(EventStreamTest, EventsArriveAsTheyAreSent) {
  Reader reader(server_->Port());
  const EventStream stream = Stream();
  EXPECT_TRUE(stream.SetId("16"));
  EXPECT_TRUE(stream.Send({.id = "17", .type = "live", .data = "a"}));
  EXPECT_TRUE(reader.Sees("id: 17\nevent: live\ndata: a\n\n"));
  EXPECT_TRUE(stream.Send({.id = "18", .data = "b"}));
  EXPECT_TRUE(reader.Sees("id: 18\ndata: b\n\n"));
  stream.Finish();
  const Result<Response> answer = reader.End();
  EXPECT_EQ(reader.Text(), "retry: 2000\n\nid: 16\n\nid: 17\nevent: live\ndata: a\n\nid: 18\ndata: b\n\n");
  EXPECT_EQ(answer->headers.Get("content-type"), "text/event-stream");
  EXPECT_EQ(answer->headers.Get("cache-control"), "no-store");
  EXPECT_EQ(answer->headers.Get("x-accel-buffering"), "no");
  EXPECT_EQ(answer->headers.Get("transfer-encoding"), "chunked");
  EXPECT_EQ(answer->headers.Find("content-encoding"), nullptr) << "what is compressed waits for more";
}

TEST_F(EventStreamTest, WhoAsksForTheHeaderGetsItAndNoStream) {
  Client client("127.0.0.1", server_->Port());
  const Response answer = client.Send({.method = Method::kHead, .target = "/events"}).value();
  EXPECT_EQ(answer.headers.Get("content-type"), "text/event-stream");
  EXPECT_TRUE(streams_.empty());
}

TEST_F(EventStreamTest, ASilentStreamBeatsAndOutlivesEveryTimeout) {
  Reader reader(server_->Port());
  const EventStream stream = Stream();
  ASSERT_TRUE(reader.Sees("retry"));
  const std::int64_t begin_ms = now_ms_;
  {
    const std::jthread time_passes([this](const std::stop_token& stop) {
      for (; !stop.stop_requested(); std::this_thread::sleep_for(std::chrono::milliseconds(5))) AdvanceMs(500);
    });
    ASSERT_TRUE(reader.Sees("\n:\n\n", 8));
  }
  EXPECT_GE(now_ms_ - begin_ms, 8 * 15'000);
  EXPECT_TRUE(stream.Send({.data = "still here"}));
  EXPECT_TRUE(reader.Sees("data: still here"));
  for (const char* limit : {"idle_timeout_ms", "body_timeout_ms", "write_timeout_ms", "header_timeout_ms"}) EXPECT_EQ(Refused(limit), 0) << limit;
  stream.Finish();
  EXPECT_TRUE(reader.End());
}

TEST_F(EventStreamTest, AReaderThatVanishesEndsItsStream) {
  {
    const SlowReader reader(server_->Port());
    Stream();
  }
  EXPECT_TRUE(Eventually([&] { return ended_ == 1; }));
  EXPECT_FALSE(Stream().IsOpen());
  EXPECT_FALSE(Stream().Send({.data = "a"}));
  EXPECT_TRUE(Eventually([&] { return counters_.Get("net_connections", "").Value() == 0; }));
}

TEST_F(EventStreamTest, AReaderThatIsTooSlowGetsABeginningAndTheEnd) {
  const SlowReader reader(server_->Port());
  const EventStream stream = Stream();
  const int taken = Flood(stream);
  EXPECT_FALSE(stream.Send({.data = "small"})) << "nothing comes after what was lost";
  EXPECT_TRUE(Eventually([&] { return ended_ == 1; }));
  EXPECT_FALSE(stream.IsOpen());
  EXPECT_EQ(Refused("stream_buffer_bytes_max"), 1);
  const std::string text = reader.ReadUntil("\r\n0\r\n\r\n");
  EXPECT_THAT(text, HasSubstr("id: " + std::to_string(taken) + "\n")) << "what was taken arrives";
  EXPECT_THAT(text, Not(HasSubstr("small")));
  SlowReader other(server_->Port());
  EXPECT_TRUE(Stream(1).Send({.data = "others go on"}));
}

TEST_F(EventStreamTest, ADrainEndsStreams) {
  Reader reader(server_->Port());
  ASSERT_TRUE(Stream().Send({.id = "1", .data = "a"}));
  ASSERT_TRUE(reader.Sees("data: a"));
  EXPECT_TRUE(server_->Drain(10'000));
  const Result<Response> answer = reader.End();
  ASSERT_TRUE(answer) << "it ends as it should, and does not break off";
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(ended_, 1);
  EXPECT_FALSE(Stream().Send({.id = "2", .data = "b"}));
}

TEST_F(EventStreamTest, ADrainDoesNotWaitForWhoDoesNotRead) {
  const SlowReader reader(server_->Port());
  const EventStream stream = Stream();
  Flood(stream);
  const std::int64_t begin_ms = now_ms_;
  std::future<Status> drained = std::async(std::launch::async, [&] { return server_->Drain(10'000); });
  while (drained.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) AdvanceMs(100);
  EXPECT_TRUE(drained.get());
  EXPECT_LT(now_ms_ - begin_ms, 10'000) << "long before write_timeout_ms";
}

TEST_F(EventStreamTest, AnEventSourceReadsWhatWasSent) {
  std::vector<Event> events;
  std::jthread sender([&] {
    const EventStream stream = Stream();
    EXPECT_TRUE(stream.Send({.id = "1", .type = "live", .data = "a\nb"}));
    EXPECT_TRUE(stream.Send({.id = "2", .data = ""}));
  });
  EventSource source(Client("127.0.0.1", server_->Port(), {.timeout_ms = 10'000}), "/events", {});
  EXPECT_TRUE(source.Run([&](const Event& event) {
    events.push_back(event);
    return events.size() < 2;
  }));
  EXPECT_EQ(events, (std::vector<Event>{{.id = "1", .type = "live", .data = "a\nb"}, {.id = "2", .data = ""}}));
}

}  // namespace
}  // namespace sw::net
