#include "net/tls_transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace sw::net {
namespace {

constexpr std::size_t kWriteMax = 64u << 10;

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

}  // namespace

// The first of OpenSSL's queued reasons; the queue is a thread's own, and must not leak into the next call.
std::string LastTlsReason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be read" : reason;
}

TlsTransport::TlsTransport(SSL* ssl, int fd, Side side) : ssl_(ssl), fd_(fd) {
  BIO* bio = MakeSocketBio(fd);
  SSL_set_bio(ssl_, bio, bio);
  if (side == Side::kServer) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
}

TlsTransport::~TlsTransport() { SSL_free(ssl_); }

ssize_t TlsTransport::Read(char* to, std::size_t bytes) {
  const int got = SSL_read(ssl_, to, static_cast<int>(std::min<std::size_t>(bytes, INT32_MAX)));
  return got > 0 ? got : Explain(got);
}

ssize_t TlsTransport::Write(const char* from, std::size_t bytes) {
  const int sent = SSL_write(ssl_, from, static_cast<int>(std::min(bytes, kWriteMax)));
  return sent > 0 ? sent : Explain(sent);
}

bool TlsTransport::EndWriting() {
  if (SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
  ERR_clear_error();
  return shutdown(fd_, SHUT_WR) == 0;
}

bool TlsTransport::HasPending() const { return SSL_pending(ssl_) > 0; }
bool TlsTransport::IsHandshaking() const { return !SSL_is_init_finished(ssl_); }

int TlsTransport::Handshake() {
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) return 1;
  const int error = SSL_get_error(ssl_, done);
  wants_to_write_ = error == SSL_ERROR_WANT_WRITE;
  return wants_to_write_ || error == SSL_ERROR_WANT_READ ? 0 : -1;
}

ssize_t TlsTransport::Explain(int result) {
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

}  // namespace sw::net
