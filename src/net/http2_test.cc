#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <thread>

#include "base/errors.h"
#include "net/event_stream.h"
#include "net/grpc.h"
#include "net/http2.h"
#include "net/recording_observer.h"
#include "net/raw_socket.h"
#include "net/server.h"

namespace sw::net {
namespace {

using testing::HasSubstr;

std::string Prefaced(std::string_view frames) { return std::string(Http2::kPreface) + std::string("\0\0\0\4\0\0\0\0\0", 9) + std::string(frames); }

std::string Frame(int type, int flags, std::uint32_t stream, std::string_view payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame.push_back(static_cast<char>(payload.size() >> shift));
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(stream >> shift));
  return frame + std::string(payload);
}

// One field without Huffman coding and without the dynamic table.
std::string Field(std::string_view name, std::string_view value) {
  std::string out = "\x10";
  out.push_back(static_cast<char>(name.size()));
  out += name;
  out.push_back(static_cast<char>(value.size()));
  return out + std::string(value);
}

std::string GetFields(std::string_view path) {
  return Field(":method", "GET") + Field(":scheme", "http") + Field(":path", path) + Field(":authority", "localhost");
}

int Connected(std::uint16_t port) {
  const int fd = ConnectedSocket(port);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

struct Answer {
  std::map<std::string, std::string> fields;
  std::string body;
  bool is_closed = false;
  std::uint32_t error = 0;
};

// A client of nghttp2's own, which keeps to the rules.
class Client {
 public:
  explicit Client(std::uint16_t port, std::uint32_t window_bytes = 65'535) : fd_(Connected(port)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
          Answer& answer = static_cast<Client*>(user)->answers[frame->hd.stream_id];
          answer.fields[std::string(reinterpret_cast<const char*>(name), name_size)] =
              std::string(reinterpret_cast<const char*>(value), value_size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* user) {
          static_cast<Client*>(user)->answers[id].body.append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
          Answer& answer = static_cast<Client*>(user)->answers[id];
          answer.is_closed = true;
          answer.error = error;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
      if (frame->hd.type == NGHTTP2_GOAWAY) ++static_cast<Client*>(user)->goaways;
      return 0;
    });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_bytes};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(window_bytes));
  }
  ~Client() {
    nghttp2_session_del(session_);
    close(fd_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::int32_t Submit(std::string_view method, std::string_view path, std::string body = {}, const Headers& headers = {}) {
    std::vector<std::pair<std::string, std::string>> fields = {
        {":method", std::string(method)}, {":scheme", "http"}, {":path", std::string(path)}, {":authority", "localhost"}};
    for (const auto& field : headers.Fields()) fields.push_back(field);
    std::vector<nghttp2_nv> list;
    for (auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(), 0});
    }
    bodies_.push_back(std::make_unique<std::string>(std::move(body)));
    nghttp2_data_provider provider{};
    provider.source.ptr = bodies_.back().get();
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t size, std::uint32_t* flags,
                                nghttp2_data_source* source, void*) -> ssize_t {
      auto& rest = *static_cast<std::string*>(source->ptr);
      const std::size_t count = std::min(size, rest.size());
      std::copy_n(rest.data(), count, to);
      rest.erase(0, count);
      if (rest.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(count);
    };
    return nghttp2_submit_request(session_, nullptr, list.data(), list.size(), bodies_.back()->empty() ? nullptr : &provider, nullptr);
  }

  // Talks until `done`, or for ten seconds; false then, and when the server has closed.
  bool TalkUntil(const std::function<bool()>& done) {
    while (true) {
      if (!SendAll()) return false;
      if (done()) return true;
      pollfd item{fd_, POLLIN, 0};
      if (poll(&item, 1, 10'000) != 1) return false;
      std::array<std::uint8_t, 16384> piece;
      const ssize_t got = recv(fd_, piece.data(), piece.size(), 0);
      if (got <= 0) return false;
      if (nghttp2_session_mem_recv(session_, piece.data(), static_cast<std::size_t>(got)) < 0) return false;
    }
  }
  Answer Get(std::int32_t id) {
    TalkUntil([&] { return answers[id].is_closed; });
    return answers[id];
  }
  Answer Ask(std::string_view method, std::string_view path, std::string body = {}, const Headers& headers = {}) {
    return Get(Submit(method, path, std::move(body), headers));
  }
  void Cancel(std::int32_t id) { nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL); }

  std::map<std::int32_t, Answer> answers;
  int goaways = 0;

 private:
  bool SendAll() {
    const std::uint8_t* bytes = nullptr;
    for (ssize_t count = nghttp2_session_mem_send(session_, &bytes); count > 0; count = nghttp2_session_mem_send(session_, &bytes)) {
      if (send(fd_, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) return false;
    }
    return true;
  }
  int fd_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<std::string>> bodies_;
};

// A server of one loop, on a clock that the test advances.
class Http2Test : public testing::Test {
 protected:
  void SetUp() override { Start({}); }
  void TearDown() override { server_.reset(); }

  void Start(Limits limits) {
    server_.reset();
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.loops = 1;
    options.limits = limits;
    options.now_ns = [this] { return now_ns_.load(); };
    options.observer = &observer_;
    server_ = Server::Start(std::move(options), Router::Make(Routes()).value(), counters_).value();
  }

  std::vector<Route> Routes() {
    std::vector<Route> routes;
    routes.push_back({.method = Method::kGet, .pattern = "/ping", .handler = [](Request request, Responder responder) {
                        responder.Send(TextResponse(200, "pong " + std::string(request.headers.Get("host"))));
                      }});
    routes.push_back({.method = Method::kPost, .pattern = "/echo", .handler = [](Request request, Responder responder) {
                        responder.Send(TextResponse(200, std::move(request.body)));
                      }});
    routes.push_back({.method = Method::kPost, .pattern = "/tiny", .body_bytes_max = 10, .handler = [](Request, Responder responder) {
                        responder.Send(TextResponse(200, "fits"));
                      }});
    routes.push_back({.method = Method::kPost, .pattern = "/stream",
                      .stream_handler = [](Request, BodyReader body, Responder responder) {
                        ASSERT_TRUE(responder.Start(200, {{"Content-Type", "text/plain"}}));
                        EchoPieces(body, responder);
                      }});
    routes.push_back({.method = Method::kGet, .pattern = "/held", .handler = [this](Request, Responder responder) {
                        responder.OnCancel([this] { ++cancelled_; });
                        std::lock_guard lock(mutex_);
                        held_.push_back(std::move(responder));
                      }});
    routes.push_back({.method = Method::kGet, .pattern = "/events", .handler = [this](const Request& request, const Responder& responder) {
                        const EventStream stream = EventStream::Open(request, responder).value();
                        stream.OnEnd([this] { ++cancelled_; });
                        std::lock_guard lock(mutex_);
                        streams_.push_back(stream);
                      }});
    routes.push_back({.method = Method::kPost, .pattern = "/test.Service/Echo", .handler = [](Request request, Responder responder) {
                        Response response{200, {{"content-type", "application/grpc"}}, std::move(request.body)};
                        response.trailers = GrpcTrailers(Ok());
                        responder.Send(std::move(response));
                      }});
    routes.push_back({.method = Method::kPost, .pattern = "/test.Service/Hold",
                      .handler = [this](Request, Responder responder) {
                        std::lock_guard lock(mutex_);
                        held_.push_back(std::move(responder));
                      },
                      .render_error = [](int, const Error& error) { return GrpcErrorResponse(error); }});
    return routes;
  }

  static void EchoPieces(const BodyReader& body, const Responder& responder) {
    body.Read([body, responder](Result<std::string> piece) {
      if (!piece) return;
      if (piece->empty()) return responder.Finish({{"x-end", "yes"}});
      EXPECT_TRUE(responder.TryWrite(*std::move(piece)));
      responder.OnWritable([body, responder] { EchoPieces(body, responder); });
    });
  }

  std::int64_t Refused(std::string_view limit) {
    return counters_.Get("net_refused_total", "", {{"limit", std::string(limit)}}).Value();
  }
  template <typename Done>
  bool Eventually(Done done) {
    for (int i = 0; i < 1000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return done();
  }
  EventStream Stream() {
    EXPECT_TRUE(Eventually([&] {
      std::lock_guard lock(mutex_);
      return !streams_.empty();
    }));
    std::lock_guard lock(mutex_);
    return streams_.back();
  }
  void Advance(std::int64_t ms) { now_ns_ += ms * 1'000'000; }
  void ReleaseHeld() {
    std::lock_guard lock(mutex_);
    for (Responder& responder : held_) responder.Send(TextResponse(200, "late"));
    held_.clear();
  }
  // What a server says to these bytes until it closes.
  std::string Say(std::string_view bytes) {
    const int fd = Connected(server_->Port());
    std::size_t sent = 0;
    std::string heard;
    std::array<char, 65536> piece;
    while (true) {
      pollfd item{fd, static_cast<short>(sent < bytes.size() ? POLLIN | POLLOUT : POLLIN), 0};
      if (poll(&item, 1, 5'000) != 1) {
        heard += "<no end>";
        break;
      }
      if ((item.revents & POLLIN) != 0) {
        const ssize_t got = recv(fd, piece.data(), piece.size(), 0);
        if (got <= 0) break;
        heard.append(piece.data(), static_cast<std::size_t>(got));
        continue;
      }
      if ((item.revents & (POLLERR | POLLHUP)) != 0) break;
      const ssize_t count = send(fd, bytes.data() + sent, std::min<std::size_t>(bytes.size() - sent, 65536), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) break;
      sent += static_cast<std::size_t>(count);
    }
    close(fd);
    return heard;
  }

  std::atomic<std::int64_t> now_ns_{1'000'000'000};
  base::Counters counters_;
  RecordingObserver observer_;
  std::mutex mutex_;
  std::vector<Responder> held_;
  std::vector<EventStream> streams_;
  std::atomic<int> cancelled_{0};
  std::unique_ptr<Server> server_;
};

TEST_F(Http2Test, AnObserverIsToldOfEachRequestAndOfGrpcsStatus) {
  Client client(server_->Port());
  const Headers grpc = {{"content-type", "application/grpc"}, {"te", "trailers"},
                        {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  client.Ask("POST", "/test.Service/Echo", std::string("\0\0\0\0\1x", 6), grpc);
  client.Ask("POST", "/test.Service/Nothing", {}, grpc);
  client.Ask("GET", "/ping");
  const std::int32_t held = client.Submit("POST", "/test.Service/Hold", "x", grpc);
  client.Ask("GET", "/ping");  // after it
  client.Cancel(held);
  client.Ask("GET", "/ping");
  const auto told = observer_.WaitFor(6);
  ASSERT_EQ(told.size(), 6u);
  EXPECT_EQ(told[0].http_version, "2");
  EXPECT_TRUE(told[0].is_grpc);
  EXPECT_TRUE(told[0].parent);
  EXPECT_EQ(told[0].grpc_status, 0);
  EXPECT_EQ(told[1].grpc_status, 12);
  EXPECT_EQ(told[1].route, nullptr);
  EXPECT_FALSE(told[2].is_grpc);
  EXPECT_FALSE(told[2].grpc_status);
  EXPECT_EQ(told[2].host, "localhost");
  EXPECT_EQ(told[4].status, 0);  // it went away
  EXPECT_EQ(told[4].route->pattern, "/test.Service/Hold");
}

TEST_F(Http2Test, AnswersTheSameRoutesAsHttp1) {
  Client client(server_->Port());
  const Answer answer = client.Ask("GET", "/ping");
  EXPECT_EQ(answer.fields.at(":status"), "200");
  EXPECT_EQ(answer.fields.at("content-length"), "14");
  EXPECT_EQ(answer.body, "pong localhost");
  EXPECT_EQ(client.Ask("GET", "/nothing").fields.at(":status"), "404");
  EXPECT_EQ(client.Ask("DELETE", "/ping").fields.at(":status"), "405");
  EXPECT_EQ(client.Ask("HEAD", "/ping").body, "");
}

TEST_F(Http2Test, CarriesBodiesLongerThanEveryWindow) {
  Client client(server_->Port());
  std::string body;
  for (int i = 0; i < 1'500'000; ++i) body += std::to_string(i);
  const Answer answer = client.Ask("POST", "/echo", body);
  EXPECT_EQ(answer.body.size(), body.size());
  EXPECT_EQ(answer.body, body);
  const Answer streamed = client.Ask("POST", "/stream", body);
  EXPECT_EQ(streamed.body, body);
  EXPECT_EQ(streamed.fields.at("x-end"), "yes");
}

TEST_F(Http2Test, AnswersManyRequestsAtOnceInAnyOrder) {
  Client client(server_->Port());
  const std::int32_t held = client.Submit("GET", "/held");
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(client.Submit("POST", "/echo", "body " + std::to_string(i)));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.Get(ids[static_cast<std::size_t>(i)]).body, "body " + std::to_string(i));
  EXPECT_FALSE(client.answers[held].is_closed);
  ReleaseHeld();
  EXPECT_EQ(client.Get(held).body, "late");
}

TEST_F(Http2Test, RefusesALongBodyAndGoesOn) {
  Client client(server_->Port());
  const Answer answer = client.Ask("POST", "/tiny", std::string(200'000, 'x'));
  EXPECT_EQ(answer.fields.at(":status"), "413");
  EXPECT_THAT(answer.body, HasSubstr("body_bytes_max"));
  EXPECT_EQ(client.Ask("POST", "/tiny", "short").body, "fits");
}

TEST_F(Http2Test, RefusesLongHeadersByTheirExpandedSize) {
  Client client(server_->Port());
  const Answer answer = client.Ask("GET", "/ping", {}, {{"x-long", std::string(20'000, 'x')}});
  EXPECT_EQ(answer.fields.at(":status"), "431");
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
  Headers many;
  for (int i = 0; i < 200; ++i) many.Add("x-" + std::to_string(i), "1");
  EXPECT_EQ(client.Ask("GET", "/ping", {}, many).fields.at(":status"), "431");
  EXPECT_EQ(Refused("header_bytes_max"), 1);
  EXPECT_EQ(Refused("header_count_max"), 1);
}

TEST_F(Http2Test, TellsAHandlerThatItsClientCancelled) {
  Client client(server_->Port());
  const std::int32_t held = client.Submit("GET", "/held");
  client.TalkUntil([&] {
    std::lock_guard lock(mutex_);
    return !held_.empty();
  });
  client.Cancel(held);
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
  EXPECT_EQ(cancelled_.load(), 1);
  ReleaseHeld();  // nobody is there any more
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
}

TEST_F(Http2Test, CarriesGrpcWithTrailers) {
  Client client(server_->Port());
  const std::string message("\0\0\0\0\3abc", 8);
  const Answer answer = client.Ask("POST", "/test.Service/Echo", message, {{"content-type", "application/grpc"}, {"te", "trailers"}});
  EXPECT_EQ(answer.body, message);
  EXPECT_EQ(answer.fields.at("grpc-status"), "0");
  EXPECT_FALSE(answer.fields.contains("content-length"));
  const Answer unknown = client.Ask("POST", "/test.Service/Nope", message, {{"content-type", "application/grpc"}});
  EXPECT_EQ(unknown.fields.at(":status"), "200");
  EXPECT_EQ(unknown.fields.at("grpc-status"), "12");
}

TEST_F(Http2Test, EndsAGrpcCallAtItsDeadline) {
  Client client(server_->Port());
  const std::int32_t id = client.Submit("POST", "/test.Service/Hold", "x", {{"content-type", "application/grpc"}, {"grpc-timeout", "150m"}});
  client.TalkUntil([&] {
    std::lock_guard lock(mutex_);
    return !held_.empty();
  });
  Advance(149);
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
  EXPECT_FALSE(client.answers[id].is_closed);
  Advance(101);  // a loop looks ten times a second
  EXPECT_EQ(client.Get(id).fields.at("grpc-status"), "4");
  const Answer broken = client.Ask("POST", "/test.Service/Hold", "x", {{"content-type", "application/grpc"}, {"grpc-timeout", "soon"}});
  EXPECT_EQ(broken.fields.at("grpc-status"), "3");
}

TEST_F(Http2Test, DrainsInTwoStepsAndLosesNoRequest) {
  auto owned = std::make_unique<Client>(server_->Port());
  Client& client = *owned;
  const std::int32_t held = client.Submit("GET", "/held");
  client.TalkUntil([&] {
    std::lock_guard lock(mutex_);
    return !held_.empty();
  });
  std::future<Status> drained = std::async(std::launch::async, [&] { return server_->Drain(10'000); });
  EXPECT_TRUE(client.TalkUntil([&] { return client.goaways == 1; }));
  Advance(1'100);
  EXPECT_TRUE(client.TalkUntil([&] { return client.goaways == 2; }));
  EXPECT_FALSE(client.answers[held].is_closed);
  ReleaseHeld();
  EXPECT_EQ(client.Get(held).body, "late");
  owned.reset();
  EXPECT_TRUE(drained.get());
}

TEST_F(Http2Test, ClosesAnUnusedConnectionInOrder) {
  Client client(server_->Port());
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
  Advance(80'000);
  EXPECT_FALSE(client.TalkUntil([] { return false; }));
  EXPECT_GE(client.goaways, 1);
  EXPECT_EQ(Refused("idle_timeout_ms"), 1);
}

TEST_F(Http2Test, RefusesABodyThatStopsComing) {
  const std::string fields = Field(":method", "POST") + Field(":scheme", "http") + Field(":path", "/echo") + Field(":authority", "localhost");
  std::future<std::string> heard = std::async(std::launch::async, [&] { return Say(Prefaced(Frame(1, 4, 1, fields))); });
  EXPECT_TRUE(Eventually([&] { return counters_.Get("net_connections", "").Value() == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Advance(31'000);
  EXPECT_TRUE(Eventually([&] { return Refused("body_timeout_ms") == 1; }));
  server_.reset();
  heard.get();
}

TEST_F(Http2Test, CutsAHeaderBlockThatDoesNotEnd) {
  std::future<std::string> heard = std::async(std::launch::async, [&] { return Say(Prefaced(Frame(1, 0, 1, GetFields("/ping")))); });
  EXPECT_TRUE(Eventually([&] { return counters_.Get("net_connections", "").Value() == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Advance(11'000);
  EXPECT_TRUE(Eventually([&] { return Refused("header_timeout_ms") == 1; }));
  heard.get();
}

// Each of these was, in some server, a way to use it up.
TEST_F(Http2Test, EndsConnectionsThatAreAbused) {
  std::string resets;  // CVE-2023-44487
  for (std::uint32_t i = 0; i < 12'000; ++i) {
    resets += Frame(1, 5, 2 * i + 1, GetFields("/held")) + Frame(3, 0, 2 * i + 1, std::string("\0\0\0\x08", 4));
  }
  std::string made_resets;  // CVE-2025-8671: a window that overflows makes the server reset
  for (std::uint32_t i = 0; i < 12'000; ++i) {
    made_resets += Frame(1, 5, 2 * i + 1, GetFields("/held")) + Frame(8, 0, 2 * i + 1, "\x7f\xff\xff\xff");
  }
  std::string pings, settings, empty_data;
  for (int i = 0; i < 200; ++i) pings += Frame(6, 0, 0, "12345678");
  for (int i = 0; i < 60'000; ++i) settings += Frame(4, 0, 0, "");
  const std::string post = Field(":method", "POST") + Field(":scheme", "http") + Field(":path", "/echo") + Field(":authority", "a");
  empty_data = Frame(1, 4, 1, post);
  for (int i = 0; i < 60'000; ++i) empty_data += Frame(0, 0, 1, "");
  std::string continuations = Frame(1, 0, 1, GetFields("/ping"));  // CVE-2024-24806 and its like
  for (int i = 0; i < 20'000; ++i) continuations += Frame(9, 0, 1, Field("x-more", "again and again and again"));

  const std::pair<std::string, std::string> cases[] = {
      {"resets", resets}, {"made resets", made_resets}, {"pings", pings}, {"settings", settings},
      {"empty data", empty_data}, {"continuations", continuations}};
  for (const auto& [name, frames] : cases) {
    const std::string heard = Say(Prefaced(frames));
    EXPECT_THAT(heard, testing::Not(HasSubstr("<no end>"))) << name;
    held_.clear();
  }
  EXPECT_EQ(Refused("resets_per_second_max"), 2);
  EXPECT_EQ(Refused("pings_per_second_max"), 1);
  Client client(server_->Port());
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
  EXPECT_TRUE(Eventually([&] { return counters_.Get("net_connections", "").Value() == 1; }));
}

TEST_F(Http2Test, EndsConnectionsThatAreNotHttp2) {
  const std::pair<std::string, std::string> cases[] = {
      {"garbage after the preface", std::string(Http2::kPreface) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a frame longer than allowed", Prefaced(std::string("\xff\xff\xff\0\0\0\0\0\1", 9))},
      {"headers on stream 0", Prefaced(Frame(1, 5, 0, GetFields("/ping")))},
      {"headers on an even stream", Prefaced(Frame(1, 5, 2, GetFields("/ping")))},
      {"data before headers", Prefaced(Frame(0, 1, 1, "abc"))},
      {"a broken header block", Prefaced(Frame(1, 5, 1, "\xff\xff\xff\xff\xff\xff"))},
      {"a continuation without headers", Prefaced(Frame(9, 4, 1, GetFields("/ping")))},
      {"a window that overflows", Prefaced(Frame(8, 0, 0, "\x7f\xff\xff\xff"))},
      {"a push", Prefaced(Frame(5, 4, 1, std::string("\0\0\0\2", 4)))},
  };
  for (const auto& [name, bytes] : cases) {
    EXPECT_THAT(Say(bytes), testing::Not(HasSubstr("<no end>"))) << name;
  }
}

// Wrong requests end their stream, and only that.
TEST_F(Http2Test, RefusesWrongRequests) {
  const std::string method = Field(":method", "GET"), scheme = Field(":scheme", "http"), host = Field(":authority", "a");
  const std::string cases[] = {
      method + scheme + host,                                                  // no path
      method + method + scheme + Field(":path", "/ping") + host,               // two methods
      method + scheme + Field(":path", "/ping") + host + Field("Upper", "1"),  // names are lower case
      method + scheme + Field(":path", "/ping") + host + Field("connection", "close"),
      method + scheme + Field(":path", "/ping") + host + Field("transfer-encoding", "chunked"),
      method + scheme + Field(":path", "/ping") + host + Field("te", "gzip"),
      method + scheme + Field(":path", "/ping") + Field("x-a", "1\r\n2") + host,
      method + scheme + Field(":path", "/ping") + host + Field("content-length", "5"),
      method + scheme + Field(":path", "") + host,
  };
  for (const std::string& fields : cases) {
    const std::string heard = Say(Prefaced(Frame(1, 5, 1, fields) + Frame(7, 0, 0, std::string(8, '\0'))));
    EXPECT_THAT(heard, testing::Not(HasSubstr("pong"))) << testing::PrintToString(fields);
  }
  Client client(server_->Port());
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
}

TEST_F(Http2Test, KeepsNoMoreThanAConnectionMay) {
  Limits limits;
  limits.connection_bytes_max = 100'000;
  Start(limits);
  Client client(server_->Port());
  EXPECT_EQ(client.Ask("POST", "/echo", std::string(300'000, 'x')).fields.at(":status"), "503");
  EXPECT_EQ(client.Ask("POST", "/echo", std::string(40'000, 'x')).body.size(), 40'000u);
  EXPECT_GE(Refused("connection_bytes_max"), 1);
}

TEST_F(Http2Test, GivesUpAnAnswerThatItsClientDoesNotTake) {
  const std::string no_window = Frame(4, 0, 0, std::string("\0\4\0\0\0\0", 6));
  std::future<std::string> heard = std::async(std::launch::async, [&] { return Say(Prefaced(no_window + Frame(1, 5, 1, GetFields("/ping")))); });
  EXPECT_TRUE(Eventually([&] { return counters_.Get("net_connections", "").Value() == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Advance(31'000);
  EXPECT_TRUE(Eventually([&] { return Refused("write_timeout_ms") == 1; }));
  server_.reset();
  EXPECT_THAT(heard.get(), testing::Not(HasSubstr("pong")));
}

TEST_F(Http2Test, LimitsHowOftenAnAddressMayAsk) {
  Limits limits;
  limits.requests_per_second_max = 5;
  Start(limits);
  Client client(server_->Port());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
  const Answer refused = client.Ask("GET", "/ping");
  EXPECT_EQ(refused.fields.at(":status"), "429");
  EXPECT_EQ(refused.fields.at("retry-after"), "1");
  Advance(250);
  EXPECT_EQ(client.Ask("GET", "/ping").fields.at(":status"), "200");
}

TEST_F(Http2Test, EventsArriveAsTheyAreSentAndBesideOthers) {
  Start({.keepalive_timeout_ms = 3'600'000});  // time passes faster than this client can answer a ping
  Client client(server_->Port());
  const std::int32_t id = client.Submit("GET", "/events", {}, {{"accept-encoding", "gzip"}});
  const auto sees = [&](std::string_view text) {
    return client.TalkUntil([&] { return client.answers[id].body.contains(text); });
  };
  ASSERT_TRUE(sees("retry: 2000\n\n"));
  const EventStream stream = Stream();
  EXPECT_TRUE(stream.Send({.id = "1", .type = "live", .data = "a"}));
  EXPECT_TRUE(sees("id: 1\nevent: live\ndata: a\n\n"));
  EXPECT_EQ(client.answers[id].fields["content-type"], "text/event-stream");
  EXPECT_FALSE(client.answers[id].fields.contains("content-encoding"));
  EXPECT_EQ(client.Ask("GET", "/ping").body, "pong localhost");
  {
    const std::jthread time_passes([this](const std::stop_token& stop) {
      for (; !stop.stop_requested(); std::this_thread::sleep_for(std::chrono::milliseconds(5))) Advance(500);
    });
    ASSERT_TRUE(sees(":\n\n:\n\n:\n\n:\n\n:\n\n:\n\n:\n\n:\n\n"));  // longer than any time-out
  }
  client.Cancel(id);
  client.Ask("GET", "/ping");
  EXPECT_TRUE(Eventually([&] { return cancelled_ == 1; }));
  EXPECT_FALSE(stream.Send({.data = "b"}));
}

TEST_F(Http2Test, AReaderOfEventsThatIsTooSlowIsEndedAndOthersGoOn) {
  Start({.stream_buffer_bytes_max = 64u << 10});
  Client client(server_->Port());
  const std::int32_t id = client.Submit("GET", "/events");
  ASSERT_TRUE(client.TalkUntil([&] { return !client.answers[id].body.empty(); }));
  const EventStream stream = Stream();
  int taken = 0;
  while (stream.Send({.id = std::to_string(taken + 1), .data = std::string(1'000, 'x')})) ++taken;
  EXPECT_TRUE(Eventually([&] { return cancelled_ == 1; }));
  EXPECT_EQ(Refused("stream_buffer_bytes_max"), 1);
  const Answer answer = client.Get(id);
  EXPECT_EQ(answer.error, 0u);
  EXPECT_THAT(answer.body, HasSubstr("id: " + std::to_string(taken) + "\n"));
  EXPECT_EQ(client.Ask("GET", "/ping").fields[":status"], "200");
}

TEST_F(Http2Test, ADrainEndsStreamsOfEvents) {
  Client client(server_->Port());
  const std::int32_t id = client.Submit("GET", "/events");
  ASSERT_TRUE(client.TalkUntil([&] { return !client.answers[id].body.empty(); }));
  std::future<Status> drained = std::async(std::launch::async, [&] { return server_->Drain(10'000); });
  EXPECT_TRUE(client.TalkUntil([&] { return client.answers[id].is_closed; }));
  EXPECT_EQ(client.answers[id].error, 0u);
  std::jthread leaves([&] { client.TalkUntil([] { return false; }); });
  while (drained.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) Advance(500);
  EXPECT_TRUE(drained.get());
}

// The window is closed, or the socket is full.
TEST_F(Http2Test, ADrainDoesNotWaitForWhoDoesNotReadEvents) {
  for (const std::uint32_t window_bytes : {65'535u, 1u << 30}) {
    Start({.stream_buffer_bytes_max = 16u << 20});
    Client client(server_->Port(), window_bytes);
    const std::int32_t id = client.Submit("GET", "/events");
    ASSERT_TRUE(client.TalkUntil([&] { return !client.answers[id].body.empty(); }));
    const EventStream stream = Stream();
    while (stream.Send({.data = std::string(100'000, 'x')})) {
    }
    const std::int64_t begin_ns = now_ns_;
    std::future<Status> drained = std::async(std::launch::async, [&] { return server_->Drain(10'000); });
    while (drained.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) Advance(100);
    EXPECT_TRUE(drained.get());
    EXPECT_LT(now_ns_ - begin_ns, 10'000'000'000) << "long before write_timeout_ms";
    std::lock_guard lock(mutex_);
    streams_.clear();
  }
}

TEST_F(Http2Test, AnOldConnectionEndsItsStreamsOfEvents) {
  Start({.connection_age_max_ms = 60'000});
  Client client(server_->Port());
  const std::int32_t id = client.Submit("GET", "/events");
  ASSERT_TRUE(client.TalkUntil([&] { return !client.answers[id].body.empty(); }));
  Advance(61'000);
  EXPECT_TRUE(client.TalkUntil([&] { return client.answers[id].is_closed; }));
  EXPECT_EQ(client.answers[id].error, 0u);
}

}  // namespace
}  // namespace sw::net
