#include "auth/access.h"

#include "auth/key_text.h"
#include "base/errors.h"

namespace sw::auth {

bool IsLoopbackAddress(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = address.substr(0, colon);
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

Result<Access> Access::Decide(const std::vector<std::string>& listens, const Keyring& keyring) {
  const bool has_keys = keyring.HasKeys();
  for (const std::string& listen : listens) {
    if (has_keys || IsLoopbackAddress(listen)) continue;
    return FailedPrecondition(
        "will not listen on {} without a key: whoever reaches it could do everything; "
        "create one first (seaworthy keys create --data DIR), or listen on 127.0.0.1",
        listen);
  }
  return Access(has_keys, keyring);
}

Result<Caller> Access::Admit(std::string_view authorization, std::string_view scope) const {
  // Credentials of another scheme are another server's: boto3 always signs its requests.
  const bool is_open = !key_required_ && !keyring_.HasKeys() && !BearerToken(authorization);
  Caller caller = is_open ? LocalCaller() : SW_TRY(keyring_.Authenticate(authorization));
  SW_TRY(CheckScope(caller, scope));
  return caller;
}

Caller LocalCaller() {
  Caller caller;
  caller.principal = "local";
  caller.scopes = {"*"};
  return caller;
}

}  // namespace sw::auth
