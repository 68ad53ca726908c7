// Connection: one client's socket on one loop. Its first bytes decide between TLS, HTTP/2 and
// HTTP/1.1 (the Protocol). Internal to net. Externally synchronised: only its loop's thread.
//
// Bounded in every direction: at most kReadMax bytes are read ahead, and a protocol stops while
// kOutHighWater bytes wait to be written.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/byte_queue.h"
#include "net/loop.h"
#include "net/protocol.h"
#include "net/transport.h"

namespace sw::net {

class Connection final : public Pollable {
 public:
  static constexpr std::size_t kReadMax = 64u << 10;
  static constexpr std::size_t kOutHighWater = 256u << 10;

  Connection(int fd, Loop& loop, const Listen& listen, std::string peer);
  ~Connection() override;

  void OnEvents(std::uint32_t events) override;
  void OnTimer(std::int64_t now_ms);
  void OnDrain();
  void Close();
  bool Closed() const { return fd_ < 0; }

  // For the protocol.
  std::string_view Unread() const { return std::string_view(in_).substr(in_pos_); }
  void Consume(std::size_t bytes) { in_pos_ += bytes; }
  std::string& Out();  // to append to
  std::size_t OutPending() const { return out_.size(); }
  bool HasRoom() const { return OutPending() < kOutHighWater; }
  void Pump();  // advances the protocol and writes; nothing while that is already going on
  // While one lives, Pump does nothing.
  class Still {
   public:
    explicit Still(Connection& connection) : connection_(connection), was_pumping_(std::exchange(connection.pumping_, true)) {}
    ~Still() { connection_.pumping_ = was_pumping_; }
    Still(const Still&) = delete;
    Still& operator=(const Still&) = delete;

   private:
    Connection& connection_;
    const bool was_pumping_;
  };
  void Cut(std::string_view limit);  // closes and counts
  bool PeerClosed() const { return peer_closed_; }
  std::int64_t LastReadMs() const { return last_read_ms_; }
  bool IsTls() const { return transport_->IsTls(); }
  Loop& GetLoop() { return loop_; }
  ServerState& State() { return state_; }
  const Listen& GetListen() const { return listen_; }
  const std::string& Peer() const { return peer_; }

 private:
  void BeginTls();
  void ReadSome();
  void OnHangUp();
  bool ChooseProtocol();
  bool Advance();
  void Flush();
  void BeginLinger();
  void UpdateInterest();

  int fd_;
  Loop& loop_;
  ServerState& state_;
  const Listen& listen_;
  const std::string peer_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Protocol> protocol_;  // null: the first bytes have not come

  std::string in_;
  std::size_t in_pos_ = 0;
  ByteQueue out_;
  std::uint32_t interest_ = 0;
  bool is_first_read_ = true;
  bool pumping_ = false;
  bool hung_up_ = false;      // the peer has closed; what it sent before may still be unread
  bool peer_closed_ = false;  // and everything was read
  bool lingering_ = false;    // answered and half closed; discards what still comes
  const std::int64_t begin_ms_;
  std::int64_t last_read_ms_;
  std::int64_t last_write_ms_;
  std::int64_t linger_until_ms_ = 0;
};

}  // namespace sw::net
