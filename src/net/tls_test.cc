#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

#include "net/raw_socket.h"
#include "net/server.h"
#include "net/test_identity.h"

namespace sw::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A client that says one text and hears until the end.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, const Identity* identity = nullptr, int version_max = TLS1_3_VERSION,
                     std::string_view protocols = "\x08http/1.1")
      : fd_(ConnectedSocket(port)) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    SSL_CTX_set_min_proto_version(context_.get(), 0);
    if (identity != nullptr) {
      SSL_CTX_use_certificate(context_.get(), identity->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), identity->key.get());
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()), static_cast<unsigned>(protocols.size()));
    SSL_set_fd(ssl_.get(), fd_);
    signal(SIGPIPE, SIG_IGN);  // what this client writes after the server has refused it
    is_connected_ = SSL_connect(ssl_.get()) == 1;
  }
  ~TlsClient() { close(fd_); }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool IsConnected() const { return is_connected_; }
  std::string Protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  std::string Version() const { return SSL_get_version(ssl_.get()); }
  std::string PeerName() const {
    std::array<char, 256> text{};
    const std::unique_ptr<X509, void (*)(X509*)> peer(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, text.data(), text.size());
    return text.data();
  }
  std::string Say(std::string_view text) {
    if (!is_connected_ || SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) <= 0) return "<no connection>";
    std::string heard;
    std::array<char, 16384> piece;
    for (int got = 0; (got = SSL_read(ssl_.get(), piece.data(), piece.size())) > 0;) heard.append(piece.data(), static_cast<std::size_t>(got));
    return heard;
  }

 private:
  int fd_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  bool is_connected_ = false;
};

class TlsTest : public testing::Test {
 protected:
  void Start(TlsFiles files, bool tls_only = false) {
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0", .tls_only = tls_only}};
    options.loops = 1;
    options.tls = std::move(files);
    options.now_ns = [this] { return now_ns_.load(); };
    std::vector<Route> routes;
    routes.push_back({.method = Method::kPost, .pattern = "/echo", .handler = [](Request request, Responder responder) {
                        responder.Send(TextResponse(200, std::move(request.body)));
                      }});
    server_ = Server::Start(std::move(options), Router::Make(std::move(routes)).value(), counters_).value();
  }
  static std::string Post(const std::string& body) {
    return "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::int64_t Count(std::string_view result) {
    return counters_.Get("net_tls_reloads_total", "", {{"result", std::string(result)}}).Value();
  }
  void LookAgain(std::string_view result) {
    const std::int64_t before = Count(result);
    now_ns_ += 1'500'000'000;
    const TlsClient waker(server_->Port());  // a loop without a connection sleeps
    for (int i = 0; i < 500 && Count(result) == before; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(Count(result), before + 1);
  }

  std::atomic<std::int64_t> now_ns_{1'000'000'000};
  base::Counters counters_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, AnswersBothInClearAndEncryptedOnOnePort) {
  WritePem(MakeIdentity("one"), "cert.pem", "key.pem");
  Start({.certificate = "cert.pem", .key = "key.pem"});
  const std::string body(3'000'000, 'x');
  TlsClient client(server_->Port());
  EXPECT_EQ(client.Version(), "TLSv1.3");
  EXPECT_EQ(client.Protocol(), "http/1.1");
  EXPECT_EQ(client.PeerName(), "one");
  const std::string heard = client.Say(Post(body));
  EXPECT_THAT(heard.substr(0, 20), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_TRUE(heard.ends_with(body));
  TlsClient older(server_->Port(), nullptr, TLS1_2_VERSION, "\x02h2");
  EXPECT_EQ(older.Version(), "TLSv1.2");
  EXPECT_EQ(older.Protocol(), "h2");
}

TEST_F(TlsTest, RefusesOldVersionsAndUnknownProtocols) {
  WritePem(MakeIdentity("one"), "cert.pem", "key.pem");
  Start({.certificate = "cert.pem", .key = "key.pem"});
  EXPECT_FALSE(TlsClient(server_->Port(), nullptr, TLS1_1_VERSION).IsConnected());
  EXPECT_FALSE(TlsClient(server_->Port(), nullptr, TLS1_3_VERSION, "\x06gopher").IsConnected());
}

TEST_F(TlsTest, RefusesClearTextWhereOnlyTlsIsSpoken) {
  WritePem(MakeIdentity("one"), "cert.pem", "key.pem");
  Start({.certificate = "cert.pem", .key = "key.pem"}, /*tls_only=*/true);
  const int fd = ConnectedSocket(server_->Port());
  const std::string post = Post("hello");
  ASSERT_GT(send(fd, post.data(), post.size(), 0), 0);
  std::array<char, 1024> heard{};
  EXPECT_GT(recv(fd, heard.data(), heard.size(), 0), 0);
  EXPECT_THAT(heard.data(), HasSubstr("speaks only https"));
  EXPECT_EQ(recv(fd, heard.data(), heard.size(), 0), 0);
  close(fd);
  EXPECT_THAT(TlsClient(server_->Port()).Say(post), HasSubstr("hello"));
}

TEST_F(TlsTest, TakesARenewedCertificateWithoutARestart) {
  WritePem(MakeIdentity("one"), "cert.pem", "key.pem");
  Start({.certificate = "cert.pem", .key = "key.pem"});
  EXPECT_EQ(TlsClient(server_->Port()).PeerName(), "one");
  WritePem(MakeIdentity("second"), "cert.pem", "key.pem");
  LookAgain("ok");
  EXPECT_EQ(TlsClient(server_->Port()).PeerName(), "second");
  WritePem(MakeIdentity("third"), "cert.pem", "other.pem");  // the key is another's
  LookAgain("failed");
  EXPECT_EQ(TlsClient(server_->Port()).PeerName(), "second");
}

TEST_F(TlsTest, AsksForAClientCertificateWhenItHasItsCa) {
  const Identity ca = MakeIdentity("ca");
  const Identity stranger_ca = MakeIdentity("other ca");
  WritePem(ca, "ca.pem", "ca-key.pem");
  WritePem(MakeIdentity("one"), "cert.pem", "key.pem");
  Start({.certificate = "cert.pem", .key = "key.pem", .client_ca = "ca.pem"});
  const Identity friendly = MakeIdentity("client", &ca);
  const Identity stranger = MakeIdentity("client", &stranger_ca);
  EXPECT_THAT(TlsClient(server_->Port(), &friendly).Say(Post("hello")), HasSubstr("hello"));
  EXPECT_THAT(TlsClient(server_->Port(), &stranger).Say(Post("hello")), testing::Not(HasSubstr("hello")));
  EXPECT_THAT(TlsClient(server_->Port()).Say(Post("hello")), testing::Not(HasSubstr("hello")));
}

TEST_F(TlsTest, NamesTheFileThatIsWrong) {
  WritePem(MakeIdentity("one"), "cert.pem", "key.pem");
  WritePem(MakeIdentity("two"), "cert2.pem", "key2.pem");
  const auto error_of = [&](TlsFiles files) {
    ServerOptions options;
    options.listens = {{.address = "127.0.0.1:0"}};
    options.tls = std::move(files);
    Result<std::unique_ptr<Server>> server = Server::Start(std::move(options), Router::Make({}).value(), counters_);
    return server ? std::string() : server.error().message;
  };
  EXPECT_THAT(error_of({.certificate = "none.pem", .key = "key.pem"}), HasSubstr("TLS certificate none.pem"));
  EXPECT_THAT(error_of({.certificate = "cert.pem", .key = "none.pem"}), HasSubstr("TLS key none.pem"));
  EXPECT_THAT(error_of({.certificate = "cert.pem", .key = "key2.pem"}), HasSubstr("TLS key key2.pem: key values mismatch"));
  EXPECT_THAT(error_of({.certificate = "cert.pem", .key = "key.pem", .client_ca = "key.pem"}), HasSubstr("TLS client CA key.pem"));
}

}  // namespace
}  // namespace sw::net
