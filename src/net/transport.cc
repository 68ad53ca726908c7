#include "net/transport.h"

#include <sys/socket.h>

namespace sw::net {

ssize_t PlainTransport::Read(char* to, std::size_t bytes) { return recv(fd_, to, bytes, 0); }
ssize_t PlainTransport::Write(const char* from, std::size_t bytes) { return send(fd_, from, bytes, MSG_NOSIGNAL); }
bool PlainTransport::EndWriting() { return shutdown(fd_, SHUT_WR) == 0; }

}  // namespace sw::net
