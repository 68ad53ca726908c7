// How a key of any length becomes a key that LMDB takes (1 to 511 bytes).
//
// A key of up to 479 bytes is itself. A longer one is its first 479 bytes and the SHA-256 of the
// whole (511 bytes, a length that no short key has), and its record begins with the whole key,
// which is compared when read. Keys so keep their prefixes, which scans rely on. Immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sw::store {

inline constexpr std::size_t kOnlineKeyPlainMax = 479;
inline constexpr std::size_t kOnlineKeyHashedBytes = kOnlineKeyPlainMax + 32;

std::string PhysicalKey(std::string_view key);
std::string EncodeOnlineRecord(std::string_view key, std::string_view value);

struct OnlineRecord {
  std::string_view key;
  std::string_view value;
};
// Nothing when the record of a hashed key is damaged.
std::optional<OnlineRecord> DecodeOnlineRecord(std::string_view physical_key, std::string_view record);

}  // namespace sw::store
