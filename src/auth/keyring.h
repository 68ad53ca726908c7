// Keyring: API keys, and who a request with one of them is.
//
//   auto keyring = SW_TRY(Keyring::Open(catalog, clock, SystemEntropy));
//   CreatedKey key = SW_TRY(keyring->Create(admin, {.principal = "ci", .scopes = {"models.read"}}));
//   Print(key.secret);                                  // shown once, never stored
//   Caller caller = SW_TRY(keyring->Authenticate("Bearer " + key.secret));
//   SW_TRY(CheckScope(caller, "models.read"));
//
// A key is "sw_<id>_<secret>": 8 and 32 random bytes in hex. The catalog keeps the SHA-256 of the
// whole; it is compared in constant time. Authenticate reads an immutable snapshot, never the
// catalog; Refresh takes in what other processes changed. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/catalog.h"

namespace sw::auth {

// Gives so many unpredictable bytes.
using Entropy = std::function<Result<std::string>(std::size_t bytes)>;
Result<std::string> SystemEntropy(std::size_t bytes);  // getrandom(2)

struct NewKey {
  std::string principal = {};            // a name: who acts by it
  std::string workspace = {};            // empty: the creator's
  std::vector<std::string> scopes = {};  // "models.read"; "*" is all of them
  TimeUs expires = 0;                    // 0: never
};

struct KeyInfo {
  std::string id = {};
  std::string principal = {};
  std::string workspace = {};
  std::vector<std::string> scopes = {};
  TimeUs created = 0;
  std::string created_by = {};
  TimeUs expires = 0;
};

struct CreatedKey {
  KeyInfo info = {};
  std::string secret = {};  // the whole key
};

Json KeyToJson(const KeyInfo& key);  // without the secret

// INVALID_ARGUMENT names a scope that is neither "*" nor one of those that routes ask for.
Status CheckScopes(const std::vector<std::string>& scopes, const std::vector<std::string>& known);
// PERMISSION_DENIED names the caller and the scope that it lacks. An empty scope asks nobody.
Status CheckScope(const Caller& caller, std::string_view scope);

class Keyring {
 public:
  static Result<std::unique_ptr<Keyring>> Open(store::Catalog& catalog, const base::Clock& clock,
                                               Entropy entropy);

  // PERMISSION_DENIED when the key would have a scope or a workspace that the creator has not.
  Result<CreatedKey> Create(const Caller& creator, const NewKey& key);
  // At once for this process, at their next Refresh for others.
  Status Revoke(const Caller& caller, std::string_view id);
  // Of the caller's workspace, oldest first, expired ones too.
  Result<std::vector<KeyInfo>> List(const Caller& caller) const;

  // Who asks, by an Authorization header. UNAUTHENTICATED says what is wrong, but not whether an
  // id exists.
  Result<Caller> Authenticate(std::string_view authorization) const;
  // Whether there is a key that was not revoked; an expired one counts, so that a server does not
  // open up when its last key runs out.
  bool HasKeys() const;
  Status Refresh();

 private:
  struct Table;

  Keyring(store::Catalog& catalog, const base::Clock& clock, Entropy entropy)
      : catalog_(catalog), clock_(clock), entropy_(std::move(entropy)) {}
  std::shared_ptr<const Table> Snapshot() const;

  store::Catalog& catalog_;
  const base::Clock& clock_;
  const Entropy entropy_;
  std::mutex
      refresh_;  // held while reading the catalog: an older snapshot never replaces a newer one
  // Held for a copy of the pointer. Not std::atomic<shared_ptr>: libstdc++ 12 races in it.
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_;
};

}  // namespace sw::auth
