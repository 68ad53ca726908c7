#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/errors.h"

namespace sw::net {
namespace {

constexpr std::int64_t kLookMs = 1'000;
constexpr std::size_t kWriteMax = 64u << 10;
constexpr std::array<unsigned char, 12> kProtocols = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// The first of OpenSSL's queued reasons; the queue is a thread's own, and must not leak into the next call.
std::string LastReason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be read" : reason;
}

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kProtocols.data(), kProtocols.size(), in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a client that went away would end the process.
int WriteSocket(BIO* bio, const char* from, int bytes) {
  const ssize_t sent = send(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))), from, static_cast<std::size_t>(bytes), MSG_NOSIGNAL);
  BIO_clear_retry_flags(bio);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int ReadSocket(BIO* bio, char* to, int bytes) {
  const ssize_t got = recv(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))), to, static_cast<std::size_t>(bytes), 0);
  BIO_clear_retry_flags(bio);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long ControlSocket(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* MakeSocketBio(int fd) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(made, WriteSocket);
    BIO_meth_set_read(made, ReadSocket);
    BIO_meth_set_ctrl(made, ControlSocket);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(SSL* ssl, int fd) : ssl_(ssl), fd_(fd) {
    BIO* bio = MakeSocketBio(fd);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_accept_state(ssl_);
  }
  ~TlsTransport() override { SSL_free(ssl_); }
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  ssize_t Read(char* to, std::size_t bytes) override {
    const int got = SSL_read(ssl_, to, static_cast<int>(std::min<std::size_t>(bytes, INT32_MAX)));
    return got > 0 ? got : Explain(got);
  }

  ssize_t Write(const char* from, std::size_t bytes) override {
    const int sent = SSL_write(ssl_, from, static_cast<int>(std::min(bytes, kWriteMax)));
    return sent > 0 ? sent : Explain(sent);
  }

  bool EndWriting() override {
    if (SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
    ERR_clear_error();
    return shutdown(fd_, SHUT_WR) == 0;
  }

  bool HasPending() const override { return SSL_pending(ssl_) > 0; }
  bool WantsToWrite() const override { return wants_to_write_; }
  bool IsHandshaking() const override { return !SSL_is_init_finished(ssl_); }
  bool IsTls() const override { return true; }

 private:
  ssize_t Explain(int result) {
    const int error = SSL_get_error(ssl_, result);
    ERR_clear_error();
    wants_to_write_ = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      errno = EAGAIN;
      return -1;
    }
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = EPROTO;
    return -1;
  }

  SSL* ssl_;
  int fd_;
  bool wants_to_write_ = false;
};

}  // namespace

Result<std::shared_ptr<ssl_ctx_st>> TlsContext::Load(const TlsFiles& files) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(raw, ChooseProtocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1) {
    return InvalidArgument("TLS certificate {}: {}; give a PEM file", files.certificate, LastReason());
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(raw) != 1) {
    return InvalidArgument("TLS key {}: {}; give the PEM file of the certificate's key", files.key, LastReason());
  }
  if (files.client_ca.empty()) return context;
  if (SSL_CTX_load_verify_locations(raw, files.client_ca.c_str(), nullptr) != 1) {
    return InvalidArgument("TLS client CA {}: {}; give a PEM file", files.client_ca, LastReason());
  }
  SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(files.client_ca.c_str()));
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::Open(TlsFiles files, base::Counters& counters) {
  std::unique_ptr<TlsContext> tls(new TlsContext(std::move(files)));
  constexpr std::string_view kHelp = "Times that TLS files have changed and were loaded again.";
  tls->reloaded_ = &counters.Get("net_tls_reloads_total", kHelp, {{"result", "ok"}});
  tls->failed_ = &counters.Get("net_tls_reloads_total", kHelp, {{"result", "failed"}});
  tls->stamp_ = tls->Stamp();
  tls->context_ = SW_TRY(Load(tls->files_));
  return tls;
}

TlsContext::~TlsContext() = default;

std::unique_ptr<Transport> TlsContext::Accept(int fd) {
  std::lock_guard lock(mutex_);
  return std::make_unique<TlsTransport>(SSL_new(context_.get()), fd);
}

std::string TlsContext::Stamp() const {
  std::string stamp;
  for (const std::string& file : {files_.certificate, files_.key, files_.client_ca}) {
    struct stat info {};
    if (!file.empty() && stat(file.c_str(), &info) == 0) {
      stamp += fmt::format("{}:{}:{}.{};", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    }
  }
  return stamp;
}

void TlsContext::ReloadIfChanged(std::int64_t now_ms) {
  std::lock_guard lock(mutex_);
  if (now_ms - looked_ms_ < kLookMs) return;
  looked_ms_ = now_ms;
  std::string stamp = Stamp();
  if (stamp == stamp_) return;
  stamp_ = std::move(stamp);
  Result<std::shared_ptr<SSL_CTX>> loaded = Load(files_);
  if (!loaded) return failed_->Add();
  context_ = *std::move(loaded);
  reloaded_->Add();
}

}  // namespace sw::net
