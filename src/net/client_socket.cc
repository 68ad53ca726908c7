#include "net/client_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/errors.h"
#include "net/tls_transport.h"
#include "net/url.h"

namespace sw::net {
namespace {

constexpr std::array<unsigned char, 9> kProtocols = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

Status WaitFor(int fd, short events, std::int64_t deadline_ms) {
  for (;;) {
    const std::int64_t left = deadline_ms - base::MonotonicMs();
    if (left <= 0) return DeadlineExceeded("no answer in time (limit timeout_ms)");
    pollfd item{fd, events, 0};
    const int ready = poll(&item, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    if (ready > 0) return Ok();
    if (ready < 0 && errno != EINTR) return Unavailable("poll: {}", std::strerror(errno));
  }
}

// A connected descriptor, or -1 and why.
int Open(const SocketAddress& address, std::int64_t deadline_ms, int* error) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  *error = fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0 ? 0 : errno;
  if (*error == EINPROGRESS) {
    socklen_t length = sizeof(*error);
    *error = ETIMEDOUT;
    if (WaitFor(fd, POLLOUT, deadline_ms)) getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &length);
  }
  if (*error == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

}  // namespace

Result<std::shared_ptr<ssl_ctx_st>> ClientTlsContext(const std::string& ca_file) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context.get(), kProtocols.data(), kProtocols.size());
  const bool has_loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                                          : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) == 1;
  if (has_loaded) return context;
  return InvalidArgument("certificates to trust, {}: {}; give a PEM file", ca_file.empty() ? "of the system" : ca_file, LastTlsReason());
}

ClientSocket::~ClientSocket() {
  transport_.reset();
  close(fd_);
}

Result<std::unique_ptr<ClientSocket>> ClientSocket::Connect(std::span<const SocketAddress> addresses, const std::string& host,
                                                            ssl_ctx_st* tls, std::int64_t deadline_ms) {
  int error = ECONNREFUSED;
  int fd = -1;
  for (const SocketAddress& address : addresses) {
    if (fd < 0) fd = Open(address, deadline_ms, &error);
  }
  if (fd < 0) return Unavailable("cannot connect to {}: {}; is the server running?", host, std::strerror(error));
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  std::unique_ptr<ClientSocket> made(new ClientSocket(fd));
  if (tls == nullptr) {
    made->transport_ = std::make_unique<PlainTransport>(fd);
  } else {
    SW_TRY(made->ShakeHands(host, tls, deadline_ms));
  }
  return made;
}

Status ClientSocket::ShakeHands(const std::string& host, ssl_ctx_st* tls, std::int64_t deadline_ms) {
  SSL* ssl = SSL_new(tls);
  auto transport = std::make_unique<TlsTransport>(ssl, fd_, TlsTransport::Side::kClient);
  if (IsAddress(AF_INET, host) || IsAddress(AF_INET6, host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    SSL_set1_host(ssl, host.c_str());
    SSL_set_tlsext_host_name(ssl, host.c_str());
  }
  int done = 0;
  while ((done = transport->Handshake()) == 0) SW_TRY(WaitFor(fd_, transport->WantsToWrite() ? POLLOUT : POLLIN, deadline_ms));
  const long verified = SSL_get_verify_result(ssl);
  const std::string reason = ERR_peek_error() == 0 ? "the server has ended the connection" : LastTlsReason();
  if (verified != X509_V_OK) {
    return Unauthenticated("the certificate of {} is not to be trusted: {}", host, X509_verify_cert_error_string(verified));
  }
  if (done != 1) return Unavailable("no TLS with {}: {}", host, reason);
  transport_ = std::move(transport);
  return Ok();
}

Status ClientSocket::Wait(bool to_write, std::int64_t deadline_ms) const {
  if (transport_->HasPending()) return Ok();
  return WaitFor(fd_, to_write || transport_->WantsToWrite() ? POLLIN | POLLOUT : POLLIN, deadline_ms);
}

bool ClientSocket::IsStale() const {
  char byte = 0;
  return transport_->HasPending() || recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

}  // namespace sw::net
