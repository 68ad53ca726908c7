// Whatever frames follow HTTP/2's preface: the server answers or ends the connection, and keeps nothing of
// it. Over a socket, because a connection belongs to a loop.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/check.h"
#include "net/http2.h"
#include "net/raw_socket.h"
#include "net/server.h"

namespace {

using namespace sw::net;  // NOLINT: a program of its own

void EchoPieces(const BodyReader& body, const Responder& responder) {
  body.Read([body, responder](sw::Result<std::string> piece) {
    if (!piece || piece->empty()) return responder.Finish({{"x-end", "yes"}});
    if (!responder.TryWrite(*std::move(piece))) return responder.Finish();
    responder.OnWritable([body, responder] { EchoPieces(body, responder); });
  });
}

struct Target {
  Target() {
    std::vector<Route> routes;
    routes.push_back({.method = Method::kGet, .pattern = "/a", .handler = [](Request, const Responder& responder) {
                        responder.Send(TextResponse(200, "a"));
                      }});
    routes.push_back({.method = Method::kPost, .pattern = "/e", .handler = [](Request request, const Responder& responder) {
                        responder.Send(TextResponse(200, std::move(request.body)));
                      }});
    routes.push_back({.method = Method::kPost, .pattern = "/s", .stream_handler = [](Request, const BodyReader& body, const Responder& responder) {
                        if (responder.Start(200, {})) EchoPieces(body, responder);
                      }});
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.loops = 1;
    server = Server::Start(std::move(options), Router::Make(std::move(routes)).value(), counters).value();
  }
  sw::base::Counters counters;
  std::unique_ptr<Server> server;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Target target;
  const int fd = ConnectedSocket(target.server->Port());
  std::string bytes(Http2::kPreface);
  bytes.append("\0\0\0\4\0\0\0\0\0", 9);
  bytes.append(reinterpret_cast<const char*>(data), size);
  [[maybe_unused]] const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  shutdown(fd, SHUT_WR);
  std::array<char, 4096> heard;
  timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ssize_t got = 0;
  while ((got = recv(fd, heard.data(), heard.size(), 0)) > 0) {
  }
  SW_CHECK(got == 0 || errno != EAGAIN, "the server neither answered nor closed");
  close(fd);
  const auto& connections = target.counters.Get("net_connections", "");
  for (int i = 0; i < 2'000 && connections.Value() != 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  SW_CHECK(connections.Value() == 0, "a connection was kept");
  return 0;
}
