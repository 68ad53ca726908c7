// TlsTransport: the bytes of one connection through OpenSSL, of either side. Internal to net.
// Externally synchronised.
#pragma once

#include <cstdint>
#include <string>

#include "net/transport.h"

struct ssl_st;

namespace sw::net {

class TlsTransport final : public Transport {
 public:
  enum class Side : std::uint8_t { kServer, kClient };
  TlsTransport(ssl_st* ssl, int fd, Side side);  // takes `ssl` over
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  // Reads and writes shake hands first, or this does: 1: done; 0: later; -1: LastTlsReason says why not.
  int Handshake();
  ssize_t Read(char* to, std::size_t bytes) override;
  ssize_t Write(const char* from, std::size_t bytes) override;
  bool EndWriting() override;
  bool HasPending() const override;
  bool WantsToWrite() const override { return wants_to_write_; }
  bool IsHandshaking() const override;
  bool IsTls() const override { return true; }

 private:
  ssize_t Explain(int result);

  ssl_st* ssl_;
  int fd_;
  bool wants_to_write_ = false;
};

// The first of OpenSSL's queued reasons; the queue is a thread's own, and is emptied.
std::string LastTlsReason();

}  // namespace sw::net
