// TLS 1.2 and 1.3 with OpenSSL: what a server shows, and one connection's transport. Internal to net.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/counters.h"
#include "base/result.h"
#include "net/server.h"
#include "net/transport.h"

struct ssl_ctx_st;

namespace sw::net {

// Thread-safe.
class TlsContext {
 public:
  // INVALID_ARGUMENT names the file and what is wrong with it.
  static Result<std::unique_ptr<TlsContext>> Open(TlsFiles files, base::Counters& counters);
  ~TlsContext();

  // Handshakes in its first reads.
  std::unique_ptr<Transport> Accept(int fd);
  // Takes files that have changed since, once a second at most. When they are broken the old ones stay,
  // and net_tls_reloads_total{result="failed"} counts it.
  void ReloadIfChanged(std::int64_t now_ms);

 private:
  explicit TlsContext(TlsFiles files) : files_(std::move(files)) {}
  static Result<std::shared_ptr<ssl_ctx_st>> Load(const TlsFiles& files);
  std::string Stamp() const;

  const TlsFiles files_;
  base::Counter* reloaded_ = nullptr;
  base::Counter* failed_ = nullptr;
  std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;  // guarded by mutex_, as all below
  std::string stamp_;
  std::int64_t looked_ms_ = 0;
};

}  // namespace sw::net
