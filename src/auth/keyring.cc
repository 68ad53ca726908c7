#include "auth/keyring.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>

#include "auth/key_text.h"
#include "base/errors.h"
#include "base/hash.h"
#include "base/ids.h"

namespace sw::auth {
namespace {

using store::CatalogReader;
using store::CatalogTransaction;

constexpr std::size_t kKeysMax = 10'000;
constexpr std::size_t kScopesMax = 100;

// A revoked key's row stays, so that its id is never given again and what it did can be explained.
constexpr std::array kMigrations = {store::Migration{1, R"sql(
CREATE TABLE auth_keys(
  id TEXT NOT NULL PRIMARY KEY, workspace TEXT NOT NULL, principal TEXT NOT NULL, scopes TEXT NOT NULL,
  sha256 TEXT NOT NULL, created_us BIGINT NOT NULL, created_by TEXT NOT NULL, expires_us BIGINT NOT NULL,
  revoked_us BIGINT NOT NULL, revoked_by TEXT NOT NULL);
)sql"}};

constexpr std::string_view kColumns =
    "id, workspace, principal, scopes, created_us, created_by, expires_us, sha256";

struct StoredKey {
  KeyInfo info;
  std::string sha256;
};

Result<StoredKey> KeyFrom(const store::SqlRow& row) {
  StoredKey key{.info = {.id = row.Text(0),
                         .principal = row.Text(2),
                         .workspace = row.Text(1),
                         .created = row.Int(4),
                         .created_by = row.Text(5),
                         .expires = row.Int(6)},
                .sha256 = row.Text(7)};
  const Json scopes = SW_TRY(Json::Parse(row.Text(3)));
  if (!scopes.IsArray()) return DataLoss("the scopes of key {} are no array", key.info.id);
  for (const Json& scope : scopes.AsArray()) {
    if (scope.IsString()) key.info.scopes.push_back(scope.AsString());
  }
  return key;
}

Status CheckNewKey(const Caller& creator, const NewKey& key, const std::string& workspace,
                   TimeUs now) {
  if (!base::IsName(key.principal)) {
    return InvalidArgument(
        "\"{}\" cannot name who acts by a key: use 1 to 128 of A-Z, a-z, 0-9, '_', '.' and '-'",
        key.principal);
  }
  if (!base::IsName(workspace)) return InvalidArgument("\"{}\" cannot name a workspace", workspace);
  if (key.expires != 0 && key.expires <= now) {
    return InvalidArgument("the key would expire at {}, which is over",
                           base::FormatTime(key.expires));
  }
  if (key.scopes.empty() || key.scopes.size() > kScopesMax) {
    return InvalidArgument("a key has 1 to {} scopes, not {}", kScopesMax, key.scopes.size());
  }
  for (const std::string& scope : key.scopes) {
    if (scope != "*" && !base::IsName(scope)) return InvalidArgument("\"{}\" is no scope", scope);
    SW_TRY(CheckScope(creator, scope));
  }
  if (workspace == creator.workspace || creator.Has("*")) return Ok();
  return PermissionDenied("{} belongs to workspace {} and cannot make keys for {}",
                          creator.principal, creator.workspace, workspace);
}

std::unexpected<Error> NotAccepted() {
  return Unauthenticated(
      "the key is not accepted: it is unknown, revoked or mistyped; see seaworthy keys list");
}

}  // namespace

struct Keyring::Table {
  std::unordered_map<std::string, StoredKey> keys;  // those not revoked, by id
};

Result<std::string> SystemEntropy(std::size_t bytes) {
  std::string random(bytes, '\0');
  std::size_t filled = 0;
  while (filled < bytes) {
    const ssize_t got = getrandom(random.data() + filled, bytes - filled, 0);
    if (got < 0 && errno != EINTR)
      return Unavailable("the system gives no random bytes (getrandom: errno {})", errno);
    if (got > 0) filled += static_cast<std::size_t>(got);
  }
  return random;
}

Json KeyToJson(const KeyInfo& key) {
  return Json::MakeObject(
      {{"id", key.id},
       {"principal", key.principal},
       {"workspace", key.workspace},
       {"scopes", Json::FromRange(key.scopes)},
       {"created", base::FormatTime(key.created)},
       {"created_by", key.created_by},
       {"expires", key.expires == 0 ? Json() : Json(base::FormatTime(key.expires))}});
}

Status CheckScopes(const std::vector<std::string>& scopes, const std::vector<std::string>& known) {
  for (const std::string& scope : scopes) {
    if (scope == "*" || std::ranges::find(known, scope) != known.end()) continue;
    return InvalidArgument("no route asks for scope \"{}\"; there are *, {}", scope,
                           fmt::join(known, ", "));
  }
  return Ok();
}

Status CheckScope(const Caller& caller, std::string_view scope) {
  if (scope.empty() || caller.Has(scope)) return Ok();
  return PermissionDenied("{} has not the scope {}; ask for a key that has it", caller.principal,
                          scope);
}

Result<std::unique_ptr<Keyring>> Keyring::Open(store::Catalog& catalog, const base::Clock& clock,
                                               Entropy entropy) {
  SW_TRY(catalog.Migrate("auth", kMigrations));
  std::unique_ptr<Keyring> keyring(new Keyring(catalog, clock, std::move(entropy)));
  SW_TRY(keyring->Refresh());
  return keyring;
}

std::shared_ptr<const Keyring::Table> Keyring::Snapshot() const {
  const std::scoped_lock lock(mutex_);
  return table_;
}

Status Keyring::Refresh() {
  const std::scoped_lock lock(refresh_);
  auto table = std::make_shared<Table>();
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    for (const store::SqlRow& row : SW_TRY(reader.Query(
             fmt::format("SELECT {} FROM auth_keys WHERE revoked_us = 0", kColumns)))) {
      StoredKey key = SW_TRY(KeyFrom(row));
      std::string id = key.info.id;
      table->keys.emplace(std::move(id), std::move(key));
    }
    return Ok();
  }));
  const std::scoped_lock publish(mutex_);
  table_ = std::move(table);
  return Ok();
}

Result<CreatedKey> Keyring::Create(const Caller& creator, const NewKey& key) {
  const TimeUs now = clock_.Now();
  const std::string workspace = key.workspace.empty() ? creator.workspace : key.workspace;
  SW_TRY(CheckNewKey(creator, key, workspace, now));
  const std::string id_bytes = SW_TRY(entropy_(kIdBytes));
  CreatedKey created{.info = {.id = base::HexEncode(id_bytes),
                              .principal = key.principal,
                              .workspace = workspace,
                              .scopes = key.scopes,
                              .created = now,
                              .created_by = creator.principal,
                              .expires = key.expires},
                     .secret = KeyText(id_bytes, SW_TRY(entropy_(kSecretBytes)))};
  SW_TRY(catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const auto count = SW_TRY(tx.Query("SELECT COUNT(*) FROM auth_keys WHERE revoked_us = 0"));
    if (count[0].Int(0) >= static_cast<std::int64_t>(kKeysMax)) {
      return ResourceExhausted("there are {} keys (limit keys_max); revoke some", count[0].Int(0));
    }
    SW_TRY(tx.Execute(
        "INSERT INTO auth_keys(id, workspace, principal, scopes, sha256, created_us, created_by, "
        "expires_us, revoked_us, revoked_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
        {created.info.id, workspace, key.principal, Json::FromRange(key.scopes).Dump(),
         base::Sha256Hex(created.secret), now, creator.principal, key.expires}));
    return tx.NoteChange("auth_key", created.info.id);
  }));
  SW_TRY(Refresh());
  return created;
}

Status Keyring::Revoke(const Caller& caller, std::string_view id) {
  SW_TRY(catalog_.Write([&](CatalogTransaction& tx) -> Status {
    const std::int64_t revoked = SW_TRY(tx.Execute(
        "UPDATE auth_keys SET revoked_us = ?, revoked_by = ? WHERE id = ? AND workspace = ? AND "
        "revoked_us = 0",
        {std::max<TimeUs>(1, clock_.Now()), caller.principal, std::string(id), caller.workspace}));
    if (revoked == 0) return NotFound("no key \"{}\"; see seaworthy keys list", id);
    return tx.NoteChange("auth_key", id);
  }));
  return Refresh();
}

Result<std::vector<KeyInfo>> Keyring::List(const Caller& caller) const {
  std::vector<KeyInfo> keys;
  SW_TRY(catalog_.Read([&](CatalogReader& reader) -> Status {
    for (const store::SqlRow& row :
         SW_TRY(reader.Query(fmt::format("SELECT {} FROM auth_keys WHERE workspace = ? AND "
                                         "revoked_us = 0 ORDER BY created_us, id",
                                         kColumns),
                             {caller.workspace}))) {
      keys.push_back(SW_TRY(KeyFrom(row)).info);
    }
    return Ok();
  }));
  return keys;
}

Result<Caller> Keyring::Authenticate(std::string_view authorization) const {
  const std::optional<std::string_view> token = BearerToken(authorization);
  if (!token)
    return Unauthenticated(
        "send a key as \"Authorization: Bearer sw_...\"; see seaworthy keys create");
  const std::shared_ptr<const Table> table = Snapshot();
  const std::optional<std::string_view> id = KeyId(*token);
  if (!id) return NotAccepted();
  const auto found = table->keys.find(std::string(*id));
  // An unknown id costs the same hash and comparison as a known one.
  static const std::string kNoKey(64, '0');
  const bool is_known = found != table->keys.end();
  const bool is_equal =
      EqualInConstantTime(base::Sha256Hex(*token), is_known ? found->second.sha256 : kNoKey);
  if (!is_known || !is_equal) return NotAccepted();
  const KeyInfo& info = found->second.info;
  if (info.expires != 0 && clock_.Now() >= info.expires) {
    return Unauthenticated("key {} expired at {}; create another", info.id,
                           base::FormatTime(info.expires));
  }
  Caller caller;
  caller.workspace = info.workspace;
  caller.principal = info.principal;
  caller.scopes = info.scopes;
  return caller;
}

bool Keyring::HasKeys() const { return !Snapshot()->keys.empty(); }

}  // namespace sw::auth
