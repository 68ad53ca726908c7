#include "net/tls.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>
#include <string_view>

#include "base/errors.h"
#include "net/tls_transport.h"

namespace sw::net {
namespace {

constexpr std::int64_t kLookMs = 1'000;
constexpr std::array<unsigned char, 12> kProtocols = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kProtocols.data(), kProtocols.size(), in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<ssl_ctx_st>> TlsContext::Load(const TlsFiles& files) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(raw, ChooseProtocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1) {
    return InvalidArgument("TLS certificate {}: {}; give a PEM file", files.certificate, LastTlsReason());
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(raw) != 1) {
    return InvalidArgument("TLS key {}: {}; give the PEM file of the certificate's key", files.key, LastTlsReason());
  }
  if (files.client_ca.empty()) return context;
  if (SSL_CTX_load_verify_locations(raw, files.client_ca.c_str(), nullptr) != 1) {
    return InvalidArgument("TLS client CA {}: {}; give a PEM file", files.client_ca, LastTlsReason());
  }
  SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(files.client_ca.c_str()));
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::Open(TlsFiles files, base::Counters& counters) {
  std::unique_ptr<TlsContext> tls(new TlsContext(std::move(files)));
  constexpr std::string_view kHelp = "Times that TLS files have changed and were loaded again.";
  tls->reloaded_ = &counters.Get("net_tls_reloads_total", kHelp, {{"result", "ok"}});
  tls->failed_ = &counters.Get("net_tls_reloads_total", kHelp, {{"result", "failed"}});
  tls->stamp_ = tls->Stamp();
  tls->context_ = SW_TRY(Load(tls->files_));
  return tls;
}

TlsContext::~TlsContext() = default;

std::unique_ptr<Transport> TlsContext::Accept(int fd) {
  std::lock_guard lock(mutex_);
  return std::make_unique<TlsTransport>(SSL_new(context_.get()), fd, TlsTransport::Side::kServer);
}

std::string TlsContext::Stamp() const {
  std::string stamp;
  for (const std::string& file : {files_.certificate, files_.key, files_.client_ca}) {
    struct stat info {};
    if (!file.empty() && stat(file.c_str(), &info) == 0) {
      stamp += fmt::format("{}:{}:{}.{};", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    }
  }
  return stamp;
}

void TlsContext::ReloadIfChanged(std::int64_t now_ms) {
  std::lock_guard lock(mutex_);
  if (now_ms - looked_ms_ < kLookMs) return;
  looked_ms_ = now_ms;
  std::string stamp = Stamp();
  if (stamp == stamp_) return;
  stamp_ = std::move(stamp);
  Result<std::shared_ptr<SSL_CTX>> loaded = Load(files_);
  if (!loaded) return failed_->Add();
  context_ = *std::move(loaded);
  reloaded_->Add();
}

}  // namespace sw::net
