// Protocol: one version of HTTP on a connection, which holds the bytes. Internal to net.
// Externally synchronised: only its loop's thread.
#pragma once

#include <cstdint>

namespace sw::net {

class Protocol {
 public:
  virtual ~Protocol() = default;
  // Takes what was read and adds to what is to be written, one step; false: nothing to do until more
  // comes or leaves.
  virtual bool Advance() = 0;
  // The peer has closed its side, perhaps only that: handlers are told, answers are still written.
  virtual void OnHangUp() = 0;
  virtual void OnWrote(std::size_t bytes) = 0;
  virtual void OnTimer(std::int64_t now_ms) = 0;
  virtual void OnDrain() = 0;
  // The connection is gone: every request ends here.
  virtual void OnClose() = 0;

  virtual bool IsIdle() const = 0;           // no request is in flight
  virtual bool IsFinished() const = 0;       // and none will be taken
  // What is to be written is of streams without an end of their own, and of nothing else.
  virtual bool IsEndless() const = 0;
  virtual bool WaitsForPeer() const = 0;     // a request that cannot go on until the peer sends more
};

}  // namespace sw::net
