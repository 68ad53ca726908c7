// Access: which addresses may be listened on, and whether a request may pass.
//
//   Access access = SW_TRY(Access::Decide({"127.0.0.1:8080"}, *keyring));
//   listen.loopback_only = access.loopback_only();
//   Caller caller = SW_TRY(access.Admit(request.headers.Get("authorization"), route.scope));
//
// Without a key only loopback is listened on, and whoever reaches it may do everything; the Host
// header must then be loopback and foreign origins are refused (net's loopback_only). As soon as a
// key exists, every request that needs a scope needs a key, on loopback too. A server that began
// with a key never opens up, even when the last key is revoked. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/keyring.h"

namespace sw::auth {

// "127.0.0.1:80", "localhost:0", "[::1]:80".
bool IsLoopbackAddress(std::string_view address);

class Access {
 public:
  // FAILED_PRECONDITION names an address that needs a key first, and how to make one.
  static Result<Access> Decide(const std::vector<std::string>& listens, const Keyring& keyring);

  // Whether Host and Origin must be loopback.
  bool loopback_only() const { return !key_required_; }
  // The caller of a request, once it has the scope. UNAUTHENTICATED, or PERMISSION_DENIED.
  Result<Caller> Admit(std::string_view authorization, std::string_view scope) const;

 private:
  Access(bool key_required, const Keyring& keyring)
      : key_required_(key_required), keyring_(keyring) {}

  bool key_required_;  // since the start
  const Keyring& keyring_;
};

// Who acts through the data folder itself or through loopback without keys: everything is allowed.
Caller LocalCaller();

}  // namespace sw::auth
