// Loop: one epoll thread with its connections; ServerState: what all loops share. Internal to net.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "net/mailbox.h"
#include "net/rate.h"
#include "net/server.h"
#include "net/tls.h"

namespace sw::net {

class Connection;

// Thread-safe: immutable after Start but for the atomics.
struct ServerState {
  ServerOptions options;
  Router router;
  base::Counters* counters = nullptr;
  base::Counter* connections = nullptr;
  base::Counter* status_class[6] = {};  // by status / 100
  base::Counter* accept_pauses = nullptr;
  base::LatencyHistogram* latency = nullptr;
  std::unique_ptr<TlsContext> tls;  // null: none is configured
  PeerRates rates;
  std::atomic<std::int64_t> open{0};
  std::atomic<std::size_t> accepting{0};  // loops that a drain has not reached yet
  std::atomic<std::int64_t> bodies_bytes{0};
  std::atomic<bool> draining{false};
  std::atomic<bool> is_unready{false};
  std::mutex mutex;
  std::condition_variable changed;  // open or accepting became less

  std::int64_t NowMs() const { return options.now_ns() / 1'000'000; }
  void CountRefused(std::string_view limit);
  // How long an answer may make no progress: a drain does not wait long for who does not read an endless one.
  std::int64_t WriteTimeoutMs(bool is_endless) const;
};

// Receives the events of one file descriptor.
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void OnEvents(std::uint32_t events) = 0;
};

class Loop {
 public:
  Loop(ServerState& state, const std::vector<int>& listen_fds);
  ~Loop();  // ends the thread and closes its connections
  void Drain();

  // For its connections, on its thread.
  ServerState& State() { return state_; }
  const std::shared_ptr<Mailbox>& Box() const { return mailbox_; }
  void Retire(Connection* connection) { closed_.push_back(connection); }
  void Watch(int fd, std::uint32_t events, Pollable* target, bool is_new);
  void Unwatch(int fd);  // before it is closed

 private:
  struct Acceptor;
  void Run();
  void Accept(const Acceptor& acceptor, bool all);
  void PauseAccepting();
  void ResumeAccepting();
  void Sweep();

  ServerState& state_;
  std::shared_ptr<Mailbox> mailbox_;
  int epoll_fd_;
  bool stopping_ = false;
  bool accepting_ = true;
  std::int64_t paused_ms_ = 0;  // when accepting_ became false
  std::int64_t swept_ms_ = 0;
  std::vector<Connection*> closed_;  // freed after the batch of events, which may point at them
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::thread thread_;
};

}  // namespace sw::net
