// A socket to a server of this machine, for tests and fuzzers that say what no client would.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "base/check.h"

namespace sw::net {

// The caller closes it. `receive_bytes` is how much it takes before somebody reads; 0: the usual.
inline int NewSocket(int receive_bytes = 0) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SW_CHECK(fd >= 0, "socket");
  if (receive_bytes > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
  return fd;
}

inline void ConnectSocket(int fd, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SW_CHECK(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0, "connect");
}

inline int ConnectedSocket(std::uint16_t port, int receive_bytes = 0) {
  const int fd = NewSocket(receive_bytes);
  ConnectSocket(fd, port);
  return fd;
}

}  // namespace sw::net
