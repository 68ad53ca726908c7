// ClientSocket: a client's connection, in clear or through TLS that checks the server's certificate.
// Internal to net. One owner.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "net/egress.h"
#include "net/transport.h"

struct ssl_ctx_st;

namespace sw::net {

// What a client trusts: the system's store, or the certificates of a PEM file instead.
Result<std::shared_ptr<ssl_ctx_st>> ClientTlsContext(const std::string& ca_file);

class ClientSocket {
 public:
  // To the first of the addresses that takes it; with a `tls`, only to a server whose certificate is `host`'s.
  // UNAVAILABLE, DEADLINE_EXCEEDED; UNAUTHENTICATED: not the server that it should be.
  static Result<std::unique_ptr<ClientSocket>> Connect(std::span<const SocketAddress> addresses, const std::string& host,
                                                       ssl_ctx_st* tls, std::int64_t deadline_ms);
  ~ClientSocket();
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  ssize_t Read(char* to, std::size_t bytes) { return transport_->Read(to, bytes); }
  ssize_t Write(const char* from, std::size_t bytes) { return transport_->Write(from, bytes); }
  // For something to read, or also for room to write; DEADLINE_EXCEEDED when the time is over.
  Status Wait(bool to_write, std::int64_t deadline_ms) const;
  // Whether the server has closed the kept-alive connection meanwhile, or said something unasked.
  bool IsStale() const;

 private:
  explicit ClientSocket(int fd) : fd_(fd) {}
  Status ShakeHands(const std::string& host, ssl_ctx_st* tls, std::int64_t deadline_ms);

  int fd_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace sw::net
