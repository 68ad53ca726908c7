// Transport: the bytes of one connection, in clear or through TLS. Internal to net.
// Externally synchronised: only its loop's thread.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace sw::net {

class Transport {
 public:
  virtual ~Transport() = default;
  // As recv and send on a socket that does not block: -1 with errno, EAGAIN for "later"; 0: the peer has
  // ended its side.
  virtual ssize_t Read(char* to, std::size_t bytes) = 0;
  virtual ssize_t Write(const char* from, std::size_t bytes) = 0;
  // Says that nothing more will be written. False: the connection is no more.
  virtual bool EndWriting() = 0;
  // Bytes are at hand which the socket will not tell of.
  virtual bool HasPending() const { return false; }
  // The next Read waits for room to write in (a TLS handshake).
  virtual bool WantsToWrite() const { return false; }
  virtual bool IsHandshaking() const { return false; }
  virtual bool IsTls() const { return false; }
};

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}
  ssize_t Read(char* to, std::size_t bytes) override;
  ssize_t Write(const char* from, std::size_t bytes) override;
  bool EndWriting() override;

 private:
  int fd_;
};

}  // namespace sw::net
