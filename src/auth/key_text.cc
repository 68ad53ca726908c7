#include "auth/key_text.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace sw::auth {
namespace {

constexpr std::string_view kPrefix = "sw_";
constexpr std::size_t kIdAt = kPrefix.size();
constexpr std::size_t kSecretAt = kIdAt + 2 * kIdBytes + 1;
constexpr std::size_t kKeySize = kSecretAt + 2 * kSecretBytes;

bool IsHex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string KeyText(std::string_view id_bytes, std::string_view secret_bytes) {
  return std::string(kPrefix) + base::HexEncode(id_bytes) + "_" + base::HexEncode(secret_bytes);
}

std::optional<std::string_view> KeyId(std::string_view key) {
  if (key.size() != kKeySize || !key.starts_with(kPrefix) || key[kSecretAt - 1] != '_')
    return std::nullopt;
  const std::string_view id = key.substr(kIdAt, 2 * kIdBytes);
  if (!IsHex(id) || !IsHex(key.substr(kSecretAt))) return std::nullopt;
  return id;
}

std::optional<std::string_view> BearerToken(std::string_view authorization) {
  for (const std::string_view scheme : {"bearer ", "tecton-key "}) {
    const auto same = [](char sent, char wanted) { return base::ToLower(sent) == wanted; };
    if (authorization.size() > scheme.size() && std::ranges::equal(authorization.substr(0, scheme.size()), scheme, same)) {
      return authorization.substr(scheme.size());
    }
  }
  return std::nullopt;
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  // Volatile: the compiler may not stop at the first difference.
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace sw::auth
