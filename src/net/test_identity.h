// Certificates for the tests of TLS.
#pragma once

#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace sw::net {

struct Identity {
  std::shared_ptr<evp_pkey_st> key;
  std::shared_ptr<x509_st> certificate;
};

// Signed by `issuer` or by itself; `names` are its subjectAltName: "DNS:localhost,IP:127.0.0.1".
Identity MakeIdentity(const char* name, const Identity* issuer = nullptr, const char* names = nullptr);
void WritePem(const Identity& identity, const std::string& certificate, const std::string& key);

}  // namespace sw::net
