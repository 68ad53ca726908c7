// The text of an API key, "sw_<id>_<secret>", and comparing what must not leak by time. Pure.
//
//   std::optional<std::string_view> id = KeyId(key);             // public: names the key
//   if (EqualInConstantTime(Sha256Hex(key), stored_hash)) ...
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sw::auth {

inline constexpr std::size_t kIdBytes = 8;
inline constexpr std::size_t kSecretBytes = 32;

// From kIdBytes and kSecretBytes random bytes.
std::string KeyText(std::string_view id_bytes, std::string_view secret_bytes);
// The id part; none when the text has not a key's shape.
std::optional<std::string_view> KeyId(std::string_view key);
// The token of "Bearer <token>"; the scheme in any case. None for anything else.
std::optional<std::string_view> BearerToken(std::string_view authorization);
// Takes a time that depends on the lengths alone.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace sw::auth
